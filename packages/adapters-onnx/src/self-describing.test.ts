import { defineModel, type Fault, invoke, type Model, parseDescriptor, type Tensor, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contractOf, type EmbeddedContract, embedDescriptor, metadataKey, onnxModel } from './index.ts'
import { withMetadata } from './model-file.ts'
import { identity, lines, tinyNetwork } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const contract: EmbeddedContract = {
  id: 'acme/strip',
  version: '2.1.0',
  title: 'Strip',
  task: 'quality-inspection',
  outsideTraining: 'uncertain',
  inputs: {
    x: {
      vector: [
        { name: 'length', unit: 'mm', limits: { training: { min: 0, max: 10 } }, scale: { mean: 5, deviation: 2 } },
        { name: 'width', unit: 'mm' },
      ],
    },
  },
  context: { speed: { unit: 'm/s', limits: { physical: { min: 0 } } } },
  outputs: { y: { labels: ['good', 'bad'], scores: 'logits', temperature: 1.5 } },
  novelty: {
    kind: 'mahalanobis',
    of: 'x',
    mean: [0, 0],
    precision: [
      [1, 0],
      [0, 1],
    ],
    threshold: 100,
  },
  provenance: { licence: 'Apache-2.0', limitations: ['one mill only'] },
  golden: [{ input: { length: 5, width: 0, speed: 1 }, output: { label: 'good' }, tolerance: 0 }],
}
const input = { length: 7, width: 0.5, speed: 1 }
const bounds = { deadlineMs: 5_000 }
const bare = lines([1, 1])
const selfDescribing = embedDescriptor(bare, contract)
const anyInput = (model: object) => model as Model<object, Record<string, unknown>, never>
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was loaded'),
    (fault: Fault) => fault,
  )

