import { Fault } from '@dinrail/core'
import type { Properties } from './fields-schema.ts'
import { shapeText } from './onnx-input.ts'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'

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

/** Throws a `TypeError` where an output that is read as numbers holds something else. */
export function checkNumeric(at: string, { name, type }: OnnxMetadata, isScore = false): void {
  if (type === 'string')
    throw new TypeError(`${at}: the ONNX output '${name}' of the file holds texts: use { text: {} }`)
  // What has no room for a share is a class that the network chose itself.
  if (isScore && (type === 'int64' || type === 'bool'))
    throw new TypeError(
      `${at}: the ONNX output '${name}' of the file holds ${type}, which are no scores: name the output that gives one for each`,
    )
}

/** The fault of an output that cannot be read. */
export function gave(name: string, what: string, more = ''): Fault {
  return new Fault('invalid-output', `the network gave ${what} as '${name}'${more}`, { field: '/output' })
}

/** For more or fewer numbers than are stated, which are those of one row. */
export function wrongCount(name: string, dims: readonly number[] | undefined, stated: string): Fault {
  return gave(name, shapeText(dims), `, stated are ${stated}: { tensor: {} } reads several rows at once`)
}

/** Throws `invalid-output` for the first number that is none: nothing may be decided on it. */
export function checkFinite(numbers: ArrayLike<number>, name: string): void {
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i]))
      throw new Fault('invalid-output', `the network gave ${numbers[i]} at element ${i} of '${name}'`, {
        field: '/output',
      })
}
