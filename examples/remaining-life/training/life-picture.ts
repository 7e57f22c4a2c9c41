import type { Estimate } from '../../training/regression-measure.ts'
import { LONGEST } from '../engine-sensors.ts'

const [PANEL, TALL, GAP, LEFT, TOP] = [220, 150, 40, 44, 48] as const

/** Remaining life as estimated, with its interval, against the truth: engines that the network had never seen. */
export const lifePicture = (
  engines: readonly { readonly title: string; readonly life: readonly Estimate[] }[],
): string => {
  const width = LEFT + engines.length * (PANEL + GAP)
  const panels = engines.map(({ title, life }, index) => {
    const left = LEFT + index * (PANEL + GAP)
    const x = (at: number) => (left + (at / (life.length - 1)) * PANEL).toFixed(1)
    const y = (cycles: number) => (TOP + TALL * (1 - cycles / (LONGEST + 5))).toFixed(1)
    const line = (of: (one: Estimate) => number) => life.map((one, at) => `${x(at)},${y(of(one))}`)
    const band = [...line(({ high }) => high), ...line(({ low }) => low).reverse()]
    return [
      `<text x="${left}" y="${TOP - 10}" class="title">${title}</text>`,
      `<polygon points="${band.join(' ')}" class="band"/>`,
      ...[0, 50, 100].map((cycles) => `<path d="M${left},${y(cycles)}h${PANEL}" class="grid"/>`),
      ...(index === 0
        ? [0, 50, 100].map((cycles) => `<text x="${left - 6}" y="${y(cycles)}" class="axis">${cycles}</text>`)
        : []),
      `<polyline points="${line(({ truth }) => truth).join(' ')}" class="truth"/>`,
      `<polyline points="${line(({ value }) => value).join(' ')}" class="value"/>`,
      `<text x="${left}" y="${TOP + TALL + 16}" class="note">cycle 30</text>`,
      `<text x="${left + PANEL}" y="${TOP + TALL + 16}" class="note end">failure, cycle ${life.length + 29}</text>`,
    ].join('\n')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + TALL + 56}" font-family="sans-serif" font-size="12">
<title>Remaining cycles of three engines, estimated and true</title>
<style>
.title{font-size:13px;fill:#222}.note,.axis{fill:#555}.axis,.end{text-anchor:end}.axis{dominant-baseline:middle}
.band{fill:#2b6cb0;opacity:.2}.grid{stroke:#ddd;stroke-width:.5}.truth{fill:none;stroke:#222;stroke-width:1.5;stroke-dasharray:4 3}
.value{fill:none;stroke:#2b6cb0;stroke-width:1.5}
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="20" class="title">Remaining cycles: estimate and 90 % interval (blue), truth (dashed); lives above ${LONGEST} count as ${LONGEST}</text>
${panels.join('\n')}
<text x="${LEFT}" y="${TOP + TALL + 42}" class="note">NASA FD001; each engine answered by trees grown without it. By their error the best, the median and the worst of 100.</text>
</svg>
`
}
