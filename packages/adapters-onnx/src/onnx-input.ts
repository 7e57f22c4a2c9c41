import type { Tensor } from '@dinrail/core'
import type { Properties } from './fields-schema.ts'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'

/** A recipe of one ONNX input, held against the file and ready for use. */
export interface PreparedInput {
  /** The fields that callers send for it. */
  readonly properties: Properties
  /** Makes the tensor of one checked input. Throws `invalid-input` for what only the recipe can judge. */
  feed(input: Fields, memory: Memory | undefined): OnnxTensor
  /** Set where it remembers earlier calls: how many, the one at hand included. */
  readonly calls?: number
}

export type Fields = Readonly<Record<string, unknown>>

/** What is remembered of a session between its calls. */
export interface Memory {
  /** By ONNX input: what its next call is fed. */
  readonly states: Map<string, OnnxTensor>
  /** By ONNX input: the rows of its window, oldest first; of an overlap, the one row that stands in front. */
  readonly rows: Map<string, readonly Tensor['data'][]>
  /** The rows as they are once the call at hand is answered. */
  readonly nextRows: Map<string, readonly Tensor['data'][]>
  /** Calls whose windows still hold a moment of uncertain quality, the last answered one included. */
  doubtful: number
  /** Of the call at hand: a window that is not full. */
  filling: { readonly have: number; readonly need: number; readonly refused: boolean } | undefined
}

/** A contract may come with a file from anywhere: what one call makes of a few numbers stays within the memory of a machine. */
const mostNumbers = 2 ** 26

/** Lengths as people read them; an open one is a question mark. */
export function shapeText(shape: readonly (number | string)[] | undefined): string {
  return `[${(shape ?? ['…']).map((length) => (length === -1 ? '?' : length)).join(', ')}]`
}

/** As `dimsFor`, for what exporters give a batch axis: where the file does not say how many axes there are, it is in front. */
export function batchedDimsFor(at: string, metadata: OnnxMetadata, wanted: readonly number[]): readonly number[] {
  const dims = dimsFor(at, metadata, wanted)
  return metadata.shape === undefined ? [1, ...dims] : dims
}

/** The lengths with the batch axis in front where the file has one axis more. Throws a `TypeError` where the file has others. */
export function dimsFor(at: string, { name, shape: has }: OnnxMetadata, wanted: readonly number[]): readonly number[] {
  const count = wanted.reduce((product, length) => product * Math.max(1, length), 1)
  if (count > mostNumbers)
    throw new TypeError(`${at} makes ${count} numbers of one call, at most ${mostNumbers} may be`)
  if (has === undefined) return wanted
  const dims = has.length === wanted.length + 1 ? [1, ...wanted] : wanted
  const open = (length: number | string | undefined) => typeof length !== 'number' || length < 0
  const fits =
    has.length === dims.length && has.every((length, axis) => open(length) || open(dims[axis]) || length === dims[axis])
  if (!fits)
    throw new TypeError(
      `${at} makes the shape ${shapeText(wanted)}, the ONNX input '${name}' of the file has ${shapeText(has)}`,
    )
  return dims
}
