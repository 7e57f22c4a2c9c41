import { Fault } from '@dinrail/core'
import {
  joined,
  lengthDelimited,
  ProtobufError,
  type ProtobufField,
  protobufFields,
  repeatedIntegers,
  textOf,
} from './protobuf.ts'
import type { OnnxType } from './runtime.ts'

/** What an ONNX file says of itself, read without running it. Field numbers: onnx.proto of onnx/onnx. */
export interface ModelFile {
  readonly irVersion: number
  readonly producer: string
  readonly graph: string
  readonly description: string
  /** `metadata_props`: words that travel with the file, by key; a later one of the same key holds. */
  readonly metadata: Readonly<Record<string, string>>
  /** Version of each operator set by domain; the default domain is `ai.onnx`. */
  readonly opsets: Readonly<Record<string, number>>
  /** How often each operator occurs, subgraphs included; those of other domains carry theirs: `ai.onnx.ml.ZipMap`. */
  readonly operators: Readonly<Record<string, number>>
  /** What must be fed: inputs of the graph without those that have a value of their own. */
  readonly inputs: readonly ModelPort[]
  readonly outputs: readonly ModelPort[]
  /** Numbers in all weights, constants and tables of operators. */
  readonly parameters: number
  /** Files beside this one in which weights are kept, as it names them. */
  readonly externalData: readonly string[]
}

export interface ModelPort {
  readonly name: string
  readonly kind: 'tensor' | 'sequence' | 'map' | 'optional' | 'sparse-tensor' | 'unknown'
  /** Where `kind` is `tensor` and the type is one of those that can be fed. */
  readonly type?: OnnxType
  /** Lengths, symbols, or −1 where the file leaves one open; absent where not even their number is stated. */
  readonly dims?: readonly (number | string)[]
  readonly description: string
}

/** Graphs inside of graphs that are read at most; real ones have three or four. */
const deepestGraph = 64

/**
 * Reads what an ONNX file says of itself. Throws `invalid-input` where the bytes are none, and says what they are: a
 * text, a truncated file, a length that the file does not hold.
 */
export function readModelFile(bytes: Uint8Array): ModelFile {
  try {
    return modelOf(bytes)
  } catch (problem) {
    if (!(problem instanceof ProtobufError)) throw problem
    const why = foreignFile(bytes) ?? `it ${problem.message}: a truncated or damaged file`
    throw new Fault('invalid-input', `${bytes.length} bytes are no ONNX model: ${why}`, { field: '/model' })
  }
}

/**
 * The same file with these words in its `metadata_props`, in place of those of the same key; everything else stays byte
 * for byte. Throws as `readModelFile` does.
 */
export function withMetadata(bytes: Uint8Array, entries: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  readModelFile(bytes)
  const kept: Uint8Array[] = []
  for (const field of protobufFields(bytes))
    if (field.number !== 14 || field.wireType !== 2 || !Object.hasOwn(entries, entryOf(field)[0]))
      kept.push(bytes.subarray(field.start, field.end))
  const written = Object.entries(entries).map(([key, value]) =>
    lengthDelimited(14, joined([lengthDelimited(1, key), lengthDelimited(2, value)])),
  )
  return joined([...kept, ...written])
}

/** What the bytes are where their beginning says that they are something else. */
function foreignFile(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'the file is empty'
  const head = String.fromCharCode(...bytes.subarray(0, 256))
  if (head.startsWith('version https://git-lfs'))
    return 'it is a Git LFS pointer; fetch the file itself with `git lfs pull`'
  if (head.slice(4, 8) === 'ORTM')
    return 'it is in ORT format, which says nothing of itself; give the .onnx file it was made from'
  if (head.startsWith('PK\u0003\u0004')) return 'it is a zip archive; give the .onnx file inside of it'
  if (/^[\t\n\r\x20-\x7e]+$/.test(head)) return `it is text and begins with ${JSON.stringify(head.slice(0, 24))}`
  return undefined
}

