import { type Sample, sample, type Tensor, tensor } from '@dinrail/core'
import { seededRandom } from '../training/random.ts'
import type { Strip } from './contracts.ts'
import { drawDefect, simulateStrip } from './simulator/strips.ts'
import { simulateVibration } from './simulator/vibration.ts'
import {
  type BearingCondition,
  type BearingWindow,
  bearingConditions,
  readBearingWindows,
} from './training/cwru-bearing.ts'
import { readStrips } from './training/steel-plates.ts'

/** What the line sees in one run, with the truth that the models' answers are held against. */
export interface Shift {
  /** Where the records come from, as the terminal shows it. */
  readonly source: string
  readonly windows: readonly Window[]
  readonly strips: readonly InspectedStrip[]
  /** A bearing that gets worse, window by window. */
  readonly development: readonly Window[]
}

export interface Window {
  readonly vibration: Sample<Tensor<'float32'>>
  /** 1/min */
  readonly shaftSpeed: number
  readonly truth: BearingCondition
  readonly origin: string
}

export interface InspectedStrip {
  readonly strip: Strip
  readonly truth: string
}

/** A shift from the simulators; the same seed is the same shift. */
export function simulatedShift(seed: number): Shift {
  const random = seededRandom(seed)
  const shaftSpeed = 1772
  const window = (condition: BearingCondition, severity: number): Window => {
    const signal = simulateVibration({ condition, severity, shaftSpeed, seed: Math.floor(random.uniform() * 2 ** 31) })
    return {
      vibration: sample(tensor(signal), 'm/s2'),
      shaftSpeed,
      truth: severity > 0 ? condition : 'normal',
      origin: `simulated, severity ${severity}`,
    }
  }
  const fault = bearingConditions[1 + (seed % 3)]!
  return {
    source: `simulated line, seed ${seed}: no machine stands behind these numbers`,
    windows: Array.from({ length: 200 }, (_, i) => window(bearingConditions[i % 4]!, 1)),
    strips: Array.from({ length: 200 }, () => {
      const truth = drawDefect(random.uniform())
      return { truth, strip: simulateStrip({ defect: truth, seed: Math.floor(random.uniform() * 2 ** 31) }) as Strip }
    }),
    development: [0, 0, 0.9, 1, 1].map((severity) => window(fault, severity)),
  }
}

/** A shift of the real records that the models were not trained on. Throws an `Error` that names what is missing. */
export function recordedShift(directory: string): Shift {
  const records = readBearingWindows(directory, 'held-out').map(windowOf)
  const sound = records.filter(({ truth }) => truth === 'normal')
  const damaged = records.filter(({ truth }) => truth === 'inner-race')
  return {
    source: `real records of ${directory}, held out from training: CWRU bearings, Steel Plates Faults`,
    windows: records,
    strips: readStrips(directory, 'held-out').map(({ features, label }) => ({
      strip: features as Strip,
      truth: label,
    })),
    development: [...sound.slice(0, 2), ...damaged.slice(0, 3)],
  }
}

/** As recorded, in g: the rail converts to what the model wants. */
function windowOf({ vibration, shaftSpeed, label, file, start }: BearingWindow): Window {
  return {
    vibration: sample(tensor(vibration), '[g]'),
    shaftSpeed,
    truth: label,
    origin: `${file} from sample ${start}`,
  }
}
