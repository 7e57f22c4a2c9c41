/**
 * Writes ONNX files: the part of onnx.proto that a trained model needs, encoded as protocol buffers by hand.
 * The same graph always gives the same bytes.
 *
 * Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

export type OnnxAttribute =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'integers'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'texts'; readonly value: readonly string[] }

export interface OnnxNode {
  readonly operator: string
  /** Empty for the default operator set, `ai.onnx.ml` for the classical models. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxConstant {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
}

/** A tensor at the edge of the graph; a dimension that is a word is symbolic. */
export interface OnnxPort {
  readonly name: string
  /** TensorProto.DataType; 1, which is float32, unless stated. */
  readonly type?: number
  readonly dims: readonly (number | string)[]
  readonly description: string
}

export interface OnnxFile {
  readonly name: string
  readonly description: string
  readonly producer: { readonly name: string; readonly version: string }
  /** Operator set version by domain; the default domain is the empty string. */
  readonly operatorSets: Readonly<Record<string, number>>
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxConstant[]
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  readonly metadata: Readonly<Record<string, string>>
}

/** Collects nodes and constants; every value gets a name that is unique in the graph. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxConstant[]
  /** Adds a node and returns the name of its output. */
  apply(operator: string, inputs: readonly string[], options?: ApplyOptions): string
  /** Adds a float32 constant and returns its name. */
  floats(values: ArrayLike<number>, dims: readonly number[]): string
  /** Adds a vector of int64 (axes, shapes, bounds) and returns its name. */
  integers(values: readonly number[]): string
}

export interface ApplyOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  readonly domain?: string
  /** The output's name; without it, one is made from the operator. */
  readonly output?: string
}

export const onnxGraph = (): OnnxGraph => {
  const nodes: OnnxNode[] = []
  const constants: OnnxConstant[] = []
  return {
    nodes,
    constants,
    apply(operator, inputs, options = {}) {
      const output = options.output ?? `${operator}_${nodes.length}`
      nodes.push({ operator, domain: options.domain ?? '', inputs, output, attributes: options.attributes ?? {} })
      return output
    },
    floats(values, dims) {
      const count = dims.reduce((product, dim) => product * dim, 1)
      if (count !== values.length) throw new TypeError(`${values.length} values do not fill [${dims.join(', ')}]`)
      const name = `constant_${constants.length}`
      constants.push({ name, dims, data: Float32Array.from(values) })
      return name
    },
    integers(values) {
      const name = `constant_${constants.length}`
      constants.push({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) })
      return name
    },
  }
}

/** IR version 8: the newest that runtimes of the operator set 17 generation read. */
const IR_VERSION = 8

export const encodeOnnx = (file: OnnxFile): Uint8Array =>
  message([
    integerField(1, IR_VERSION),
    textField(2, file.producer.name),
    textField(3, file.producer.version),
    textField(6, file.description),
    messageField(7, [
      ...file.nodes.map((node, index) => messageField(1, encodeNode(node, index))),
      textField(2, file.name),
      ...file.constants.map((constant) => messageField(5, encodeConstant(constant))),
      ...file.inputs.map((port) => messageField(11, encodePort(port))),
      ...file.outputs.map((port) => messageField(12, encodePort(port))),
    ]),
    ...Object.entries(file.operatorSets).map(([domain, version]) =>
      messageField(8, [textField(1, domain), integerField(2, version)]),
    ),
    ...Object.entries(file.metadata).map(([key, value]) => messageField(14, [textField(1, key), textField(2, value)])),
  ])

const encodeNode = (node: OnnxNode, index: number): Uint8Array[] => [
  ...node.inputs.map((input) => textField(1, input)),
  textField(2, node.output),
  textField(3, `${node.operator}_${index}`),
  textField(4, node.operator),
  ...Object.entries(node.attributes).map(([name, attribute]) =>
    messageField(5, [textField(1, name), ...encodeAttribute(attribute)]),
  ),
  ...(node.domain === '' ? [] : [textField(7, node.domain)]),
]

/** Field 20 is AttributeType, which readers use to tell an empty list from a missing one. */
const encodeAttribute = (attribute: OnnxAttribute): Uint8Array[] => {
  switch (attribute.kind) {
    case 'integer':
      return [integerField(3, attribute.value), integerField(20, 2)]
    case 'text':
      return [textField(4, attribute.value), integerField(20, 3)]
    case 'floats':
      return [bytesField(7, littleEndian(Float32Array.from(attribute.value))), integerField(20, 6)]
    case 'integers':
      return [bytesField(8, message(attribute.value.map((value) => varint(BigInt(value))))), integerField(20, 7)]
    case 'texts':
      return [...attribute.value.map((value) => textField(9, value)), integerField(20, 8)]
  }
}

const encodeConstant = (constant: OnnxConstant): Uint8Array[] => [
  ...constant.dims.map((dim) => integerField(1, dim)),
  integerField(2, constant.data instanceof Float32Array ? FLOAT : INT64),
  textField(8, constant.name),
  bytesField(9, littleEndian(constant.data)),
]

const encodePort = (port: OnnxPort): Uint8Array[] => [
  textField(1, port.name),
  messageField(2, [
    messageField(1, [
      integerField(1, port.type ?? FLOAT),
      messageField(
        2,
        port.dims.map((dim) => messageField(1, [typeof dim === 'number' ? integerField(1, dim) : textField(2, dim)])),
      ),
    ]),
  ]),
  textField(3, port.description),
]

/** TensorProto.DataType */
const FLOAT = 1
const INT64 = 7

const VARINT = 0
const LENGTH_DELIMITED = 2

const message = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

const varint = (value: bigint): Uint8Array => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

const tag = (field: number, wireType: number): Uint8Array => varint(BigInt((field << 3) | wireType))

const integerField = (field: number, value: number): Uint8Array => message([tag(field, VARINT), varint(BigInt(value))])

const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  message([tag(field, LENGTH_DELIMITED), varint(BigInt(bytes.length)), bytes])

const textField = (field: number, text: string): Uint8Array => bytesField(field, new TextEncoder().encode(text))

const messageField = (field: number, parts: readonly Uint8Array[]): Uint8Array => bytesField(field, message(parts))

/** ONNX stores tensors little-endian whatever the machine is. */
const littleEndian = (values: Float32Array | BigInt64Array): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.byteLength))
  if (values instanceof Float32Array)
    for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true)
  else for (const [index, value] of values.entries()) view.setBigInt64(index * 8, value, true)
  return new Uint8Array(view.buffer)
}
