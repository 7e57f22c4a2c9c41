import { encodeOnnx, type OnnxFile, type OnnxGraph, onnxGraph } from '../../../examples/training/onnx-file.ts'
import { joined, lengthDelimited } from './protobuf.ts'

/** Networks of known size for tests and benches: the same weights every time, written when they are needed. */

type Bytes = Uint8Array<ArrayBuffer>

/** features[batch, 64] → dense 32, ReLU → dense 1 → answer[batch, 1]. */
export function mlp(): Bytes {
  const graph = onnxGraph()
  const random = weights(1)
  const hidden = graph.apply('Relu', [dense(graph, random, 'features', 64, 32)])
  dense(graph, random, hidden, 32, 1, 'answer')
  return network(graph, 'mlp', { name: 'features', dims: ['batch', 64] }, { name: 'answer', dims: ['batch', 1] })
}

/** signal[batch, 512] → dense 64, ReLU → dense 512 → rebuilt[batch, 512]. */
export function autoencoder(): Bytes {
  const graph = onnxGraph()
  const random = weights(2)
  const code = graph.apply('Relu', [dense(graph, random, 'signal', 512, 64)])
  dense(graph, random, code, 64, 512, 'rebuilt')
  return network(
    graph,
    'autoencoder',
    { name: 'signal', dims: ['batch', 512] },
    { name: 'rebuilt', dims: ['batch', 512] },
  )
}

/** picture[batch, 3, 128, 128] → six convolutions, 1 M parameters → scores[batch, 10]. */
export function cnn(): Bytes {
  const graph = onnxGraph()
  const random = weights(3)
  let value = 'picture'
  let channels = 3
  for (const [into, stride] of [
    [16, 2],
    [32, 2],
    [64, 2],
    [128, 2],
    [256, 1],
    [256, 2],
  ] as const) {
    const kernel = graph.floats(random(into * channels * 9, channels * 9), [into, channels, 3, 3])
    const bias = graph.floats(random(into, into), [into])
    const convolved = graph.apply('Conv', [value, kernel, bias], {
      attributes: {
        kernel_shape: { kind: 'integers', value: [3, 3] },
        strides: { kind: 'integers', value: [stride, stride] },
        pads: { kind: 'integers', value: [1, 1, 1, 1] },
      },
    })
    value = graph.apply('Relu', [convolved])
    channels = into
  }
  const pooled = graph.apply('Flatten', [graph.apply('GlobalAveragePool', [value])])
  dense(graph, random, pooled, 256, 10, 'scores')
  return network(
    graph,
    'cnn',
    { name: 'picture', dims: ['batch', 3, 128, 128] },
    { name: 'scores', dims: ['batch', 10] },
  )
}

/** values[batch, 8] → their sum: total[batch, 1]. */
export function rowSum(): Bytes {
  const graph = onnxGraph()
  const ones = graph.floats(new Float32Array(8).fill(1), [8, 1])
  graph.apply('MatMul', ['values', ones], { output: 'total' })
  return network(graph, 'sum', { name: 'values', dims: ['batch', 8] }, { name: 'total', dims: ['batch', 1] })
}

/** x[batch, 2] → what each row is beyond the mean of all rows: it answers otherwise among others. */
export function rowMixer(): Bytes {
  const graph = onnxGraph()
  const mean = graph.apply('ReduceMean', ['x'], { attributes: { axes: { kind: 'integers', value: [0] } } })
  graph.apply('Sub', ['x', mean], { output: 'y' })
  return network(graph, 'mixer', { name: 'x', dims: ['batch', 2] }, { name: 'y', dims: ['batch', 2] })
}

/** An operator that no runtime has. */
export function unknownOperator(): Bytes {
  const graph = onnxGraph()
  graph.apply('Telepathy', ['x'], { output: 'y' })
  return network(graph, 'unknown', { name: 'x', dims: ['batch', 2] }, { name: 'y', dims: ['batch', 2] })
}

type Port = Omit<OnnxFile['inputs'][number], 'description'>

function network(graph: OnnxGraph, name: string, input: Port, output: Port): Bytes {
  return new Uint8Array(
    encodeOnnx({
      name,
      description: '',
      producer: { name: 'dinrail-tests', version: '1' },
      operatorSets: { '': 13 },
      nodes: graph.nodes,
      constants: graph.constants,
      inputs: [{ ...input, description: '' }],
      outputs: [{ ...output, description: '' }],
      metadata: {},
    }),
  )
}

