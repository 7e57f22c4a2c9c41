/**
 * The signal processing of the bearing model, twice: as TypeScript for training and as ONNX nodes for the model file.
 * The two agree within `FEATURE_TOLERANCE`, which the training run asserts.
 *
 * A window gives the shape of its power spectrum, its level, how impulsive it is, and how strongly the envelope of the
 * structural resonances is modulated at the rates that the bearing's geometry fixes. The envelope is the magnitude
 * of the band moved to zero frequency: its bins are cut from the spectrum and transformed back, which also decimates.
 */

import type { OnnxAttribute, OnnxGraph } from '../../training/onnx-file.ts'
import { bearing6205, bearingOrders } from '../simulator/bearing-geometry.ts'
import { BEARING_SAMPLE_RATE, BEARING_WINDOW } from './cwru-bearing.ts'
import { fourier, hannWindow, powerSpectrum } from './fourier.ts'

/** Largest difference of a feature between TypeScript (float64) and the graph (float32). */
export const FEATURE_TOLERANCE = 2e-3

/** The first features are the shares of this many bands. */
export const SPECTRAL_BANDS = 16
const BINS_PER_BAND = BEARING_WINDOW / 2 / SPECTRAL_BANDS
const SHARE_FLOOR = 1e-5

/** 512 bins from 2.0 kHz to 5.0 kHz: where the housing rings when a defect is struck. */
const ENVELOPE_SIZE = 512
const ENVELOPE_FIRST_BIN = 341
/** Envelope bins from 0 to 750 Hz. */
const ENVELOPE_BINS = 128
const ENVELOPE_BIN_WIDTH = BEARING_SAMPLE_RATE / BEARING_WINDOW
const MODULATION_FLOOR = 1e-4

/** The speed at which the rates are looked for, in 1/min; the pools are wide enough for 1,720 to 1,800. */
const NOMINAL_SHAFT_SPEED = 1770
/** Half the base of a triangular pool of envelope bins, in Hz. */
const POOL_HALF_WIDTH = 13

const orders = bearingOrders(bearing6205)
const pooledOrders: readonly (readonly [name: string, order: number])[] = [
  ['cage', orders.cage],
  ['shaft', 1],
  ['2 × shaft', 2],
  ['ball spin', orders.ballSpin],
  ['outer race', orders.outerRace],
  ['2 × outer race', 2 * orders.outerRace],
  ['3 × outer race', 3 * orders.outerRace],
  ['4 × outer race', 4 * orders.outerRace],
  ['2 × ball spin', 2 * orders.ballSpin],
  ['4 × ball spin', 4 * orders.ballSpin],
  ['inner race − shaft', orders.innerRace - 1],
  ['inner race', orders.innerRace],
  ['inner race + shaft', orders.innerRace + 1],
  ['2 × inner race', 2 * orders.innerRace],
  ['3 × inner race', 3 * orders.innerRace],
]

export const bearingFeatureNames: readonly string[] = [
  ...Array.from(
    { length: SPECTRAL_BANDS },
    (_, band) => `log share of band ${band} (${band * 375} to ${(band + 1) * 375} Hz)`,
  ),
  'log mean square, (m/s2)2',
  'log kurtosis of the vibration',
  'log kurtosis of the envelope',
  'log modulation from 12 to 750 Hz',
  ...pooledOrders.map(([name]) => `log modulation at ${name}`),
]

const window2048 = hannWindow(BEARING_WINDOW)
const window512 = hannWindow(ENVELOPE_SIZE)
const window512Sum = window512.reduce((sum, value) => sum + value, 0)

/** [ENVELOPE_BINS, 1 + pools]: the first column sums every bin but the mean's, each further one is a triangle. */
const poolWeights: readonly (readonly number[])[] = Array.from({ length: ENVELOPE_BINS }, (_, bin) => [
  bin < 2 ? 0 : 1,
  ...pooledOrders.map(([, order]) => {
    const distance = Math.abs(bin * ENVELOPE_BIN_WIDTH - (order * NOMINAL_SHAFT_SPEED) / 60)
    return bin === 0 ? 0 : Math.max(0, 1 - distance / POOL_HALF_WIDTH)
  }),
])
/** Scales |DFT|² of the windowed relative envelope to squared amplitude. */
const MODULATION_SCALE = 4 / window512Sum ** 2

