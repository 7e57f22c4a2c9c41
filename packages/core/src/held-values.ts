import type { Model } from './model.ts'

/** The last good value of each field that one holder, commonly a caller, sent to one model, by JSON Pointer. */
export type HeldValues = Map<string, { readonly value: unknown; readonly time: number }>

/** Holders beyond this many are forgotten, the one that was silent longest first. */
const holdersRemembered = 1024

const byModel = new WeakMap<Model, Map<string, HeldValues>>()

/** What is held for a holder in a model. Values of one never stand in for another's. */
export function heldValues(model: Model, holder: string): HeldValues {
  const holders = byModel.get(model) ?? new Map<string, HeldValues>()
  byModel.set(model, holders)
  const held: HeldValues = holders.get(holder) ?? new Map()
  holders.delete(holder)
  holders.set(holder, held)
  if (holders.size > holdersRemembered) holders.delete(holders.keys().next().value as string)
  return held
}
