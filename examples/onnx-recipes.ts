// Every recipe of @dinrail/adapters-onnx once, each held against what a network is really fed or what comes of its numbers.
import assert from 'node:assert/strict'
import {
  type BatchingOptions,
  customInputs,
  customOutputs,
  type InputRecipe,
  type Novelty,
  type OnnxModel,
  type OutputRecipe,
  onnxModel,
  type SessionBounds,
} from '@dinrail/adapters-onnx'
import { invoke, isTensor, sample, type Tensor, tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { z } from 'zod'
import { encodeOnnx, onnxGraph } from './training/onnx-file.ts'

const vector = {
  vector: [
    {
      name: 'speed',
      unit: '1/min',
      limits: { physical: { min: 0 }, training: { min: 1450, max: 1510 } },
      scale: { mean: 1480, deviation: 10 },
    },
    { name: 'oil', unit: 'Cel', maxAge: 60_000, missing: 'hold', scale: { min: 0, max: 100 } },
    { name: 'load', unit: 'kN', missing: 'impute', default: 12, scale: { median: 10, spread: 4 } },
    { name: 'hour', unit: 'h', scale: { period: 24 } },
    { name: 'shift', categories: ['early', 'late', 'night'] },
    { name: 'grade', categories: ['S235', 'S355'], encode: 'index', missing: 'impute', default: 'S235' },
  ],
} as const satisfies InputRecipe

const window = {
  vector: [{ name: 'current', unit: 'A' }],
  window: { length: 3, from: 'calls', filling: 'repeat', layout: 'time-first' },
} as const satisfies InputRecipe

const signal = {
  tensor: {
    field: 'vibration',
    shape: [4],
    axes: ['time'],
    unit: 'm/s2',
    limits: { physical: { min: -500, max: 500 } },
    scale: { mean: 0, deviation: 10 },
    overlap: 2,
  },
} as const satisfies InputRecipe

const rows = {
  tensor: { field: 'samples', shape: ['rows', 2], axes: ['row', 'feature'] },
} as const satisfies InputRecipe
const answers = { tensor: { field: 'answers', shape: ['rows', 2] } } as const satisfies OutputRecipe

const image = {
  image: {
    field: 'picture',
    size: [2, 2],
    fit: 'contain',
    pad: 114,
    resize: 'area',
    colour: 'rgb',
    layout: 'nchw',
    normalise: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  },
} as const satisfies InputRecipe
const line = {
  image: {
    field: 'line',
    size: [2, 'keep'],
    multipleOf: 2,
    longest: 640,
    crop: 0.5,
    colour: 'grey',
    layout: 'nhwc',
    range: 255,
  },
} as const satisfies InputRecipe

const text = { text: { field: 'remark', longest: 200 } } as const satisfies InputRecipe
const texts = { text: { field: 'remarks', many: true } } as const satisfies InputRecipe
const state = { state: 'next', shape: [1, 1] } as const satisfies InputRecipe
const constant = { constant: 16_000 } as const satisfies InputRecipe

const softened = {
  labels: ['sound', 'worn'],
  field: 'bearing',
  scores: 'logits',
  temperature: 2,
} as const satisfies OutputRecipe
const measured = {
  labels: ['sound', 'worn'],
  isotonic: { score: [0.5, 0.8, 1], probability: [0.5, 0.7, 0.9] },
} as const satisfies OutputRecipe

const life = {
  values: [
    { name: 'remaining', unit: 'h', clamp: { min: 0 }, interval: { level: 0.9, halfWidth: 20 } },
    { name: 'force', unit: 'kN', scale: { mean: 100, deviation: 10 }, limits: { physical: { min: 0 } } },
    { name: 'wear', unit: 'mm', interval: { level: 0.8, quantiles: [0.1, 0.5, 0.9], margin: 0.1 } },
  ],
} as const satisfies OutputRecipe

const forecast = {
  tensor: { field: 'load', shape: [3], axes: ['hour'], unit: 'kW', interval: { level: 0.9, halfWidth: [1, 2, 3] } },
} as const satisfies OutputRecipe

const plate = { characters: { field: 'plate', alphabet: ['', 'A', 'B'] } } as const satisfies OutputRecipe

const far = {
  kind: 'mahalanobis',
  of: 'x',
  mean: [0, 0],
  precision: [
    [1, 0],
    [0, 0.25],
  ],
  threshold: 3,
} as const satisfies Novelty
const unexplained = {
  kind: 'residual',
  of: 'x',
  mean: [0, 0],
  components: [[0.6, 0.8]],
  threshold: 0.5,
} as const satisfies Novelty
const rebuilt = { kind: 'reconstruction', of: 'x', by: 'y', threshold: 0.1 } as const satisfies Novelty

const sessions = { most: 64, idleMs: 60_000 } as const satisfies SessionBounds

const picture = z.custom<Tensor<'uint8'>>(isTensor).meta({ tensor: { dtype: 'uint8', shape: ['height', 'width'] } })
const inputs = customInputs(z.object({ picture }), ({ picture: { data } }) => ({
  x: tensor(Float32Array.of(Math.min(...data), Math.max(...data)), [1, 2]),
}))
const outputs = customOutputs(z.object({ contrast: z.number() }), ({ y }) => {
  const [darkest, brightest] = Array.from(y!.data, Number)
  return { output: { contrast: brightest! - darkest! } }
})

const batching = {
  maximum: 32,
  waitMs: 2,
  tolerance: 1e-4,
  sample: { x: { type: 'float32', dims: [1, 2], data: Float32Array.of(0.5, 0.2) } },
} as const satisfies BatchingOptions

// From here on each is tried on a network that gives back what it is fed.
runtime.env.wasm.numThreads = 1
const about = { runtime, id: 'acme/same', version: '1.0.0', title: 'Gives back what it is fed', task: 'demonstration' }
const bounds = { deadlineMs: 5_000, caller: { id: 'operator' } }
const [FLOAT32, STRING] = [1, 8]

type Dims = readonly (number | string)[]

function network(
  dims: Dims,
  type: number,
  names: readonly (readonly [input: string, output: string])[],
  operator: string,
) {
  const { nodes, constants, apply } = onnxGraph()
  const inputs = names.map(([name]) => name)
  for (const [, output] of names) apply(operator, inputs, { output })
  const port = (name: string) => ({ name, dims, type, description: '' })
  return new Uint8Array(
    encodeOnnx({
      name: 'pass-through',
      description: '',
      producer: { name: 'dinrail', version: '1.0.0' },
      operatorSets: { '': 17 },
      nodes,
      constants,
      inputs: inputs.map(port),
      outputs: names.map(([, output]) => port(output)),
      metadata: {},
    }),
  )
}
const same = (dims: Dims, type: number) => network(dims, type, [['x', 'y']], 'Identity')

const model = (dims: Dims, more: object, type = FLOAT32) =>
  onnxModel({ ...about, model: same(dims, type), ...more }) as Promise<OnnxModel<object, never>>

async function ask(asked: OnnxModel<object, never>, ...inputs: object[]): Promise<unknown> {
  const replies = []
  for (const input of inputs) replies.push(await invoke(asked, input, bounds))
  await asked.dispose()
  return replies.at(-1)!.output
}

/** What a network is fed of the last of some calls. */
async function fed(recipe: InputRecipe, dims: Dims, ...inputs: object[]): Promise<number[]> {
  const { y } = (await ask(await model(dims, { inputs: { x: recipe } }), ...inputs)) as { readonly y: Tensor }
  return Array.from(y.data, Number).map((one) => Math.round(one * 1e3) / 1e3)
}
/** What callers get of some numbers. */
const read = async (recipe: OutputRecipe, dims: readonly number[], ...numbers: number[]) =>
  ask(await model(dims, { inputs: { x: { tensor: {} } }, outputs: { y: recipe } }), {
    x: tensor(Float32Array.from(numbers), dims),
  })

const now = new Date().toISOString()
const machine = { speed: sample(25, 'Hz'), oil: sample(40, 'Cel', { sourceTime: now }), hour: 6, shift: 'night' }
assert.deepEqual(await fed(vector, ['batch', 9], machine), [2, 0.4, 0.5, 1, 0, 0, 0, 1, 0])
assert.deepEqual(await fed(window, ['batch', 3, 1], { current: 5 }, { current: 7 }), [5, 5, 7])
const [first, second] = [[10, 20, 30, 40].map(Number), [50, 60, 70, 80].map(Number)]
assert.deepEqual(
  await fed(signal, ['batch', 6], ...[first, second].map((one) => ({ vibration: tensor(Float32Array.from(one)) }))),
  [3, 4, 5, 6, 7, 8],
)
const samples = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])
assert.deepEqual(await ask(await model(['batch', 2], { inputs: { x: rows }, outputs: { y: answers } }), { samples }), {
  answers: samples,
})
const red = tensor(Uint8Array.of(255, 0, 0, 255, 0, 0), [1, 2, 3])
assert.deepEqual(await fed(image, ['batch', 3, 2, 2], { picture: red }), [
  ...[2.249, 2.249, -0.166, -0.166],
  ...[-2.036, -2.036, -0.04, -0.04],
  ...[-1.804, -1.804, 0.182, 0.182],
])
const grey = tensor(
  Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 10 : 30)),
  [4, 8, 1],
)
assert.deepEqual(await fed(line, ['batch', 2, 'width', 1], { line: grey }), [10, 10, 10, 10, 30, 30, 30, 30])

