// One contender in a process of its own, so that none pays for another's imports and garbage.
import { answer, type Contender, streamedCharacters } from './task.ts'

export interface Order {
  readonly what: 'loop' | 'stream'
  readonly url: string
  readonly times: number
  readonly atOnce: number
}

export interface Timing {
  readonly wallMs: number
  readonly cpuMs: number
}

const { contender } = (await import(process.argv[2] ?? '')) as { readonly contender: Contender }

async function once({ what, url }: Order): Promise<void> {
  if (what === 'loop') {
    const given = await contender.loop(url)
    if (given !== answer) throw new Error(`the answer was ${given}`)
  } else {
    const length = await contender.stream(url)
    if (length !== streamedCharacters) throw new Error(`${length} of ${streamedCharacters} characters were streamed`)
  }
}

process.on('message', async (order: Order) => {
  const cpu = process.cpuUsage()
  const began = performance.now()
  try {
    for (let i = 0; i < order.times; i++) await Promise.all(Array.from({ length: order.atOnce }, () => once(order)))
  } catch (problem) {
    process.send?.({ problem: String(problem) })
    return
  }
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ wallMs: performance.now() - began, cpuMs: (user + system) / 1000 } satisfies Timing)
})
process.send?.('ready')
