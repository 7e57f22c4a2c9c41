/**
 * Vibration of a motor with a rolling bearing, from first principles: the shaft's harmonics, the train of impacts that
 * a local defect makes, the structure that rings when it is struck, and broadband noise.
 *
 * Model: Randall and Antoni, Rolling element bearing diagnostics: a tutorial, MSSP 25 (2011); McFadden and Smith,
 * Model for the vibration produced by a single point defect, JSV 96 (1984). No recorded data enters here.
 */

import { type Random, seededRandom } from '../../training/random.ts'
import type { BearingCondition } from '../training/cwru-bearing.ts'
import { type BearingGeometry, bearing6205, bearingOrders } from './bearing-geometry.ts'

export interface VibrationOptions {
  readonly condition: BearingCondition
  /** Strength of the defect: 0 is none, 1 a spall of about half a millimetre. */
  readonly severity?: number
  /** in 1/min */
  readonly shaftSpeed?: number
  /** in Hz */
  readonly sampleRate?: number
  readonly samples?: number
  readonly seed: number
  readonly geometry?: BearingGeometry
}

/** Acceleration of the housing in m/s2. The same options give the same signal. */
export const simulateVibration = (options: VibrationOptions): Float32Array => {
  const { condition, severity = 1, shaftSpeed = 1772, sampleRate = 12_000, samples = 2048, seed } = options
  const random = seededRandom(seed)
  const shaftRate = shaftSpeed / 60
  const orders = bearingOrders(options.geometry ?? bearing6205)
  // The structure rings in before the first sample that is kept.
  const leadIn = Math.ceil(0.05 * sampleRate)
  const length = leadIn + samples

  const signal = new Float64Array(length)
  addTones(signal, shaftRate, sampleRate, random)
  addNoise(signal, MEASURING_NOISE, random)
  for (const mode of machineModes) addRinging(signal, mode, whiteForce(length, sampleRate, random), sampleRate)

  if (condition !== 'normal' && severity > 0) {
    const defect = defects[condition]
    const force = new Float64Array(length)
    addImpacts(force, defect, severity, shaftRate, orders, sampleRate, random)
    // Damaged raceways are rough: rolling over them is a continuous random force besides the impacts.
    const roughness = whiteForce(length, sampleRate, random)
    for (const mode of defect.modes) {
      addRinging(signal, mode, force, sampleRate)
      addRinging(signal, { ...mode, gain: mode.gain * defect.roughness * severity }, roughness, sampleRate)
    }
  }
  return Float32Array.from(throughAntiAliasFilter(signal).subarray(leadIn))
}

/** A structural mode: a damped resonator from force to acceleration. */
interface Mode {
  /** in Hz */
  readonly frequency: number
  /** Share of the critical damping. */
  readonly damping: number
  /** Acceleration in m/s2 right after a unit impact. */
  readonly gain: number
}

interface Defect {
  /** Impacts for one turn of the shaft. */
  readonly rate: (orders: ReturnType<typeof bearingOrders>) => number
  /** Turns, for one of the shaft, at which the defect passes through the load zone; 0 stays in it. */
  readonly loadZoneRate: (orders: ReturnType<typeof bearingOrders>) => number
  /** Share of the impact strength that the passage through the load zone takes away and gives back. */
  readonly loadZoneDepth: number
  /** Relative spread of the time between impacts: balls slip. */
  readonly slip: number
  /** Relative spread of the strength of an impact. */
  readonly strengthSpread: number
  /** Share of the passes at which the defect meets a race at all. */
  readonly contact: number
  /** Strength of the random force beside the impacts, by that of `whiteForce`. */
  readonly roughness: number
  /** The path from the defect to the sensor: which modes its impacts set ringing. */
  readonly modes: readonly Mode[]
}

/** Modes of the feet and the frame, set ringing by the running machine whatever the bearing's state. */
const machineModes: readonly Mode[] = [
  { frequency: 1040, damping: 0.02, gain: 0.25 },
  { frequency: 350, damping: 0.06, gain: 0.2 },
]

/** Tones of the motor's slots: multiples of the shaft's rate that radial magnetic forces drive; amplitudes in m/s2. */
const slotTones: readonly (readonly [order: number, amplitude: number])[] = [
  [35, 0.6],
  [36, 0.25],
  [71, 0.2],
]

/** Root mean square of the accelerometer chain's white noise, in m/s2. */
const MEASURING_NOISE = 0.035

const defects: Readonly<Record<Exclude<BearingCondition, 'normal'>, Defect>> = {
  'outer-race': {
    rate: (orders) => orders.outerRace,
    loadZoneRate: () => 0,
    loadZoneDepth: 0,
    slip: 0.006,
    strengthSpread: 0.08,
    contact: 1,
    roughness: 0.03,
    modes: [
      { frequency: 2850, damping: 0.018, gain: 11 },
      { frequency: 3480, damping: 0.016, gain: 24 },
    ],
  },
  'inner-race': {
    rate: (orders) => orders.innerRace,
    loadZoneRate: () => 1,
    loadZoneDepth: 0.55,
    slip: 0.008,
    strengthSpread: 0.08,
    contact: 1,
    roughness: 0.06,
    modes: [
      { frequency: 2700, damping: 0.022, gain: 9 },
      { frequency: 3600, damping: 0.02, gain: 6 },
      { frequency: 1300, damping: 0.05, gain: 1.5 },
    ],
  },
  // A ball's spin axis wanders, so its defect misses the races at many turns and strikes with varying strength.
  ball: {
    rate: (orders) => 2 * orders.ballSpin,
    loadZoneRate: (orders) => orders.cage,
    loadZoneDepth: 0.5,
    slip: 0.03,
    strengthSpread: 0.5,
    contact: 0.6,
    roughness: 0.3,
    modes: [
      { frequency: 3250, damping: 0.02, gain: 3 },
      { frequency: 2900, damping: 0.03, gain: 0.8 },
    ],
  },
}