describe('a file that describes itself', () => {
  it('needs a runtime and nothing else', async () => {
    const model = await onnxModel({ runtime: ort, model: selfDescribing })
    const { descriptor } = model
    expect(descriptor).toMatchObject({ id: 'acme/strip', version: '2.1.0', outsideTraining: 'uncertain' })
    expect(descriptor.confidence).toEqual({ calibration: 'temperature' })
    expect(descriptor.provenance).toMatchObject({ licence: 'Apache-2.0', artefact: /^sha256:/ })
    const reply = await invoke(anyInput(model), input, bounds)
    expect(reply.output.label).toBe('good')
    expect(reply.confidence).toBeCloseTo(1 / (1 + Math.exp(-(1 - 0.5) / 1.5)), 5)
    await model.dispose()
  })

  it('answers as the same contract in code does, and as one that came with the descriptor does', async () => {
    const fromFile = await onnxModel({ runtime: ort, model: selfDescribing })
    const fromCode = await onnxModel({ runtime: ort, model: bare, ...contract })
    // What another machine knows of it is its descriptor, as JSON.
    const told = parseDescriptor(JSON.stringify(fromFile.descriptor))
    const pinned = contractOf(told)
    await expect(onnxModel({ runtime: ort, model: bare, ...pinned })).rejects.toThrow(/pinned are/)
    const fromDescriptor = await onnxModel({ runtime: ort, model: selfDescribing, ...pinned })
    expect(fromDescriptor.descriptor).toEqual(fromFile.descriptor)
    const replies = await Promise.all(
      [fromFile, fromCode, fromDescriptor].map((model) => invoke(anyInput(model), input, bounds)),
    )
    for (const reply of replies) expect(reply.output).toEqual(replies[0]!.output)
    for (const model of [fromFile, fromCode, fromDescriptor]) await model.dispose?.()
  })

  it('is no descriptor that holds something else in its place', async () => {
    const model = await onnxModel({ runtime: ort, model: selfDescribing })
    for (const onnx of [null, 'code'])
      expect(() => contractOf({ ...model.descriptor, onnx } as never)).toThrow(
        /does not say how an ONNX network is fed and read/,
      )
    await model.dispose()
  })

  it('is no descriptor of another adapter', () => {
    const other = defineModel({
      id: 'acme/rule',
      version: '1.0.0',
      title: 'Rule',
      task: 'process-analysis',
      input: z.object({}),
      output: z.object({}),
      run: () => ({ output: {} }),
    })
    expect(() => contractOf(other.descriptor)).toThrow(/acme\/rule does not say/)
  })

  it('yields to its author, who may say all that does not change what it means', async () => {
    const model = await onnxModel({
      runtime: ort,
      model: selfDescribing,
      version: '2.1.1',
      outputs: { y: { labels: ['good', 'bad'], scores: 'logits', temperature: 3 } },
    })
    expect(model.descriptor).toMatchObject({ version: '2.1.1', title: 'Strip' })
    const reply = await invoke(anyInput(model), input, bounds)
    expect(reply.confidence).toBeCloseTo(1 / (1 + Math.exp(-(1 - 0.5) / 3)), 5)
    await model.dispose()
  })

  it.each([
    ['another id', { id: 'acme/weld' }, /id is "acme\/weld" as stated and "acme\/strip" in the file/],
    [
      'labels in another order',
      { outputs: { y: { labels: ['bad', 'good'] } } },
      /outputs.y is \["bad","good"\] as stated and \["good","bad"\] in the file/,
    ],
    [
      'another unit',
      {
        inputs: {
          x: {
            vector: [
              { name: 'length', unit: 'cm' },
              { name: 'width', unit: 'mm' },
            ],
          },
        },
      },
      /"cm".*as stated.*"mm".*in the file/,
    ],
    ['another unit of its context', { context: { speed: { unit: 'km/h' } } }, /context.speed.*"km\/h".*"m\/s"/],
  ])('refuses %s with both sides', async (_, change, message) => {
    await expect(onnxModel({ runtime: ort, model: selfDescribing, ...(change as object) })).rejects.toThrow(message)
  })

  it('refuses another order of its characters with both sides', async () => {
    const reader = (alphabet: readonly string[]) => ({
      id: 'acme/reader',
      version: '1.0.0',
      title: 'Reader',
      task: 'visual-recognition',
      outputs: { y: { characters: { field: 'text', alphabet } } },
    })
    const file = embedDescriptor(identity(['batch', 'time', 3]), reader(['', 'A', 'B']))
    const { outputs } = reader(['', 'B', 'A'])
    await expect(onnxModel({ runtime: ort, model: file, outputs })).rejects.toThrow(
      /outputs.y is \["","B","A"\] as stated and \["","A","B"\] in the file/,
    )
  })

  it('holds golden tensors as lists', async () => {
    const golden = [
      {
        input: { x: tensor(Float32Array.of(1, 2), [1, 2]) },
        output: { y: tensor(Float32Array.of(1, 2), [1, 2]) },
        tolerance: 1e-6,
      },
    ]
    const about = { id: 'acme/same', version: '1.0.0', title: 'Same', task: 'process-analysis' }
    const right = embedDescriptor(identity(['batch', 2]), { ...about, golden })
    await (await onnxModel({ runtime: ort, model: right })).dispose()
    const wrong = embedDescriptor(lines([1, 1.5]), { ...about, golden })
    expect(await faultOf(onnxModel({ runtime: ort, model: wrong }))).toMatchObject({
      code: 'internal',
      message: expect.stringContaining("element 1 of 'y' is 3, should be 2 ± 0.000001"),
    })
  })

  it('is written again in place of what stood there', async () => {
    const again = embedDescriptor(selfDescribing, { ...contract, title: 'Strip, again', golden: [] })
    const model = await onnxModel({ runtime: ort, model: again })
    expect(model.descriptor.title).toBe('Strip, again')
    await model.dispose()
  })

  it.each([
    ['no JSON', '{"id":', /no JSON/],
    ['a list', '[]', /no JSON object/],
    ['a prototype', '{"__proto__":{"id":"a/b"}}', /__proto__|no JSON/],
    ['an effect', '{"effect":"actuate"}', /effect is nothing that a contract states/],
    ['inputs that are text', '{"inputs":"x"}', /inputs is x: it must be an object/],
  ])('with %s inside is refused', async (_, text, message) => {
    const fault = await faultOf(onnxModel({ runtime: ort, model: withMetadata(bare, { [metadataKey]: text }) }))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/model/metadata_props/dinrail' })
    expect(fault.message).toMatch(message)
  })

  it('with a recipe of no kind is refused by its place', async () => {
    const text = JSON.stringify({ ...contract, inputs: { x: { vectr: [] } } })
    const odd = withMetadata(bare, { [metadataKey]: text })
    await expect(onnxModel({ runtime: ort, model: odd })).rejects.toThrow(
      /inputs.x has the members vectr: state one of/,
    )
  })

  it.each([
    [
      'a member that nobody knows',
      { inputs: { x: { vector: [{ name: 'a', unit: '1', scael: {} }] } } },
      /vector\[0\].scael is no member of it: it takes name, unit/,
    ],
    [
      'a unit that is none',
      { inputs: { x: { vector: [{ name: 'a', unit: 3 }] } } },
      /vector\[0\].unit is 3: it must be a text/,
    ],
    ['a unit that is missing', { inputs: { x: { vector: [{ name: 'a' }] } } }, /vector\[0\].unit is missing/],
    ['labels in a text', { outputs: { y: { labels: 'good, bad' } } }, /labels is good, bad: it must be a list/],
    [
      'a scale of no kind',
      { inputs: { x: { tensor: { scale: { shift: 1 } } } } },
      /scale has the members shift: state one of mean/,
    ],
    [
      'a novelty of no kind',
      { novelty: { kind: 'guess', threshold: 1 } },
      /novelty.kind is guess: it must be mahalanobis or/,
    ],
    [
      'a window of no kind',
      { inputs: { x: { vector: [], window: { length: 2, from: 'past' } } } },
      /from is past: it must be input or calls/,
    ],
    [
      'a stand-in that nothing would use',
      { inputs: { x: { vector: [{ name: 'a', unit: '1', default: 3 }] } } },
      /vector\[0\].default is 3: .*state missing: 'impute' too/,
    ],
    [
      'a stand-in for a value that is held',
      { context: { speed: { unit: 'm/s', missing: 'hold', maxAge: 1_000, default: 3 } } },
      /context.speed.default is 3: .*state missing: 'impute' too/,
    ],
    [
      'a stand-in for a word that nothing would use',
      { inputs: { x: { vector: [{ name: 'a', categories: ['p', 'q'], default: 'p' }] } } },
      /vector\[0\].default is p: /,
    ],
    [
      'a training beyond all that can be',
      { inputs: { x: { tensor: { limits: { physical: { max: 10 }, training: { min: 20 } } } } } },
      /x.tensor.limits is .*nothing that can be is what the model was trained on/,
    ],
    [
      'limits of an answer that nobody checks',
      { outputs: { y: { values: [{ name: 'a', unit: '1', limits: { training: { max: 1 } } }] } } },
      /values\[0\].limits.training is no member of it: it takes physical/,
    ],
    [
      'half a character',
      { inputs: { x: { text: { longest: 0.5 } } } },
      /longest is 0.5: it must be a whole number above 0/,
    ],
    [
      'a deadline in the past',
      { timing: { defaultDeadlineMs: -1 } },
      /timing.defaultDeadlineMs is -1: it must be 0 or more/,
    ],
    [
      'an error above all errors',
      { confidence: { calibration: 'none', expectedCalibrationError: 3 } },
      /expectedCalibrationError is 3: it must be 0 to 1/,
    ],
  ])('is refused in code as in a file with %s', async (_, change, message) => {
    const odd = { ...contract, golden: [], ...change } as EmbeddedContract
    await expect(onnxModel({ runtime: ort, model: bare, ...odd })).rejects.toThrow(message)
    expect(() => embedDescriptor(bare, odd)).toThrow(message)
    const written = withMetadata(bare, { [metadataKey]: JSON.stringify(odd) })
    await expect(onnxModel({ runtime: ort, model: written })).rejects.toThrow(message)
  })

  it.each([
    [
      'a length that is none',
      { inputs: { x: { tensor: { shape: [-1, 2] } } } },
      /shape\[0\] is -1: it must be a length or a word/,
    ],
    [
      'half an element of state',
      { inputs: { x: { state: 'y', shape: [0.5] } } },
      /shape\[0\] is 0.5: it must be a length/,
    ],
    ['a type of no tensor', { inputs: { x: { tensor: { dtype: 'float' } } } }, /dtype is float: it must be float32 or/],
    [
      'a half-width for each of one value',
      { outputs: { y: { values: [{ name: 'a', unit: '1', interval: { level: 0.9, halfWidth: [1] } }] } } },
      /halfWidth is \[1\]: it must be a number/,
    ],
  ])('is refused by its place with %s', async (_, change, message) => {
    expect(() => embedDescriptor(bare, { ...contract, golden: [], ...change } as unknown as EmbeddedContract)).toThrow(
      message,
    )
  })

  it('keeps what its author does not say, even where undefined is passed on', async () => {
    const passedOn: object = { title: undefined, novelty: undefined, golden: undefined }
    const model = await onnxModel({ runtime: ort, model: selfDescribing, ...passedOn })
    expect(model.descriptor).toMatchObject({ title: 'Strip', onnx: { novelty: { kind: 'mahalanobis' } } })
    await model.dispose()
    const wrong = embedDescriptor(bare, {
      ...contract,
      golden: [{ ...contract.golden![0]!, output: { label: 'bad' } }],
    })
    await expect(onnxModel({ runtime: ort, model: wrong, ...passedOn })).rejects.toThrow(/golden answer/)
  })

  it('is not written where it could not be read again', () => {
    expect(() => embedDescriptor(bare, { ...contract, description: '\ud800' })).toThrow(/half a surrogate pair/)
    expect(() => embedDescriptor(bare, { ...contract, description: 'x'.repeat(5_000_000) })).toThrow(
      /at most 4194304 may be/,
    )
  })

  it.each([
    ['what readModel gives', { bytes: bare }, contract, /\(await readModel\(path\)\).bytes/],
    ['a path', 'strip.onnx', contract, /pass the bytes/],
    ['no contract', bare, undefined, /the contract is no JSON object/],
  ])('is not made of %s', (_, bytes, given, message) => {
    expect(() => embedDescriptor(bytes as typeof bare, given as typeof contract)).toThrow(message)
  })

  it('holds nothing that JSON would lose', () => {
    const golden = [{ input: { x: tensor(BigInt64Array.of(2n ** 53n + 1n)) }, output: { y: 1 }, tolerance: 0 }]
    expect(() => embedDescriptor(bare, { ...contract, golden })).toThrow(/'data' holds 9007199254740993/)

    const odd = { ...contract, context: { speed: { unit: 'm/s', limits: { physical: { max: Number.NaN } } } } }
    expect(() => embedDescriptor(bare, odd)).toThrow(/'max' is NaN/)
  })
})

