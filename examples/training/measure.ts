/** How good probabilities are: the figures that a model card carries. */
import { softmax } from './network.ts'

export interface Measurement {
  readonly n: number
  readonly accuracy: number
  /** Wilson score interval at 95 %. */
  readonly accuracyInterval: readonly [low: number, high: number]
  readonly macroF1: number
  readonly recall: Readonly<Record<string, number>>
  /** Over 10 equal-width bins of the winning probability (Guo et al. 2017). */
  readonly expectedCalibrationError: number
  /** Rows are the true class, columns the answer, both in label order. */
  readonly confusion: readonly (readonly number[])[]
}

export const measure = (
  probabilities: readonly Float64Array[],
  truth: readonly number[],
  labels: readonly string[],
): Measurement => {
  const confusion = labels.map(() => labels.map(() => 0))
  const bins = Array.from({ length: 10 }, () => ({ count: 0, confidence: 0, correct: 0 }))
  probabilities.forEach((row, index) => {
    const answer = argmax(row)
    const actual = truth[index]!
    confusion[actual]![answer]! += 1
    const confidence = row[answer]!
    const bin = bins[Math.min(9, Math.floor(confidence * 10))]!
    bin.count += 1
    bin.confidence += confidence
    bin.correct += answer === actual ? 1 : 0
  })
  const n = truth.length
  const hits = labels.map((_, label) => confusion[label]![label]!)
  const actual = confusion.map((row) => row.reduce((sum, count) => sum + count, 0))
  const answered = labels.map((_, label) => confusion.reduce((sum, row) => sum + row[label]!, 0))
  const correct = hits.reduce((sum, count) => sum + count, 0)
  return {
    n,
    accuracy: rounded(correct / n),
    accuracyInterval: wilson(correct, n),
    macroF1: rounded(
      hits.reduce((sum, hit, label) => sum + (2 * hit) / Math.max(1, actual[label]! + answered[label]!), 0) /
        labels.length,
    ),
    recall: Object.fromEntries(
      labels.map((name, label) => [name, rounded(hits[label]! / Math.max(1, actual[label]!))]),
    ),
    expectedCalibrationError: rounded(bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.correct), 0) / n),
    confusion,
  }
}

/** Guo et al. 2017: the one temperature that minimises the mean negative log-likelihood, by golden-section search. */
export const fitTemperature = (
  logits: readonly Float64Array[],
  truth: readonly number[],
  bounds: readonly [low: number, high: number],
): number => {
  const loss = (temperature: number): number =>
    logits.reduce((sum, row, index) => sum - Math.log(softmax(row, temperature)[truth[index]!]! + 1e-300), 0)
  const ratio = (Math.sqrt(5) - 1) / 2
  let [low, high] = bounds
  for (let step = 0; step < 60; step += 1) {
    const left = high - ratio * (high - low)
    const right = low + ratio * (high - low)
    if (loss(left) < loss(right)) high = right
    else low = left
  }
  return (low + high) / 2
}

export const argmax = (row: ArrayLike<number>): number => {
  let best = 0
  for (let index = 1; index < row.length; index += 1) if (row[index]! > row[best]!) best = index
  return best
}

/** Four decimals: finer digits of a measured share mean nothing at these counts. */
export const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

export const sixDigits = (value: number): number => Number(value.toPrecision(6))

const wilson = (correct: number, n: number): readonly [number, number] => {
  const z = 1.959964
  const share = correct / n
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n)
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))
  return [rounded(Math.max(0, centre - half)), rounded(Math.min(1, centre + half))]
}
