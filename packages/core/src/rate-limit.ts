import { Fault } from './fault.ts'

export interface RateLimit<In> {
  readonly name: string
  /** UCUM code of `target`, `current` and `atMost`. */
  readonly unit: string
  readonly target: (input: In) => number
  readonly current: () => number | Promise<number>
  /** The largest sum of changes within any `withinMs`. */
  readonly atMost: number
  readonly withinMs: number
}

/** How far a write moved a target, as the journal keeps it. */
export interface RateChange {
  readonly rate: string
  readonly size: number
}

/** Sums the changes of accepted writes over a sliding window. */
export function rateMonitor<In>(limit: RateLimit<In>) {
  let changes: { readonly at: number; readonly size: number }[] = []
  return {
    /** Answers with the change that the write would be. Throws `out-of-limits` where it is too much. */
    async check(input: In): Promise<RateChange> {
      const current = await limit.current()
      const size = Math.abs(limit.target(input) - current)
      const since = Date.now() - limit.withinMs
      changes = changes.filter(({ at }) => at > since)
      const recent = changes.reduce((sum, change) => sum + change.size, 0)
      // A reading that is no number must block, so the comparison asks for what is allowed.
      if (!(size + recent <= limit.atMost))
        throw new Fault(
          'out-of-limits',
          `${limit.name}: a change of ${size} ${limit.unit} from ${current} ${limit.unit}, with ${recent} already made, is more than ${limit.atMost} ${limit.unit} in ${limit.withinMs} ms`,
          { details: { rate: limit.name } },
        )
      return { rate: limit.name, size }
    },
    /** Counts a change that was made, or may have been. */
    count({ rate, size }: RateChange, at: number): void {
      if (rate === limit.name) changes.push({ at, size })
    },
  }
}
