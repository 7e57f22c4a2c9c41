import { Fault, type RunResult } from '@dinrail/core'
import type { Novelty } from './contract.ts'
import { numbersOf } from './element-types.ts'
import type { Tensors } from './network.ts'
import { elementsOfShape } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'

/** How far an input, or what the network made of it, is from what the network was trained on. */
export type NoveltyScore = (feeds: Tensors, outputs: Tensors) => number

/** Holds a score against the file. Throws a `TypeError` where it speaks of a tensor that is not there, or of another length. */
export function noveltyScore(
  novelty: Novelty,
  inputs: readonly OnnxMetadata[],
  outputs: readonly OnnxMetadata[],
): NoveltyScore {
  const all = [...inputs, ...outputs]
  /** Holds a length that the file leaves open against the score's: whoever gave another one is at fault. */
  const checkLength = (has: number, wanted: number, name: string) => {
    if (has === wanted) return
    const side = inputs.some((one) => one.name === name) ? 'input' : 'output'
    throw new Fault(`invalid-${side}`, `the novelty score needs ${wanted} elements of '${name}', it has ${has}`, {
      field: `/${side}`,
    })
  }
  const lengthOf = (name: string) => {
    const metadata = all.find((one) => one.name === name)
    if (metadata === undefined)
      throw new TypeError(
        `novelty speaks of '${name}'; the file has the inputs and outputs ${all.map((one) => one.name).join(', ')}`,
      )
    if (metadata.type === 'string')
      throw new TypeError(`novelty speaks of '${name}', which holds texts: a score is of numbers`)
    return elementsOfShape(metadata.shape)
  }
  if (!(novelty.threshold >= 0)) throw new TypeError(`novelty.threshold is ${novelty.threshold}: 0 or more`)
  const { of } = novelty
  const length = lengthOf(of)
  if (novelty.kind === 'reconstruction') {
    const { by } = novelty
    if (of === by) throw new TypeError(`novelty compares '${of}' with itself: ${blind}`)
    const other = lengthOf(by)
    if (length !== undefined && other !== undefined && length !== other)
      throw new TypeError(`novelty: '${of}' has ${length} elements, '${by}' has ${other}`)
    return (feeds, given) => {
      const [one, two] = [numbersOf(of, feeds[of] ?? given[of]), numbersOf(by, given[by] ?? feeds[by])]
      checkLength(two.length, one.length, by)
      let sum = 0
      for (let i = 0; i < one.length; i++) sum += (one[i]! - two[i]!) ** 2
      return Math.sqrt(sum / one.length)
    }
  }
  const { mean } = novelty
  const size = mean.length
  if (length !== undefined && length !== size)
    throw new TypeError(`novelty.mean has ${size} numbers, '${of}' has ${length} elements`)
  const rows = novelty.kind === 'mahalanobis' ? novelty.precision : novelty.components
  const isSquare = novelty.kind === 'residual' || rows.length === size
  if (!isSquare || rows.some((row) => row.length !== size))
    throw new TypeError(`novelty: its matrix must have ${size} columns, as many as its mean has numbers`)
  if (novelty.kind === 'residual') {
    checkOrthonormal(rows)
    if (rows.length >= size) throw new TypeError(`novelty.components leave nothing of ${size} dimensions: ${blind}`)
  } else if (rows.every((row) => row.every((one) => one === 0)))
    throw new TypeError(`novelty.precision is zero: ${blind}`)
  else if (!isPositive(rows))
    throw new TypeError('novelty.precision is the inverse of no covariance: with it some inputs would be nowhere far')
  const distance = novelty.kind === 'mahalanobis' ? mahalanobis : residual
  return (feeds, given) => {
    const numbers = numbersOf(of, feeds[of] ?? given[of])
    checkLength(numbers.length, size, of)
    return distance(
      mean.map((middle, i) => numbers[i]! - middle),
      rows,
    )
  }
}

const blind = 'no input would ever be unlike the training data'

type Matrix = readonly (readonly number[])[]

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, one, i) => sum + one * b[i]!, 0)

function mahalanobis(centred: readonly number[], precision: Matrix): number {
  return Math.sqrt(
    Math.max(
      0,
      precision.reduce((sum, row, i) => sum + centred[i]! * dot(row, centred), 0),
    ),
  )
}

/** A share of the largest number in a matrix that rounding explains; those of cards are rounded to few digits. */
const rounding = 1e-5

/** Whether no direction has a negative distance, by the pivots of its decomposition (LDLᵀ). */
function isPositive(matrix: Matrix): boolean {
  const slack = rounding * Math.max(0, ...matrix.map((row, i) => row[i]!))
  const pivots: number[] = []
  const lower: number[][] = matrix.map(() => [])
  for (let j = 0; j < matrix.length; j++) {
    const rest = (i: number) => {
      let sum = (matrix[i]![j]! + matrix[j]![i]!) / 2
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]! * pivots[k]!
      return sum
    }
    const pivot = rest(j)
    if (!(pivot >= -slack)) return false
    pivots.push(pivot > slack ? pivot : 0)
    for (let i = j + 1; i < matrix.length; i++) {
      const share = rest(i)
      if (pivot <= slack && Math.abs(share) > 10 * slack) return false
      lower[i]!.push(pivot > slack ? share / pivot : 0)
    }
  }
  return true
}

/** How far lengths and angles of components may be off, which rounding explains. */
const orthonormalTolerance = 1e-2

function checkOrthonormal(components: Matrix): void {
  components.forEach((one, i) => {
    for (let j = 0; j <= i; j++)
      if (!(Math.abs(dot(one, components[j]!) - (i === j ? 1 : 0)) <= orthonormalTolerance))
        throw new TypeError(
          `novelty.components must be orthonormal, as those of a PCA are: ${i === j ? `number ${i} has another length than 1` : `numbers ${j} and ${i} are not at right angles`}`,
        )
  })
}

/** The components are orthonormal, so that what they explain can be taken off one after the other. */
function residual(centred: readonly number[], components: Matrix): number {
  const rest = [...centred]
  for (const component of components) {
    const share = dot(component, centred)
    component.forEach((one, i) => {
      rest[i]! -= share * one
    })
  }
  return Math.sqrt(dot(rest, rest) / rest.length)
}

/** What becomes of an answer beyond the threshold: never one with a confidence. Throws `out-of-limits` where it is refused. */
export function judged<Out>(
  result: RunResult<Out>,
  score: number,
  { kind, threshold }: Novelty,
  outsideTraining: 'refuse' | 'uncertain',
): RunResult<Out> {
  // A score that is no number vouches for nothing.
  if (score <= threshold) return result
  const message = `the input is unlike what the model was trained on: ${kind} score ${score.toPrecision(4)}, at most ${threshold}`
  if (outsideTraining === 'refuse')
    throw new Fault('out-of-limits', message, { field: '/input', details: { score, threshold, kind } })
  const { confidence: _, ...rest } = result
  const warning = { code: 'outside-training-distribution', message, field: '/input' }
  return { ...rest, quality: 'uncertain', warnings: [...(result.warnings ?? []), warning] }
}
