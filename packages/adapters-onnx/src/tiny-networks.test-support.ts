import { encodeOnnx, type OnnxGraph, type OnnxPort, onnxGraph } from '../../../examples/training/onnx-file.ts'
import { joined, lengthDelimited } from './protobuf.ts'

/** Numbers of TensorProto.DataType. */
export const elementType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const

type Dims = readonly (number | string)[]
type Port = Dims | { readonly dims: Dims; readonly type: keyof typeof elementType }

interface TinyNetwork {
  readonly inputs: Readonly<Record<string, Port>>
  readonly outputs: Readonly<Record<string, Port>>
  readonly metadata?: Readonly<Record<string, string>>
  readonly operatorSet?: number
  readonly build: (graph: OnnxGraph) => void
}

/** An ONNX file of a few nodes, written when a test needs it. */
export function tinyNetwork({
  inputs,
  outputs,
  metadata = {},
  operatorSet = 13,
  build,
}: TinyNetwork): Uint8Array<ArrayBuffer> {
  const graph = onnxGraph()
  build(graph)
  return new Uint8Array(
    encodeOnnx({
      name: 'tiny',
      description: '',
      producer: { name: 'dinrail-tests', version: '1' },
      operatorSets: { '': operatorSet },
      nodes: graph.nodes,
      constants: graph.constants,
      inputs: ports(inputs),
      outputs: ports(outputs),
      metadata,
    }),
  )
}

function ports(all: Readonly<Record<string, Port>>): OnnxPort[] {
  return Object.entries(all).map(([name, port]) => ({
    name,
    description: '',
    ...('dims' in port ? { dims: port.dims, type: elementType[port.type] } : { dims: port }),
  }))
}

/** x → y, the same: shows what a network is fed. */
export function identity(dims: Dims, type: keyof typeof elementType = 'float32'): Uint8Array<ArrayBuffer> {
  return tinyNetwork({
    inputs: { x: { dims, type } },
    outputs: { y: { dims, type } },
    build: (graph) => graph.apply('Identity', ['x'], { output: 'y' }),
  })
}

/** x → y, the same, of any number of axes: the file does not even say how many. */
export function unranked(): Uint8Array<ArrayBuffer> {
  const message = (field: number, ...parts: Uint8Array[]) => lengthDelimited(field, joined(parts))
  const float = Uint8Array.of(8, elementType.float32)
  const port = (field: number, name: string) => message(field, lengthDelimited(1, name), message(2, message(1, float)))
  const node = message(1, lengthDelimited(1, 'x'), lengthDelimited(2, 'y'), lengthDelimited(4, 'Identity'))
  return joined([
    Uint8Array.of(8, 8),
    message(7, node, lengthDelimited(2, 'unranked'), port(11, 'x'), port(12, 'y')),
    message(8, lengthDelimited(1, ''), Uint8Array.of(16, 13)),
  ])
}

/** x[batch, n] → y[batch, n], each element times a weight plus a bias. */
export function lines(
  weight: readonly number[],
  bias: readonly number[] = weight.map(() => 0),
): Uint8Array<ArrayBuffer> {
  return tinyNetwork({
    inputs: { x: ['batch', weight.length] },
    outputs: { y: ['batch', weight.length] },
    build(graph) {
      const scaled = graph.apply('Mul', ['x', graph.floats(weight, [weight.length])])
      graph.apply('Add', [scaled, graph.floats(bias, [bias.length])], { output: 'y' })
    },
  })
}

/** x[1, 1] and total[1, 1] → y = x + total, and next = the same: adds up what it is sent. */
export function adder(): Uint8Array<ArrayBuffer> {
  return tinyNetwork({
    inputs: { x: [1, 1], total: [1, 1] },
    outputs: { y: [1, 1], next: [1, 1] },
    build(graph) {
      graph.apply('Add', ['x', 'total'], { output: 'y' })
      graph.apply('Add', ['x', 'total'], { output: 'next' })
    },
  })
}