function modelOf(bytes: Uint8Array): ModelFile {
  const opsets: [string, number][] = []
  const metadata: [string, string][] = []
  const producer: string[] = []
  const content = graphContent()
  let irVersion = 0
  let description = ''
  let graph: GraphEdge | undefined
  for (const field of protobufFields(bytes)) {
    if (field.number === 1 && field.wireType === 0) irVersion = Number(field.bits)
    else if (field.wireType !== 2) continue
    else if (field.number === 2 || field.number === 3) producer.push(textOf(field))
    else if (field.number === 6) description = textOf(field)
    else if (field.number === 7) graph = readGraph(field.content, content, 0)
    else if (field.number === 8) opsets.push(opsetOf(field))
    else if (field.number === 14) metadata.push(entryOf(field))
    else if (field.number === 25) readFunction(field.content, content)
  }
  if (graph === undefined) throw new ProtobufError('holds no graph', bytes.length)
  const { name, inputs, outputs, initialised } = graph
  return {
    irVersion,
    producer: producer.join(' '),
    graph: name,
    description,
    metadata: Object.fromEntries(metadata),
    opsets: Object.fromEntries(opsets),
    operators: Object.fromEntries([...content.operators].sort()),
    inputs: inputs.filter((port) => !initialised.has(port.name)),
    outputs,
    parameters: content.parameters,
    externalData: [...content.externalData],
  }
}

/** What is gathered from a graph and all graphs inside of it. */
interface GraphContent {
  readonly operators: Map<string, number>
  readonly externalData: Set<string>
  parameters: number
}

interface GraphEdge {
  readonly name: string
  readonly inputs: readonly ModelPort[]
  readonly outputs: readonly ModelPort[]
  readonly initialised: ReadonlySet<string>
}

const graphContent = (): GraphContent => ({ operators: new Map(), externalData: new Set(), parameters: 0 })

function readGraph(bytes: Uint8Array, content: GraphContent, depth: number): GraphEdge {
  if (depth > deepestGraph) throw new ProtobufError(`has graphs inside of graphs, over ${deepestGraph} deep`, 0)
  const inputs: ModelPort[] = []
  const outputs: ModelPort[] = []
  const initialised = new Set<string>()
  let name = ''
  for (const field of protobufFields(bytes)) {
    if (field.wireType !== 2) continue
    if (field.number === 1) readNode(field.content, content, depth)
    else if (field.number === 2) name = textOf(field)
    else if (field.number === 5) initialised.add(readTensor(field.content, content))
    else if (field.number === 11) inputs.push(portOf(field))
    else if (field.number === 12) outputs.push(portOf(field))
    else if (field.number === 15) initialised.add(readSparseTensor(field.content, content))
  }
  return { name, inputs, outputs, initialised }
}

function readFunction(bytes: Uint8Array, content: GraphContent): void {
  for (const field of protobufFields(bytes))
    if (field.wireType !== 2) continue
    else if (field.number === 7) readNode(field.content, content, 0)
    else if (field.number === 11) readAttribute(field.content, content, 0)
}

function readNode(bytes: Uint8Array, content: GraphContent, depth: number): void {
  let operator = ''
  let domain = ''
  for (const field of protobufFields(bytes)) {
    if (field.wireType !== 2) continue
    if (field.number === 4) operator = textOf(field)
    else if (field.number === 7) domain = textOf(field)
    else if (field.number === 5) readAttribute(field.content, content, depth)
  }
  const key = domain === '' || domain === 'ai.onnx' ? operator : `${domain}.${operator}`
  content.operators.set(key, (content.operators.get(key) ?? 0) + 1)
}

function readAttribute(bytes: Uint8Array, content: GraphContent, depth: number): void {
  for (const field of protobufFields(bytes)) {
    // Lists of floats are the weights of trees and linear models.
    if (field.number === 7) content.parameters += field.wireType === 2 ? field.content.length / 4 : 1
    if (field.wireType !== 2) continue
    if (field.number === 5 || field.number === 10) readTensor(field.content, content)
    else if (field.number === 6 || field.number === 11) readGraph(field.content, content, depth + 1)
    else if (field.number === 22 || field.number === 23) readSparseTensor(field.content, content)
  }
}

/** Its values and the places where they stand are tensors of their own; the name is that of the values. */
function readSparseTensor(bytes: Uint8Array, content: GraphContent): string {
  let name = ''
  for (const part of protobufFields(bytes))
    if (part.wireType !== 2) continue
    else if (part.number === 1) name = readTensor(part.content, content)
    else if (part.number === 2) readTensor(part.content, content)
  return name
}