export const bearingFeatures = (vibration: ArrayLike<number>): Float64Array => {
  const mean = meanOf(vibration)
  const signal = Float64Array.from(vibration, (value) => value - mean)
  const power = powerSpectrum(
    signal.map((value, index) => value * window2048[index]!),
    BEARING_WINDOW / 2,
  )
  const total = power.reduce((sum, value) => sum + value, 0)
  const shares = Array.from({ length: SPECTRAL_BANDS }, (_, band) =>
    Math.log(
      power.subarray(band * BINS_PER_BAND, (band + 1) * BINS_PER_BAND).reduce((sum, value) => sum + value, 0) / total +
        SHARE_FLOOR,
    ),
  )
  const square = meanOf(signal.map((value) => value ** 2))
  const fourth = meanOf(signal.map((value) => value ** 4))

  const spectrum = fourier({ real: signal, imaginary: new Float64Array(BEARING_WINDOW) })
  const cut = (values: Float64Array) => values.slice(ENVELOPE_FIRST_BIN, ENVELOPE_FIRST_BIN + ENVELOPE_SIZE)
  const band = fourier({ real: cut(spectrum.real), imaginary: cut(spectrum.imaginary) }, 'inverse')
  const envelope = band.real.map((value, index) => Math.hypot(value, band.imaginary[index]!))
  const weighted = (values: Float64Array) =>
    values.reduce((sum, value, index) => sum + value * window512[index]!, 0) / window512Sum
  const level = weighted(envelope)
  const relative = envelope.map((value) => value / level)
  const modulation = powerSpectrum(
    relative.map((value, index) => (value - 1) * window512[index]!),
    ENVELOPE_BINS,
  )
  const pools = poolWeights[0]!.map((_, pool) =>
    Math.log(
      modulation.reduce((sum, value, bin) => sum + value * poolWeights[bin]![pool]!, 0) * MODULATION_SCALE +
        MODULATION_FLOOR,
    ),
  )
  return Float64Array.from([
    ...shares,
    Math.log(square),
    Math.log(fourth / square ** 2),
    Math.log(weighted(relative.map((value) => value ** 4)) / weighted(relative.map((value) => value ** 2)) ** 2),
    ...pools,
  ])
}

/** Adds the nodes that turn `vibration` [batch, 2048] into features [batch, features]; returns the output's name. */
export const addBearingFeatures = (graph: OnnxGraph, vibration: string): string => {
  const { apply, floats, integers } = graph
  const mean = (value: string) => apply('ReduceMean', [value], { attributes: { axes: integersOf(1) } })
  const sum = (value: string, axis: number, keep: boolean) =>
    apply('ReduceSum', [value, integers([axis])], { attributes: { keepdims: integerOf(keep ? 1 : 0) } })
  const squared = (value: string) => apply('Mul', [value, value])
  const transform = (value: string, attributes: Readonly<Record<string, OnnxAttribute>>) =>
    apply('DFT', [value], { attributes: { axis: integerOf(1), ...attributes } })
  const realTransform = (value: string) =>
    transform(apply('Unsqueeze', [value, integers([2])]), { onesided: integerOf(1) })
  const firstBins = (value: string, from: number, count: number) =>
    apply('Slice', [value, integers([from]), integers([from + count]), integers([1])])
  const power = (spectrum: string) => sum(squared(spectrum), 2, false)
  const logWithFloor = (value: string, floor: number) => apply('Log', [apply('Add', [value, floats([floor], [1])])])

  const signal = apply('Sub', [vibration, mean(vibration)])
  const tapered = apply('Mul', [signal, floats(window2048, [BEARING_WINDOW])])
  const spectrumPower = power(firstBins(realTransform(tapered), 0, BEARING_WINDOW / 2))
  const bands = sum(apply('Reshape', [spectrumPower, integers([-1, SPECTRAL_BANDS, BINS_PER_BAND])]), 2, false)
  const shares = logWithFloor(apply('Div', [bands, sum(bands, 1, true)]), SHARE_FLOOR)

  const square = mean(squared(signal))
  const fourth = mean(squared(squared(signal)))
  const kurtosis = apply('Div', [fourth, squared(square)])

  const cut = firstBins(realTransform(signal), ENVELOPE_FIRST_BIN, ENVELOPE_SIZE)
  const envelope = apply('Sqrt', [power(transform(cut, { inverse: integerOf(1) }))])
  const weights = floats(
    window512.map((value) => value / window512Sum),
    [ENVELOPE_SIZE, 1],
  )
  const weighted = (value: string) => apply('MatMul', [value, weights])
  const relative = apply('Div', [envelope, weighted(envelope)])
  const relativeSquare = squared(relative)
  const envelopeKurtosis = apply('Div', [weighted(squared(relativeSquare)), squared(weighted(relativeSquare))])
  const deviation = apply('Mul', [apply('Sub', [relative, floats([1], [1])]), floats(window512, [ENVELOPE_SIZE])])
  const modulation = power(firstBins(realTransform(deviation), 0, ENVELOPE_BINS))
  const pooling = floats(
    poolWeights.flat().map((value) => value * MODULATION_SCALE),
    [ENVELOPE_BINS, pooledOrders.length + 1],
  )
  const pools = logWithFloor(apply('MatMul', [modulation, pooling]), MODULATION_FLOOR)

  return apply(
    'Concat',
    [shares, apply('Log', [square]), apply('Log', [kurtosis]), apply('Log', [envelopeKurtosis]), pools],
    { attributes: { axis: integerOf(1) } },
  )
}

const integerOf = (value: number): OnnxAttribute => ({ kind: 'integer', value })
const integersOf = (...value: number[]): OnnxAttribute => ({ kind: 'integers', value })

const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let index = 0; index < values.length; index += 1) sum += values[index]!
  return sum / values.length
}
