/** How good estimates of a number and their intervals are: the figures that a model card carries. */
import { rounded } from './measure.ts'
import { seededRandom } from './random.ts'

export interface RegressionMeasurement {
  readonly n: number
  readonly unit: string
  readonly rootMeanSquareError: number
  /** 95 %, by drawing the groups (engines, days) anew 1,000 times. */
  readonly errorInterval: readonly [low: number, high: number]
  readonly meanAbsoluteError: number
  readonly interval: IntervalMeasurement
}

export interface IntervalMeasurement {
  readonly level: number
  /** Share of the truths that lay inside. */
  readonly coverage: number
  readonly meanWidth: number
}

export interface Estimate {
  readonly low: number
  readonly value: number
  readonly high: number
  readonly truth: number
  /** What is drawn together when the figure's own interval is made: neighbours in time are not independent. */
  readonly group: number
}

export const rootMeanSquare = (errors: readonly number[]): number =>
  Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)

export const measureRegression = (
  estimates: readonly Estimate[],
  { unit, level }: { readonly unit: string; readonly level: number },
): RegressionMeasurement => {
  const errors = estimates.map(({ value, truth }) => value - truth)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    n: estimates.length,
    unit,
    rootMeanSquareError: rounded(rootMeanSquare(errors)),
    errorInterval: redrawn(estimates),
    meanAbsoluteError: rounded(mean(errors.map(Math.abs))),
    interval: {
      level,
      coverage: rounded(mean(estimates.map(({ low, high, truth }) => (truth >= low && truth <= high ? 1 : 0)))),
      meanWidth: rounded(mean(estimates.map(({ low, high }) => high - low))),
    },
  }
}

const DRAWS = 1000

const redrawn = (estimates: readonly Estimate[]): readonly [number, number] => {
  const groups = new Map<number, { squares: number; count: number }>()
  for (const { value, truth, group } of estimates) {
    const own = groups.get(group) ?? { squares: 0, count: 0 }
    groups.set(group, own)
    own.squares += (value - truth) ** 2
    own.count += 1
  }
  const all = [...groups.values()]
  const random = seededRandom(1)
  const figures = Array.from({ length: DRAWS }, () => {
    let [squares, count] = [0, 0]
    for (let draw = 0; draw < all.length; draw += 1) {
      const one = all[random.below(all.length)]!
      squares += one.squares
      count += one.count
    }
    return Math.sqrt(squares / count)
  }).sort((a, b) => a - b)
  return [rounded(figures[Math.floor(DRAWS * 0.025)]!), rounded(figures[Math.ceil(DRAWS * 0.975) - 1]!)]
}
