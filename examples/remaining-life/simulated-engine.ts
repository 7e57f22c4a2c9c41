import { seededRandom } from '../training/random.ts'
import { type EngineCycle, engineSensors } from './engine-sensors.ts'
import wear from './engine-wear.json' with { type: 'json' }

/** How the sensors of a mean engine stand at some remaining lives, and how much one cycle scatters around it. */
export interface EngineWear {
  /** Remaining cycles, rising. */
  readonly lives: readonly number[]
  /** Of each life, one value a sensor. */
  readonly means: readonly (readonly number[])[]
  readonly scatter: readonly number[]
}

/** Straight lines between the lives; a sound engine before them. */
export const wearAt = ({ lives, means }: EngineWear, life: number): number[] => {
  const above = lives.findIndex((one) => one >= life)
  if (above <= 0) return [...means.at(above)!]
  const share = (life - lives[above - 1]!) / (lives[above]! - lives[above - 1]!)
  return means[above]!.map((after, sensor) => means[above - 1]![sensor]! * (1 - share) + after * share)
}

/** An engine that never was: the mean wear of the training engines, with their scatter. */
export const simulateEngine = ({ seed, cycles }: { readonly seed: number; readonly cycles: number }): EngineCycle[] => {
  const random = seededRandom(seed)
  return Array.from({ length: cycles }, (_, cycle) => {
    const means = wearAt(wear, cycles - 1 - cycle)
    return Object.fromEntries(
      engineSensors.map(({ name }, sensor) => [name, means[sensor]! + wear.scatter[sensor]! * random.normal()]),
    ) as EngineCycle
  })
}
