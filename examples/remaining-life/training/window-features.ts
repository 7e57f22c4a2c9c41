import type { OnnxGraph } from '../../training/onnx-file.ts'
import { engineSensors, WINDOW } from '../engine-sensors.ts'

const FLATTEST = 1e-9

/** Weights over the window, oldest first, whose sums are features of one sensor. */
const weightings = (): number[][] => {
  const cycles = Array.from({ length: WINDOW }, (_, cycle) => cycle)
  const centre = (WINDOW - 1) / 2
  const spread = cycles.reduce((sum, cycle) => sum + (cycle - centre) ** 2, 0)
  const lastMean = (count: number) => cycles.map((cycle) => (cycle >= WINDOW - count ? 1 / count : 0))
  return [lastMean(WINDOW), lastMean(10), lastMean(5), cycles.map((cycle) => (cycle - centre) / spread)]
}

export const featureCount = (weightings().length + 1) * engineSensors.length

/**
 * Adds what the trees look at: of each sensor its mean over all, ten and five cycles, its slope, and how much it scatters.
 * Takes [batch, 30, 14], returns the name of [batch, 70]. Training runs these nodes too, so that nothing is written twice.
 */
export const addWindowFeatures = ({ apply, floats, integers }: OnnxGraph, cycles: string): string => {
  const weights = weightings()
  const sums = apply('MatMul', [floats(weights.flat(), [weights.length, WINDOW]), cycles])
  const mean = apply('MatMul', [floats(weights[0]!, [1, WINDOW]), cycles])
  const away = apply('Sub', [cycles, mean])
  const variance = apply('MatMul', [floats(weights[0]!, [1, WINDOW]), apply('Mul', [away, away])])
  const scatter = apply('Sqrt', [apply('Add', [variance, floats([FLATTEST], [1])])])
  const all = apply('Concat', [sums, scatter], { attributes: { axis: { kind: 'integer', value: 1 } } })
  return apply('Reshape', [all, integers([-1, featureCount])])
}
