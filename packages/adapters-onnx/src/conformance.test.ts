import { pipe } from '@dinrail/collab'
import { type Fault, invoke, type Model, sample, type Tensor, tensor } from '@dinrail/core'
import { modelChecks, toReport } from '@dinrail/core/conformance'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { customInputs, customOutputs, type FedTensors, type OnnxRuntime, onnxModel } from './index.ts'
import { cnn } from './networks.test-support.ts'
import { adder, identity, lines, tinyNetwork } from './tiny-networks.test-support.ts'

web.env.wasm.numThreads = 1
const runtimes: readonly (readonly [string, OnnxRuntime])[] = [
  ['onnxruntime-web', web],
  ['onnxruntime-node', native as unknown as OnnxRuntime],
]
const about = { version: '1.0.0', title: 'A network', task: 'quality-inspection' } as const

const classifier = (runtime: OnnxRuntime, outsideTraining: 'refuse' | 'uncertain' = 'refuse') =>
  onnxModel({
    ...about,
    runtime,
    outsideTraining,
    id: 'acme/classifier',
    model: lines([1, -1]),
    inputs: {
      x: {
        vector: [
          {
            name: 'length',
            unit: 'mm',
            limits: { physical: { min: 0, max: 1e4 }, training: { min: 1, max: 100 } },
            scale: { mean: 50, deviation: 20 },
          },
          { name: 'temperature', unit: 'Cel', missing: 'impute', default: 20, scale: { min: -20, max: 60 } },
        ],
      },
    },
    context: { speed: { unit: 'm/s', maxAge: 60_000 } },
    outputs: { y: { labels: ['good', 'bad'], scores: 'logits', temperature: 1.4 } },
    novelty: {
      kind: 'mahalanobis',
      of: 'x',
      mean: [0, 0.5],
      precision: [
        [1, 0],
        [0, 1],
      ],
      threshold: 1_000,
    },
  })
const regressor = (runtime: OnnxRuntime) =>
  onnxModel({
    ...about,
    runtime,
    id: 'acme/regressor',
    model: tinyNetwork({
      inputs: { x: ['batch', 4, 2] },
      outputs: { y: ['batch', 1] },
      build(graph) {
        const flat = graph.apply('Reshape', ['x', graph.integers([-1, 8])])
        const weights = graph.floats(
          Float32Array.from({ length: 8 }, (_, i) => i / 8),
          [8, 1],
        )
        graph.apply('MatMul', [flat, weights], { output: 'y' })
      },
    }),
    inputs: {
      x: {
        vector: [
          { name: 'load', unit: 'kN', limits: { training: { min: 0, max: 50 } } },
          { name: 'speed', unit: 'm/s', scale: { median: 3, spread: 2 } },
        ],
        window: { length: 4, from: 'input' },
      },
    },
    outputs: {
      y: {
        values: [{ name: 'remaining', unit: 'h', clamp: { min: 0, max: 1e6 }, interval: { level: 0.9, halfWidth: 3 } }],
      },
    },
  })
const imageModel = (runtime: OnnxRuntime) =>
  onnxModel({
    ...about,
    runtime,
    id: 'acme/picture',
    model: cnn(),
    inputs: {
      picture: {
        image: { size: [128, 128], fit: 'cover', normalise: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] } },
      },
    },
    outputs: { scores: { labels: Array.from({ length: 10 }, (_, i) => `class-${i}`), scores: 'logits' } },
  })
const stateful = (runtime: OnnxRuntime) =>
  onnxModel({
    ...about,
    runtime,
    id: 'acme/counter',
    model: adder(),
    inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, total: { state: 'next' } },
    outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
  })

const strip = () => ({ length: 40, temperature: 25, speed: sample(3, 'm/s', { sourceTime: new Date().toISOString() }) })
const wave = (low: number, high: number) =>
  tensor(Float32Array.from({ length: 4 }, (_, i) => low + ((high - low) * i) / 3))
