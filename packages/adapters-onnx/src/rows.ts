import { arrayOf } from './element-types.ts'
import type { Tensors } from './network.ts'
import type { OnnxData, OnnxMetadata, OnnxTensor, OnnxType } from './runtime.ts'

/** Why tensors of several calls can not stand one after the other along the first axis; nothing where they can. */
export function rowsProblem(inputs: readonly OnnxMetadata[], outputs: readonly OnnxMetadata[]): string | undefined {
  const symbols = new Set<string>()
  for (const [side, ports] of [
    ['input', inputs],
    ['output', outputs],
  ] as const)
    for (const { name, isTensor, shape } of ports) {
      if (!isTensor) return `the ONNX ${side} '${name}' is no tensor`
      if (shape === undefined) return `the file does not say how many axes the ONNX ${side} '${name}' has`
      const [length] = shape
      if (length === undefined) return `the ONNX ${side} '${name}' has no axis`
      if (typeof length === 'string') symbols.add(length)
      else if (length !== -1) return `the first axis of the ONNX ${side} '${name}' is always ${length} long`
    }
  return symbols.size > 1 ? `its first axes are called ${[...symbols].join(' and ')}` : undefined
}

type Numbers = Exclude<OnnxData, readonly string[]>

/** Arrays that runs have done with, for the next of the same size: making a large one costs more than filling it. */
export type SpareArrays = Map<string, Numbers>

/** Puts the rows of several calls into one tensor for each name. */
export function joinRows(
  names: readonly string[],
  parts: readonly Tensors[],
  rows: readonly number[],
  spare: SpareArrays = new Map(),
): Tensors {
  const total = sum(rows)
  const joined: Record<string, OnnxTensor> = {}
  for (const name of names) {
    const { type, dims } = parts[0]![name]!
    joined[name] = { type, dims: [total, ...dims.slice(1)], data: joinData(name, type, parts, spare) }
  }
  return joined
}

function joinData(name: string, type: OnnxType, parts: readonly Tensors[], spare: SpareArrays): OnnxData {
  const first = parts[0]![name]!.data
  if (Array.isArray(first)) return parts.flatMap((part) => part[name]!.data as readonly string[])
  let length = 0
  for (const part of parts) length += part[name]!.data.length
  // What one of the callers extends the type's own array by, such as a `Buffer`, is nothing that all share.
  const NumbersClass = arrayOf[type] as new (length: number) => Numbers
  let joined = spare.get(name)
  spare.delete(name)
  if (joined?.length !== length || joined.constructor !== NumbersClass) joined = new NumbersClass(length)
  let offset = 0
  for (const part of parts) {
    const { data } = part[name]!
    // Half floats may be numbers in one call and their bits in another.
    if (type === 'float16') joined.set(bitsOf(data as Uint16Array) as never, offset)
    // All of them are of the type that the network takes.
    else joined.set(data as never, offset)
    offset += data.length
  }
  return joined
}

const bitsOf = ({ buffer, byteOffset, length }: Uint16Array) => new Uint16Array(buffer, byteOffset, length)

/** Keeps the arrays of a run that is over. */
export function keepSpare(feeds: Tensors, spare: SpareArrays): void {
  for (const name in feeds) {
    const { data } = feeds[name]!
    if (ArrayBuffer.isView(data)) spare.set(name, data)
  }
}

/** Up to this many elements a copy costs no more than a view, and keeps no other row in memory. */
const smallRow = 16

/**
 * Gives each call its own rows back: parts of one array, which nobody else is given. Throws where an output does not have
 * as many rows as were fed.
 */
export function splitRows(results: Tensors, rows: readonly number[]): Tensors[] {
  const total = sum(rows)
  const parts: Record<string, OnnxTensor>[] = rows.map(() => ({}))
  for (const name in results) {
    const { type, dims, data } = results[name]!
    if (dims[0] !== total) throw new RangeError(`the output '${name}' has ${dims[0]} rows for ${total}`)
    const size = data.length / total
    let offset = 0
    let dimsOfPart: readonly number[] = []
    for (let index = 0; index < rows.length; index++) {
      const count = rows[index]!
      // Most calls have one row.
      if (dimsOfPart[0] !== count) dimsOfPart = [count, ...dims.slice(1)]
      const length = count * size
      parts[index]![name] = { type, dims: dimsOfPart, data: partOf(data, offset, length) }
      offset += length
    }
  }
  return parts
}

function partOf(data: OnnxData, offset: number, length: number): OnnxData {
  if (!ArrayBuffer.isView(data)) return data.slice(offset, offset + length)
  const NumbersClass = data.constructor as new (
    buffer: ArrayBufferLike | number,
    at?: number,
    length?: number,
  ) => Numbers
  if (length > smallRow) return new NumbersClass(data.buffer, data.byteOffset + offset * data.BYTES_PER_ELEMENT, length)
  const part = new NumbersClass(length)
  for (let i = 0; i < length; i++) part[i] = data[offset + i]!
  return part
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