function dense(
  graph: OnnxGraph,
  random: ReturnType<typeof weights>,
  input: string,
  from: number,
  to: number,
  output?: string,
): string {
  const weight = graph.floats(random(from * to, from), [from, to])
  const bias = graph.floats(random(to, to), [to])
  return graph.apply('Gemm', [input, weight, bias], output === undefined ? {} : { output })
}

/** Numbers that look random and are the same everywhere (mulberry32), scaled to keep activations near one. */
export function weights(seed: number): (count: number, fanIn: number) => Float32Array<ArrayBuffer> {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return (count, fanIn) => Float32Array.from({ length: count }, () => (next() * 2 - 1) * Math.sqrt(3 / fanIn))
}

/** x[n] and trips[] → x + trips, one by one: a few trips end at once, 2^62 never do. */
export const counter = (): Bytes => loop('trips')

/** x[n] → x and one more, for ever: no run of it ends. */
export const endless = (): Bytes => loop()

function loop(trips = ''): Bytes {
  const integer = (field: number, value: number) => Uint8Array.of(field << 3, value)
  const message = (field: number, ...parts: Uint8Array[]) => lengthDelimited(field, joined(parts))
  const text = (field: number, words: string) => lengthDelimited(field, words)
  const port = (field: number, name: string, type: number, ...dims: string[]) =>
    message(
      field,
      text(1, name),
      message(2, message(1, integer(1, type), message(2, ...dims.map((dim) => message(1, text(2, dim)))))),
    )
  const node = (operator: string, inputs: string[], outputs: string[], ...attributes: Uint8Array[]) =>
    message(
      1,
      ...inputs.map((name) => text(1, name)),
      ...outputs.map((name) => text(2, name)),
      text(4, operator),
      ...attributes,
    )
  const [float, int64, bool] = [1, 7, 9]
  const one = message(
    5,
    integer(2, float),
    text(8, 'one'),
    lengthDelimited(9, new Uint8Array(Float32Array.of(1).buffer)),
  )
  const body = message(
    6,
    node('Identity', ['go'], ['still']),
    node('Add', ['value', 'one'], ['next']),
    text(2, 'body'),
    port(11, 'trip', int64),
    port(11, 'go', bool),
    port(11, 'value', float, 'n'),
    port(12, 'still', bool),
    port(12, 'next', float, 'n'),
  )
  return joined([
    integer(1, 8),
    message(
      7,
      node('Loop', [trips, '', 'x'], ['y'], message(5, text(1, 'body'), body, Uint8Array.of(0xa0, 1, 5))),
      text(2, trips === '' ? 'endless' : 'counter'),
      one,
      port(11, 'x', float, 'n'),
      ...(trips === '' ? [] : [port(11, trips, int64)]),
      port(12, 'y', float, 'n'),
    ),
    message(8, text(1, ''), integer(2, 13)),
  ])
}

/** x[2] → y = x + weights, which are two floats at a location outside of the file. */
export function externalSum(location: string): Bytes {
  const entry = (key: string, value: string) =>
    lengthDelimited(13, joined([lengthDelimited(1, key), lengthDelimited(2, value)]))
  const port = (field: number, name: string) =>
    lengthDelimited(
      field,
      joined([
        lengthDelimited(1, name),
        lengthDelimited(
          2,
          lengthDelimited(
            1,
            joined([Uint8Array.of(8, 1), lengthDelimited(2, lengthDelimited(1, Uint8Array.of(8, 2)))]),
          ),
        ),
      ]),
    )
  const weight = [
    Uint8Array.of(8, 2, 16, 1),
    lengthDelimited(8, 'w'),
    entry('location', location),
    Uint8Array.of(0x70, 1),
  ]
  const node = ['x', 'w']
    .map((name) => lengthDelimited(1, name))
    .concat(lengthDelimited(2, 'y'), lengthDelimited(4, 'Add'))
  return joined([
    Uint8Array.of(8, 8),
    lengthDelimited(
      7,
      joined([
        lengthDelimited(1, joined(node)),
        lengthDelimited(2, 'sum'),
        lengthDelimited(5, joined(weight)),
        port(11, 'x'),
        port(12, 'y'),
      ]),
    ),
    lengthDelimited(8, joined([lengthDelimited(1, ''), Uint8Array.of(16, 13)])),
  ])
}