describe('a file that says nothing of itself', () => {
  const stated = { runtime: ort, id: 'acme/plain', version: '1.0.0', title: 'Plain', task: 'process-analysis' } as const

  it('still gives its names, types and lengths', async () => {
    const model = await onnxModel({
      ...stated,
      model: tinyNetwork({
        inputs: { image: ['batch', 3], mask: { dims: [2, 'width'], type: 'int64' } },
        outputs: { same: ['batch', 3], other: { dims: [2, 'width'], type: 'int64' } },
        build(graph) {
          graph.apply('Identity', ['image'], { output: 'same' })
          graph.apply('Identity', ['mask'], { output: 'other' })
        },
      }),
    })
    expect(model.descriptor.input.properties).toEqual({
      image: { tensor: { dtype: 'float32', shape: ['batch', 3] } },
      mask: { tensor: { dtype: 'int64', shape: [2, 'width'] } },
    })
    const given = { image: tensor(new Float32Array(6), [2, 3]), mask: tensor(BigInt64Array.of(1n, 2n), [2, 1]) }
    const { output } = await invoke(model, given, bounds)
    expect((output.same as Tensor).shape).toEqual([2, 3])
    expect((output.other as Tensor).data).toEqual(BigInt64Array.of(1n, 2n))
    const extra = await faultOf(invoke(model, { ...given, depth: 1 }, bounds))
    expect(extra).toMatchObject({ code: 'invalid-input', field: '/input/depth' })
    expect(extra.message).toContain('image, mask')
    await model.dispose()
  })

  it('needs a name, a version, a title and a task', async () => {
    await expect(onnxModel({ runtime: ort, model: bare, id: 'acme/plain' })).rejects.toThrow(
      /version is stated neither here nor in the file/,
    )
  })

  it('takes no half of its inputs', async () => {
    const two = tinyNetwork({
      inputs: { a: [1], b: [1] },
      outputs: { y: [1] },
      build: (graph) => graph.apply('Add', ['a', 'b'], { output: 'y' }),
    })
    await expect(onnxModel({ ...stated, model: two, inputs: { a: { tensor: {} } } })).rejects.toThrow(
      /nothing is stated for the ONNX input b/,
    )
    await expect(
      onnxModel({ ...stated, model: two, inputs: { a: { tensor: { field: 'c' } }, b: { tensor: { field: 'c' } } } }),
    ).rejects.toThrow(/two fields are named 'c'/)
  })
})