const history = { load: wave(5, 40), speed: wave(1, 4) }
const picture = tensor(
  Uint8Array.from({ length: 60 * 90 * 3 }, (_, i) => (i * 31) % 256),
  [60, 90, 3],
)
const piece = { pieces: 3, session: 'line-a' }

describe.each(runtimes)('on %s the conformance kit is passed by', (_, runtime) => {
  const reportOf = async <In>(create: () => Promise<Model<In, unknown, unknown>>, input: In) =>
    (await toReport(await modelChecks({ create, input, deadlineMs: 20_000 }))).text

  it('a classifier', async () => {
    const input = { ...strip(), speed: 3 }
    const text = await reportOf(() => classifier(runtime), input)
    expect(text).not.toContain('✗')
    expect(await reportOf(() => classifier(runtime, 'uncertain'), input)).not.toContain('✗')
  })
  it('a regressor over a window', async () =>
    expect(await reportOf(() => regressor(runtime), history)).not.toContain('✗'))
  it('a classifier of pictures', async () =>
    expect(await reportOf(() => imageModel(runtime), { picture })).not.toContain('✗'))
  it('a network with state', async () => expect(await reportOf(() => stateful(runtime), piece)).not.toContain('✗'))
})

/** What is measured between the two runtimes; a figure of each kind of output, beside it how far it may be off. */
const tolerance = 3e-5

it('gives the same answers on both runtimes, within the stated tolerance', async () => {
  const bounds = { deadlineMs: 20_000 }
  const answers = await Promise.all(
    runtimes.map(async ([, runtime]) => {
      const [one, two, three] = await Promise.all([classifier(runtime), regressor(runtime), imageModel(runtime)])
      const replies = [
        (await invoke(one, strip(), bounds)).output.probabilities.good,
        (await invoke(two, history, bounds)).output.remaining.value,
        ...Object.values((await invoke(three, { picture }, bounds)).output.probabilities),
      ]
      await Promise.all([one.dispose(), two.dispose(), three.dispose()])
      return replies
    }),
  )
  const [inWeb, inNode] = answers as [number[], number[]]
  inWeb.forEach((one, i) => {
    expect(Math.abs(one - inNode[i]!)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(one)))
  })
})

