import { sixDigits } from '../../training/measure.ts'
import { engineSensors, LONGEST } from '../engine-sensors.ts'
import type { EngineWear } from '../simulated-engine.ts'

interface Moment {
  /** A window of cycles, oldest first, sensor after sensor. */
  readonly cycles: Float32Array
  readonly truth: number
}

const LIVES = [0, 5, 10, 20, 30, 40, 55, 70, 85, 100, LONGEST]

/** How engines look at some remaining lives, on average, and how far single cycles are from that. */
export const meanWear = (moments: readonly Moment[]): EngineWear => {
  const width = engineSensors.length
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const means = LIVES.map((life) => {
    const group = moments.filter(({ truth }) => Math.abs(truth - life) <= 2)
    return engineSensors.map((_, sensor) => mean(group.map(({ cycles }) => cycles.at(sensor - width)!)))
  })
  // While engines are sound, what is left within a window is the scatter of the sensors alone.
  const sound = moments.filter(({ truth }) => truth === LONGEST)
  const scatter = engineSensors.map((_, sensor) => {
    const squares = sound.map(({ cycles }) => {
      const values = Array.from(cycles).filter((_, at) => at % width === sensor)
      const middle = mean(values)
      return mean(values.map((value) => (value - middle) ** 2))
    })
    return Math.sqrt(mean(squares))
  })
  return { lives: LIVES, means: means.map((row) => row.map(sixDigits)), scatter: scatter.map(sixDigits) }
}