assert.deepEqual(await ask(await model([1], { inputs: { x: text } }, STRING), { remark: 'hums' }), { y: 'hums' })
assert.deepEqual(await ask(await model(['n'], { inputs: { x: texts } }, STRING), { remarks: ['hums', 'rattles'] }), {
  y: ['hums', 'rattles'],
})
assert.deepEqual(await fed(constant, [1], {}), [16_000])
const total = await onnxModel({
  ...about,
  model: network(
    [1, 1],
    FLOAT32,
    [
      ['x', 'y'],
      ['total', 'next'],
    ],
    'Add',
  ),
  inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, total: state },
  outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
})
assert.deepEqual(await ask(total as OnnxModel<object, never>, { pieces: 3 }, { pieces: 4 }), { total: 7 })

const { bearing } = (await read(softened, [1, 2], 0, 2 * Math.log(3))) as {
  readonly bearing: { readonly label: string; readonly probabilities: { readonly worn: number } }
}
assert.deepEqual([bearing.label, bearing.probabilities.worn.toFixed(3)], ['worn', '0.750'])
const { label } = (await read(measured, [1, 2], 0.25, 0.75)) as { readonly label: string }
assert.equal(label, 'worn')
assert.deepEqual(await read(life, [1, 5], 15, 0.5, 2, 1, 3), {
  remaining: { value: 15, low: 0, high: 35, level: 0.9 },
  force: 105,
  wear: { value: 2, low: 0.9, high: 3.1, level: 0.8 },
})
const { load } = (await read(forecast, [1, 3], 10, 20, 30)) as { readonly load: Readonly<Record<string, Tensor>> }
assert.deepEqual(
  [load.low, load.high].map((one) => Array.from(one!.data, Number)),
  [
    [9, 18, 27],
    [11, 22, 33],
  ],
)
assert.deepEqual(await read(plate, [1, 3, 3], 0, 1, 0, 1, 0, 0, 0, 0, 1), { plate: 'AB' })

