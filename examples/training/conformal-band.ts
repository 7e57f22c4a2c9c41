import type { OnnxGraph } from './onnx-file.ts'

/**
 * How far below and above an estimate the truth may lie: offsets at knots of the estimate, straight lines between. Made of the
 * errors of estimates that were not trained on (split-conformal, in bins of the estimate, since errors differ along it).
 */
export interface ConformalBand {
  readonly knots: readonly number[]
  readonly below: readonly number[]
  readonly above: readonly number[]
}

export interface Held {
  readonly value: number
  readonly truth: number
}

export const fitBand = (held: readonly Held[], { level, bins }: { readonly level: number; readonly bins: number }) => {
  const sorted = [...held].sort((a, b) => a.value - b.value)
  const parts = Array.from({ length: bins }, (_, bin) =>
    sorted.slice(Math.floor((bin * sorted.length) / bins), Math.floor(((bin + 1) * sorted.length) / bins)),
  )
  const errorsOf = (part: readonly Held[]) => part.map(({ value, truth }) => truth - value).sort((a, b) => a - b)
  return {
    knots: parts.map((part) => Math.fround(part[Math.floor(part.length / 2)]!.value)),
    below: parts.map((part) => Math.fround(lowest(errorsOf(part), (1 - level) / 2))),
    above: parts.map((part) =>
      Math.fround(
        -lowest(
          errorsOf(part)
            .map((error) => -error)
            .reverse(),
          (1 - level) / 2,
        ),
      ),
    ),
  } satisfies ConformalBand
}

/** The finite-sample quantile of Vovk: the ⌊(n + 1)·share⌋-th smallest, so that the promised share holds for the next one. */
const lowest = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.floor((sorted.length + 1) * share) - 1)]!

export const bandAt = ({ knots, below, above }: ConformalBand, value: number): { low: number; high: number } => {
  const at = (offsets: readonly number[]) =>
    offsets.slice(1).reduce((sum, offset, index) => {
      const [from, to] = [knots[index]!, knots[index + 1]!]
      return sum + ((Math.min(to, Math.max(from, value)) - from) * (offset - offsets[index]!)) / (to - from)
    }, offsets[0]!)
  return { low: value + at(below), high: value + at(above) }
}

/** Adds a band around an estimate [batch, 1]; returns the name of [batch, 3]: low, estimate, high. */
export const addBand = (
  { apply, floats }: OnnxGraph,
  estimate: string,
  { knots, below, above }: ConformalBand,
  { output }: { readonly output: string },
): string => {
  const from = floats(knots.slice(0, -1), [1, knots.length - 1])
  const lengths = knots.slice(1).map((knot, index) => knot - knots[index]!)
  const inside = apply('Max', [apply('Sub', [estimate, from]), floats([0], [1])])
  const passed = apply('Min', [inside, floats(lengths, [1, lengths.length])])
  const offsets = [below, [0], above].map((own) => own[0]!)
  const slopes = lengths.flatMap((length, index) =>
    [below, undefined, above].map((own) => (own === undefined ? 0 : (own[index + 1]! - own[index]!) / length)),
  )
  const sums = apply('MatMul', [passed, floats(slopes, [lengths.length, 3])])
  return apply('Add', [apply('Add', [sums, floats(offsets, [1, 3])]), estimate], { output })
}
