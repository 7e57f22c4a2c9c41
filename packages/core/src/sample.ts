import type { Quality } from './model.ts'
import type { Tensor } from './tensor.ts'

/**
 * A measured value with what is known about it. May stand in a call wherever the contract asks for a number, a
 * string, a boolean or a tensor; the model itself receives the bare value in the contract's unit.
 */
export interface Sample<Value> {
  readonly value: Value
  /** UCUM code. Converted exactly when it is commensurable with the contract's unit, else `unit-mismatch`. */
  readonly unit?: string | undefined
  /** `good` unless stated. A `bad` sample is refused with `bad-quality`. */
  readonly quality?: Quality | undefined
  /** When the source measured it, ISO 8601 with an offset. Required where the contract states `maxAge`. */
  readonly sourceTime?: string | undefined
}

/** `Value` as a caller may write it: each measured leaf bare or as a `Sample`. */
export type Stated<Value> = Value extends number | string | boolean | Tensor
  ? Value | Sample<Value>
  : Value extends readonly (infer Item)[]
    ? readonly Stated<Item>[]
    : Value extends object
      ? { [Key in keyof Value]: Stated<Value[Key]> }
      : Value

const sampleKeys = new Set(['value', 'unit', 'quality', 'sourceTime'])

/** Whether an object found where a leaf is expected is a sample: `value` and nothing but what a sample may have. */
export function isSample(value: unknown): value is Sample<unknown> {
  if (typeof value !== 'object' || value === null || !('value' in value)) return false
  for (const key of Object.keys(value)) if (!sampleKeys.has(key)) return false
  return true
}

/** States a value's unit, quality and source time in one expression: `sample(2.4, 'mm/s')`. */
export function sample<Value>(
  value: Value,
  unit?: string,
  rest: { quality?: Quality; sourceTime?: string } = {},
): Sample<Value> {
  return unit === undefined ? { value, ...rest } : { value, unit, ...rest }
}