/** Residual imbalance, misalignment and looseness; amplitudes in m/s2 of the shaft's first harmonics. */
const shaftHarmonics = [0.1, 0.16, 0.12, 0.08, 0.05]

const addTones = (signal: Float64Array, shaftRate: number, sampleRate: number, random: Random): void => {
  const tones = [...shaftHarmonics.map((amplitude, index) => [index + 1, amplitude] as const), ...slotTones]
  for (const [order, amplitude] of tones) {
    const strength = amplitude * (1 + 0.2 * random.normal())
    const phase = 2 * Math.PI * random.uniform()
    const step = (2 * Math.PI * order * shaftRate) / sampleRate
    for (let sample = 0; sample < signal.length; sample += 1)
      signal[sample] = signal[sample]! + strength * Math.cos(phase + step * sample)
  }
}

const addNoise = (signal: Float64Array, level: number, random: Random): void => {
  for (let sample = 0; sample < signal.length; sample += 1) signal[sample] = signal[sample]! + level * random.normal()
}

/** Random force of the power of one unit impact a millisecond; its effect does not depend on the sampling rate. */
const whiteForce = (length: number, sampleRate: number, random: Random): Float64Array =>
  Float64Array.from({ length }, () => random.normal() * Math.sqrt(1000 / sampleRate))

const addImpacts = (
  force: Float64Array,
  defect: Defect,
  severity: number,
  shaftRate: number,
  orders: ReturnType<typeof bearingOrders>,
  sampleRate: number,
  random: Random,
): void => {
  const period = 1 / (defect.rate(orders) * shaftRate)
  const loadZoneRate = defect.loadZoneRate(orders) * shaftRate
  const loadZonePhase = 2 * Math.PI * random.uniform()
  const end = (force.length - 1) / sampleRate
  for (let time = period * random.uniform(); time < end; time += period * (1 + defect.slip * random.normal())) {
    const met = random.uniform() < defect.contact
    const spread = Math.max(0, 1 + defect.strengthSpread * random.normal())
    if (!met) continue
    const loadZone = 1 + defect.loadZoneDepth * Math.cos(2 * Math.PI * loadZoneRate * time + loadZonePhase)
    const strength = severity * spread * loadZone
    // Shared between the two nearest samples, so that impacts are not tied to the sampling grid.
    const position = time * sampleRate
    const sample = Math.floor(position)
    const later = position - sample
    force[sample] = force[sample]! + strength * (1 - later)
    force[sample + 1] = force[sample + 1]! + strength * later
  }
}

/** Convolves the force with gain·e^(−ζωt)·sin(ωt), the impulse response of the mode, as a two-pole recursion. */
const addRinging = (signal: Float64Array, mode: Mode, force: Float64Array, sampleRate: number): void => {
  const angle = (2 * Math.PI * mode.frequency * Math.sqrt(1 - mode.damping ** 2)) / sampleRate
  const decay = Math.exp((-mode.damping * 2 * Math.PI * mode.frequency) / sampleRate)
  const first = 2 * decay * Math.cos(angle)
  const second = -decay * decay
  const input = mode.gain * decay * Math.sin(angle)
  let last = 0
  let beforeLast = 0
  for (let sample = 0; sample < signal.length; sample += 1) {
    const value = first * last + second * beforeLast + (sample > 0 ? input * force[sample - 1]! : 0)
    beforeLast = last
    last = value
    signal[sample] = signal[sample]! + value
  }
}

/** Pass band of the recorder's anti-alias filter, by the sampling rate. */
const PASS_BAND = 0.45
const FILTER_TAPS = 63

/** Low-pass by a Hamming-windowed sinc; the sensor's chain removes what lies above its pass band. */
const throughAntiAliasFilter = (signal: Float64Array): Float64Array => {
  const middle = (FILTER_TAPS - 1) / 2
  const taps = Float64Array.from({ length: FILTER_TAPS }, (_, tap) => {
    const distance = tap - middle
    const sinc = distance === 0 ? 2 * PASS_BAND : Math.sin(2 * Math.PI * PASS_BAND * distance) / (Math.PI * distance)
    return sinc * (0.54 - 0.46 * Math.cos((2 * Math.PI * tap) / (FILTER_TAPS - 1)))
  })
  return signal.map((_, sample) => {
    let sum = 0
    for (let tap = 0; tap < FILTER_TAPS; tap += 1) sum += taps[tap]! * (signal[sample - tap] ?? 0)
    return sum
  })
}
