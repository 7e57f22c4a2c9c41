/** Fits the distributions that `simulateStrip` draws from. */

import { sixDigits } from '../../training/measure.ts'
import {
  type PrimaryQuantity,
  primaryQuantities,
  quantitiesOfStrip,
  type StripDistribution,
  type StripDistributions,
} from '../simulator/strips.ts'
import { type StripRecord, stripDefects } from './steel-plates.ts'

const LEVELS = [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1]
/** Shrinks correlations towards none, so that the matrix of a rare defect stays positive definite. */
const SHRINKAGE = 0.05
/** Steel types are told apart from this many strips of each. */
const LEAST_STRIPS = 20

export const fitStripDistributions = (records: readonly StripRecord[]): StripDistributions => ({
  levels: LEVELS,
  thicknesses: [...new Set(records.map((record) => record.features.steelPlateThickness!))].sort((a, b) => a - b),
  defects: Object.fromEntries(
    stripDefects.map((defect) => {
      const strips = records
        .filter((record) => record.label === defect)
        .map(({ features }) => quantitiesOfStrip(features))
      const ofType = [0, 1].map((type) => strips.filter(({ typeOfSteelA300 }) => typeOfSteelA300 === type))
      const groups = ofType.every((group) => group.length >= LEAST_STRIPS) ? ofType : [strips]
      return [defect, groups.map((group) => fitDistribution(group, group.length / records.length))]
    }),
  ),
})

const fitDistribution = (
  strips: readonly Readonly<Record<PrimaryQuantity, number>>[],
  share: number,
): StripDistribution => {
  const columns = primaryQuantities.map((quantity) => strips.map((strip) => strip[quantity]))
  const scores = columns.map(normalScores)
  const correlation = scores.map((own, row) =>
    scores.map((other, column) => (row === column ? 1 : (1 - SHRINKAGE) * correlationOf(own, other))),
  )
  return {
    quantiles: Object.fromEntries(
      primaryQuantities.map((quantity, row) => {
        const sorted = columns[row]!.slice().sort((a, b) => a - b)
        return [quantity, LEVELS.map((level) => sixDigits(quantileOf(sorted, level)))]
      }),
    ) as Record<PrimaryQuantity, number[]>,
    factor: cholesky(correlation).map((row) => row.map(sixDigits)),
    share: sixDigits(share),
  }
}

const quantileOf = (sorted: readonly number[], level: number): number => {
  const position = level * (sorted.length - 1)
  const low = Math.floor(position)
  const high = Math.min(sorted.length - 1, low + 1)
  return sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!)
}

/** Mid-ranks, mapped to quantiles of the standard normal. */
const normalScores = (values: readonly number[]): number[] =>
  values.map((value) => {
    let below = 0
    let equal = 0
    for (const other of values) {
      if (other < value) below += 1
      else if (other === value) equal += 1
    }
    return normalQuantile((below + equal / 2) / values.length)
  })

/** Zero where one of the two does not vary. */
const correlationOf = (a: readonly number[], b: readonly number[]): number => {
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [meanOf(a), meanOf(b)]
  let [product, squareA, squareB] = [0, 0, 0]
  a.forEach((value, index) => {
    product += (value - meanA) * (b[index]! - meanB)
    squareA += (value - meanA) ** 2
    squareB += (b[index]! - meanB) ** 2
  })
  return squareA * squareB < 1e-12 ? 0 : product / Math.sqrt(squareA * squareB)
}

const cholesky = (matrix: readonly (readonly number[])[]): number[][] => {
  const factor: number[][] = []
  matrix.forEach((values, row) => {
    const own: number[] = []
    for (let column = 0; column <= row; column += 1) {
      let rest = values[column]!
      for (let inner = 0; inner < column; inner += 1) rest -= own[inner]! * (factor[column]?.[inner] ?? own[inner]!)
      own.push(column === row ? Math.sqrt(Math.max(1e-9, rest)) : rest / factor[column]![column]!)
    }
    factor.push(own)
  })
  return factor
}

/** Inverse of the standard normal distribution function, by bisection on its series; ample for ranks. */
const normalQuantile = (share: number): number => {
  let [low, high] = [-6, 6]
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2
    if (normalDistribution(middle) < share) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …); Marsaglia, Evaluating the normal distribution, 2004. */
const normalDistribution = (score: number): number => {
  let term = score
  let sum = score
  for (let odd = 3; Math.abs(term) > 1e-15 * Math.abs(sum); odd += 2) {
    term *= (score * score) / odd
    sum += term
  }
  return 0.5 + (sum * Math.exp((-score * score) / 2)) / Math.sqrt(2 * Math.PI)
}