/** Counts a tensor's numbers, notes where they are kept, and answers with its name. */
function readTensor(bytes: Uint8Array, content: GraphContent): string {
  let name = ''
  let count = 1
  let type = 0
  let raw: number | undefined
  let external = false
  for (const field of protobufFields(bytes)) {
    if (field.number === 1) for (const length of repeatedIntegers(field)) count *= Math.max(0, Number(length))
    else if (field.number === 2 && field.wireType === 0) type = Number(field.bits)
    else if (field.number === 8 && field.wireType === 2) name = textOf(field)
    else if (field.number === 9 && field.wireType === 2) raw = field.content.length
    else if (field.number === 13 && field.wireType === 2) {
      const [key, value] = entryOf(field)
      if (key === 'location') content.externalData.add(value)
    } else if (field.number === 14 && field.wireType === 0) external = field.bits === 1n
  }
  const size = bytesOfType[type]
  if (raw !== undefined && !external && size !== undefined && raw !== Math.ceil(count * size))
    throw new ProtobufError(`claims ${count} numbers in the weights '${name}' and holds ${raw} bytes of them`, 0)
  content.parameters += count
  return name
}

/** TensorProto.DataType, for those that the runtimes can be fed. */
export const typeOfNumber: Readonly<Record<number, OnnxType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
}

/** By TensorProto.DataType; those that are missing here are of no fixed size or packed in ways of their own. */
const bytesOfType: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  14: 8,
  15: 16,
  16: 2,
}

function opsetOf(field: ProtobufField): [domain: string, version: number] {
  let domain = ''
  let version = 0
  for (const part of protobufFields(field.content))
    if (part.number === 1 && part.wireType === 2) domain = textOf(part)
    else if (part.number === 2 && part.wireType === 0) version = Number(part.bits)
  return [domain === '' ? 'ai.onnx' : domain, version]
}

function entryOf(field: ProtobufField): [key: string, value: string] {
  let key = ''
  let value = ''
  for (const part of protobufFields(field.content))
    if (part.wireType !== 2) continue
    else if (part.number === 1) key = textOf(part)
    else if (part.number === 2) value = textOf(part)
  return [key, value]
}

function portOf(field: ProtobufField): ModelPort {
  let name = ''
  let description = ''
  let meaning: Omit<ModelPort, 'name' | 'description'> = { kind: 'unknown' }
  for (const part of protobufFields(field.content))
    if (part.wireType !== 2) continue
    else if (part.number === 1) name = textOf(part)
    else if (part.number === 2) meaning = typeOf(part.content)
    else if (part.number === 3) description = textOf(part)
  return { name, ...meaning, description }
}

const kinds = { 4: 'sequence', 5: 'map', 8: 'sparse-tensor', 9: 'optional' } as const

function typeOf(bytes: Uint8Array): Omit<ModelPort, 'name' | 'description'> {
  for (const field of protobufFields(bytes)) {
    if (field.wireType !== 2) continue
    if (field.number === 1) return { kind: 'tensor', ...tensorTypeOf(field.content) }
    const kind = kinds[field.number as keyof typeof kinds]
    if (kind !== undefined) return { kind }
  }
  return { kind: 'unknown' }
}

function tensorTypeOf(bytes: Uint8Array): Pick<ModelPort, 'type' | 'dims'> {
  let type: OnnxType | undefined
  let dims: (number | string)[] | undefined
  for (const field of protobufFields(bytes))
    if (field.number === 1 && field.wireType === 0) type = typeOfNumber[Number(field.bits)]
    else if (field.number === 2 && field.wireType === 2) {
      dims = []
      for (const dim of protobufFields(field.content))
        if (dim.number === 1 && dim.wireType === 2) dims.push(dimOf(dim.content))
    }
  return { ...(type && { type }), ...(dims && { dims }) }
}

function dimOf(bytes: Uint8Array): number | string {
  for (const field of protobufFields(bytes))
    if (field.number === 1 && field.wireType === 0) return Number(BigInt.asIntN(64, field.bits))
    else if (field.number === 2 && field.wireType === 2 && field.content.length > 0) return textOf(field)
  return -1
}
