import { Fault } from '@dinrail/core'
import type { Properties } from './fields-schema.ts'
import type { OnnxTensor } from './runtime.ts'

/** A recipe of one ONNX output, held against the file and ready for use. */
export interface PreparedOutput {
  /** The fields that callers get of it. */
  readonly properties: Properties
  /** Puts its fields into the answer, and gives the probability that they are right where it is known. */
  read(tensor: OnnxTensor | undefined, answer: Record<string, unknown>): number | undefined
}

/** How many elements of a shape there are but for its batch axis; undefined where one is open. */
export function elementsOfShape(shape: readonly (number | string)[] | undefined): number | undefined {
  if (shape === undefined) return undefined
  if (shape.length === 1) {
    const [length] = shape
    return typeof length === 'number' && length > 0 ? length : undefined
  }
  let count = 1
  // Shapes of outputs are what the exporter guessed; the first axis is a batch of one here.
  for (const length of shape.slice(1)) {
    if (typeof length !== 'number' || length < 0) return undefined
    count *= length
  }
  return count
}

/** Throws `invalid-output` for the first number that is none: nothing may be decided on it. */
export function checkFinite(numbers: ArrayLike<number>, name: string): void {
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i]))
      throw new Fault('invalid-output', `the network gave ${numbers[i]} at element ${i} of '${name}'`, {
        field: '/output',
      })
}
