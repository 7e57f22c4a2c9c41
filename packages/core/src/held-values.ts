import type { Model } from './model.ts'

/** The last good value of each field that one caller sent to one model, by JSON Pointer. */
export type HeldValues = Map<string, { readonly value: unknown; readonly time: number }>

/** Callers beyond this many are forgotten, the one that was silent longest first. */
const callersRemembered = 1024

const byModel = new WeakMap<Model, Map<string, HeldValues>>()

/** What is held for a caller of a model. Values of one caller never stand in for another's. */
export function heldValues(model: Model, caller: string): HeldValues {
  let callers = byModel.get(model)
  if (callers === undefined) {
    callers = new Map()
    byModel.set(model, callers)
  }
  const held: HeldValues = callers.get(caller) ?? new Map()
  callers.delete(caller)
  callers.set(caller, held)
  if (callers.size > callersRemembered) callers.delete(callers.keys().next().value as string)
  return held
}