describe('code in place of recipes', () => {
  it('states its context in its schema', async () => {
    const load = onnxModel({
      ...about,
      runtime: web,
      id: 'acme/detector',
      model: lines([2, 2]),
      inputs: customInputs(z.object({ word: z.string() }), () => ({})),
      context: { speed: { unit: 'm/s' } },
    })
    await expect(load).rejects.toThrow(/state speed in its schema/)
  })

  it('is a fault where its tensors are none of the file’s', async () => {
    const model = await onnxModel({
      ...about,
      runtime: web,
      id: 'acme/detector',
      model: lines([2, 2]),
      inputs: customInputs(z.object({ word: z.string() }), () => ({ z: tensor(new Float32Array(2), [1, 2]) })),
    })
    const fault = await invoke(model, { word: 'coil' }, { deadlineMs: 5_000 }).catch((thrown: Fault) => thrown)
    expect(fault).toMatchObject({ code: 'invalid-input', message: expect.stringContaining("'x'") })
    await model.dispose()
  })

  it.each([
    ['nothing', undefined, /must give \{ name: tensor \} at once/],
    ['a promise', Promise.resolve({ x: tensor(new Float32Array(2), [1, 2]) }), /at once: await what it needs before/],
    ['bare numbers', { x: Float32Array.of(1, 2) }, /'x' gave no tensor, such as tensor\(/],
    ['a hole', { x: undefined }, /'x' gave no tensor/],
  ])('is a fault of its own where it gives %s', async (_, given, message) => {
    const inputs = customInputs(z.object({}), () => given as never)
    const model = await onnxModel({ ...about, runtime: web, id: 'acme/coded', model: lines([2, 2]), inputs })
    const fault = await invoke(model, {}, { deadlineMs: 5_000 }).catch((thrown: Fault) => thrown)
    expect(fault).toMatchObject({ code: 'internal', message: expect.stringMatching(message) })
    await model.dispose()
  })

  it('is none without a schema and a function', () => {
    expect(() => customInputs(z.object({}), undefined as never)).toThrow(/^customInputs: pass a schema/)
    expect(() => customOutputs(undefined as never, () => ({ output: {} }))).toThrow(/^customOutputs: pass a schema/)
  })

  it.each<[Parameters<typeof identity>[1], FedTensors[string], FedTensors[string]]>([
    ['bool', tensor(Uint8Array.of(1, 0)), tensor(Uint8Array.of(1, 0))],
    ['float16', tensor(Float32Array.of(1.5, -Infinity)), tensor(Float32Array.of(1.5, -Infinity))],
    [
      'string',
      { dtype: 'string', shape: [2], data: ['coil', 'slab'] },
      { dtype: 'string', shape: [2], data: ['coil', 'slab'] },
    ],
  ])('feeds and reads %s as contracts name it', async (type, x, expected) => {
    let seen: unknown
    const model = await onnxModel({
      ...about,
      runtime: web,
      id: 'acme/coded',
      model: identity(['n'], type),
      inputs: customInputs(z.object({}), () => ({ x })),
      outputs: customOutputs(z.object({}), ({ y }, _, texts) => {
        seen = y ?? texts.y
        return { output: {} }
      }),
    })
    await invoke(model, {}, { deadlineMs: 10_000 })
    expect(seen).toEqual(expected)
    await model.dispose()
  })

  it.each([
    ['bool', tensor(Uint8Array.of(1, 2)), 'gave 2 at element 1: booleans are 0 and 1'],
    ['float16', tensor(Float32Array.of(1e6)), 'gave 1000000 at element 0, which is beyond what float16 can hold'],
    ['int64', tensor(Int32Array.of(1)), 'takes int64, not int32'],
    ['string', { dtype: 'string', shape: [1], data: ['co\0il'] }, 'holds a NUL character'],
  ] as const)('is a fault where %s cannot hold what it gives', async (type, x, message) => {
    const model = await onnxModel({
      ...about,
      runtime: web,
      id: 'acme/coded',
      model: identity(['n'], type),
      inputs: customInputs(z.object({}), () => ({ x })),
    })
    const fault = await invoke(model, {}, { deadlineMs: 10_000 }).catch((thrown: Fault) => thrown)
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x', message: expect.stringContaining(message) })
    await model.dispose()
  })

  it('makes the inputs and reads the outputs, and pipes go through both', async () => {
    const isTensor = z.custom<Tensor<'float32'>>().meta({ tensor: { dtype: 'float32', shape: [2] } })
    const detector = await onnxModel({
      ...about,
      runtime: web,
      id: 'acme/detector',
      model: lines([2, 2]),
      inputs: customInputs(z.object({ word: z.string() }), ({ word }) => ({
        x: tensor(Float32Array.of(word.length, 1), [1, 2]),
      })),
      outputs: customOutputs(z.object({ box: isTensor }), ({ y }) => ({
        output: { box: tensor((y as Tensor<'float32'>).data) },
        confidence: 0.5,
      })),
    })
    const recogniser = await onnxModel({
      ...about,
      runtime: web,
      id: 'acme/recogniser',
      model: lines([1, 1]),
      inputs: { x: { tensor: { field: 'box', shape: [2] } } },
      outputs: { y: { labels: ['long', 'short'], scores: 'logits' } },
    })
    const both = pipe(detector, recogniser)
    const reply = await invoke(both, { word: 'coil' }, { deadlineMs: 5_000 })
    expect(reply.output.label).toBe('long')
    expect(reply.servedBy.map(({ id }) => id)).toEqual(['acme/detector', 'acme/recogniser'])
    expect(reply.confidence).toBeCloseTo(0.5 / (1 + Math.exp(-6)), 6)
    expect(detector.descriptor.onnx).toEqual({ inputs: 'code', outputs: 'code' })
    await both.dispose?.()
    await Promise.all([detector.dispose(), recogniser.dispose()])
  })
})
