import type { OnnxGraph } from '../../training/onnx-file.ts'
import { DAY, type Forecast, weekdays } from '../load-records.ts'

/** Quarters back from the last known one: the last hours, and the same time on the day before. */
const BACK = [0, 1, 2, 3, 4, 6, 8, 12, 20, 32, 91, 92, 93, 94, 95]
/** What changed between two of them: lately, and since the day before at the same step. */
const CHANGES = [
  [0, 1],
  [0, 2],
  [0, 4],
  [94, 95],
  [0, 95],
  [91, 95],
] as const

const place = (back: number): number => DAY - 1 - back

/** The hour at the end of the asked quarter, then one column a weekday: what the recipe of the model makes of its fields. */
export const calendarOf = ({ next }: Forecast): Float32Array =>
  Float32Array.from([next.hour, ...weekdays.map((weekday) => (weekday === next.weekday ? 1 : 0))])

/** The same as `addLoadFeatures`, bit by bit: differences of float32 are rounded once on both sides. */
export const loadFeatures = (forecast: Forecast): Float32Array => {
  const at = (back: number) => forecast.usage[place(back)]!
  const changes = CHANGES.map(([one, other]) => Math.fround(at(one) - at(other)))
  return Float32Array.from([...BACK.map(at), ...changes, ...calendarOf(forecast)])
}

/** Adds what the trees look at; returns the name of [batch, 29]. */
export const addLoadFeatures = ({ apply, integers }: OnnxGraph, usage: string, calendar: string): string => {
  const axis = { attributes: { axis: { kind: 'integer', value: 1 } } } as const
  const pick = (backs: readonly number[]) => apply('Gather', [usage, integers(backs.map(place))], axis)
  const changes = apply('Sub', [pick(CHANGES.map(([one]) => one)), pick(CHANGES.map(([, other]) => other))])
  return apply('Concat', [pick(BACK), changes, calendar], axis)
}
