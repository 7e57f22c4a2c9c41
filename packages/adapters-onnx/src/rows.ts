import type { Tensors } from './network.ts'
import type { OnnxData, OnnxMetadata, OnnxTensor } from './runtime.ts'

/** Why tensors of several calls can not stand one after the other along the first axis; nothing where they can. */
export function rowsProblem(inputs: readonly OnnxMetadata[], outputs: readonly OnnxMetadata[]): string | undefined {
  const symbols = new Set<string>()
  for (const [side, ports] of [
    ['input', inputs],
    ['output', outputs],
  ] as const)
    for (const { name, isTensor, shape = [] } of ports) {
      const [length] = shape
      if (!isTensor) return `the ONNX ${side} '${name}' is no tensor`
      if (length === undefined) return `the ONNX ${side} '${name}' has no axis`
      if (typeof length === 'string') symbols.add(length)
      else if (length !== -1) return `the first axis of the ONNX ${side} '${name}' is always ${length} long`
    }
  return symbols.size > 1 ? `its first axes are called ${[...symbols].join(' and ')}` : undefined
}

/** Puts the rows of several calls into one tensor for each name. */
export function joinRows(names: readonly string[], parts: readonly Tensors[], rows: readonly number[]): Tensors {
  const total = sum(rows)
  const joined: Record<string, OnnxTensor> = {}
  for (const name of names) {
    const { type, dims } = parts[0]![name]!
    joined[name] = { type, dims: [total, ...dims.slice(1)], data: joinData(parts.map((part) => part[name]!.data)) }
  }
  return joined
}

function joinData(parts: readonly OnnxData[]): OnnxData {
  const [first] = parts
  if (Array.isArray(first)) return parts.flatMap((part) => part as readonly string[])
  type Numbers = Exclude<OnnxData, readonly string[]>
  let length = 0
  for (const part of parts) length += part.length
  const joined = new (first!.constructor as new (length: number) => Numbers)(length)
  let offset = 0
  for (const part of parts) {
    // All of them are of the type that the network takes.
    joined.set(part as never, offset)
    offset += part.length
  }
  return joined
}

/** Gives each call its own rows back. Throws where an output does not have as many as were fed. */
export function splitRows(results: Tensors, rows: readonly number[]): Tensors[] {
  const total = sum(rows)
  const parts: Record<string, OnnxTensor>[] = rows.map(() => ({}))
  for (const name in results) {
    const { type, dims, data } = results[name]!
    if (dims[0] !== total) throw new RangeError(`the output '${name}' has ${dims[0]} rows for ${total}`)
    const rest = dims.slice(1)
    const size = data.length / total
    let offset = 0
    for (const [index, count] of rows.entries()) {
      // Copies, so that nobody keeps or changes what others were given.
      parts[index]![name] = {
        type,
        dims: [count, ...rest],
        data: data.slice(offset, offset + count * size) as OnnxData,
      }
      offset += count * size
    }
  }
  return parts
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
