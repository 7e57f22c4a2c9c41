/** One side of a comparison: does its work `times` times. */
export interface Side {
  readonly name: string
  readonly run: (times: number) => void | Promise<void>
}

/** Microseconds for each time, by the name of the side. */
export type Measured = Readonly<Record<string, number>>

/**
 * Measures sides in turn, round after round, so that what disturbs the machine disturbs all of them, and takes each one's median.
 * Prints a line per side with its ratio to the first.
 */
export async function compare(title: string, times: number, sides: readonly Side[], rounds = 21): Promise<Measured> {
  const taken = new Map<string, number[]>(sides.map(({ name }) => [name, []]))
  for (let round = -3; round < rounds; round++)
    for (const { name, run } of sides) {
      const started = performance.now()
      await run(times)
      const each = ((performance.now() - started) * 1000) / times
      // The first rounds are for the compiler.
      if (round >= 0) taken.get(name)?.push(each)
    }
  const medians = Object.fromEntries([...taken].map(([name, values]) => [name, median(values)]))
  console.log(`\n${title}`)
  const first = medians[sides[0]?.name ?? ''] ?? Number.NaN
  const width = Math.max(...sides.map(({ name }) => name.length))
  for (const [name, each] of Object.entries(medians))
    console.log(
      `  ${name.padEnd(width)}  ${each.toFixed(3).padStart(12)} µs  ${(each / first).toFixed(2).padStart(8)}×`,
    )
  return medians
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Says a figure beside its goal; never fails, since a machine's load must not fail a change. */
export function against(goal: string, figure: string, met: boolean): void {
  console.log(`  ${met ? '✓' : '✗'} ${figure} (goal: ${goal})`)
}
