import { sixDigits } from '../../training/measure.ts'
import { DAY, type Forecast } from '../load-records.ts'
import type { LoadProfile } from '../simulated-plant.ts'

const kindOf = (weekday: string): keyof LoadProfile['means'] =>
  weekday === 'Saturday' ? 'saturday' : weekday === 'Sunday' ? 'sunday' : 'workday'

/** kW.h in a quarter. */
const BUSY = 30

/** The mean day of the plant, and how far and how lastingly it strays from that. */
export const meanLoad = (forecasts: readonly Forecast[]): LoadProfile => {
  const sums = { workday: new Float64Array(DAY), saturday: new Float64Array(DAY), sunday: new Float64Array(DAY) }
  const counts = { workday: new Float64Array(DAY), saturday: new Float64Array(DAY), sunday: new Float64Array(DAY) }
  const quarterOf = (hour: number) => hour * 4 - 1
  for (const { next } of forecasts) {
    sums[kindOf(next.weekday)][quarterOf(next.hour)]! += next.usage
    counts[kindOf(next.weekday)][quarterOf(next.hour)]! += 1
  }
  const meansOf = (kind: keyof LoadProfile['means']) =>
    Array.from(sums[kind], (sum, quarter) => sixDigits(sum / counts[kind][quarter]!))
  const means = { workday: meansOf('workday'), saturday: meansOf('saturday'), sunday: meansOf('sunday') }
  // Relative to the mean, since a busy hour strays further than an idle one; the least idle ones say how much.
  const away = forecasts.flatMap(({ next }) => {
    const mean = means[kindOf(next.weekday)][quarterOf(next.hour)]!
    return mean < BUSY ? [] : [next.usage / mean - 1]
  })
  const variance = away.reduce((sum, one) => sum + one ** 2, 0) / away.length
  const products = away.slice(1).reduce((sum, one, index) => sum + one * away[index]!, 0) / (away.length - 1)
  const usages = forecasts.map(({ next }) => next.usage)
  return {
    means,
    deviation: sixDigits(Math.sqrt(variance)),
    persistence: sixDigits(products / variance),
    least: Math.min(...usages),
    most: Math.max(...usages),
  }
}