const two = { vector: ['a', 'b'].map((name) => ({ name, unit: '1' })) }
for (const [novelty, familiar, strange] of [
  [far, { a: 1, b: 4 }, { a: 0, b: 7 }],
  [unexplained, { a: 6, b: 8 }, { a: 8, b: -6 }],
  [rebuilt, { a: 6, b: 8 }, undefined],
] as const) {
  await ask(await model(['batch', 2], { inputs: { x: two }, novelty }), familiar)
  if (strange !== undefined)
    await assert.rejects(ask(await model(['batch', 2], { inputs: { x: two }, novelty }), strange), {
      code: 'out-of-limits',
    })
}
await ask(await model(['batch', 3, 1], { inputs: { x: window }, sessions }), { current: 5, session: 'line-3' })
const dark = tensor(Uint8Array.of(10, 40, 25, 30), [2, 2])
assert.deepEqual(await ask(await model(['batch', 2], { inputs, outputs }), { picture: dark }), { contrast: 30 })
const busy = await model(['batch', 2], {
  inputs: { x: two },
  execution: { batching, queue: 1_000, providers: ['wasm'] },
})
await Promise.all(Array.from({ length: 100 }, (_, a) => invoke(busy, { a, b: 0 }, bounds)))
await busy.dispose()
console.log('every recipe feeds and reads what it says')
