import { invoke, sample, type Tensor, tensor } from '@dinrail/core'
import fc from 'fast-check'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { halfBits, halfValue } from './half-floats.ts'
import { type InputRecipe, type OnnxModel, onnxModel, type VectorField } from './index.ts'
import { prepareInputs } from './prepared-contract.ts'
import { identity, tinyNetwork } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const stated = { runtime: ort, id: 'acme/tiny', version: '1.0.0', title: 'Tiny', task: 'process-analysis' } as const
const bounds = { deadlineMs: 10_000, caller: { id: 'plc-1' } }

/** What the network is fed, as an identity gives it back. */
async function fed(model: OnnxModel<never, unknown>, input: object): Promise<number[]> {
  const { output } = await invoke(model, input as never, bounds)
  return Array.from((output as { y: Tensor }).y.data, Number)
}
const vector = (fields: readonly VectorField[], width = fields.length) =>
  onnxModel({ ...stated, model: identity(['batch', width]), inputs: { x: { vector: fields } } }) as Promise<
    OnnxModel<never, unknown>
  >
const one = (recipe: InputRecipe, model: Uint8Array<ArrayBuffer>) =>
  onnxModel({ ...stated, model, inputs: { x: recipe } }) as Promise<OnnxModel<never, unknown>>

describe('a vector of named fields', () => {
  it.each([
    ['standard', { mean: 10, deviation: 4 }, 12, [0.5]],
    ['min-max', { min: -10, max: 10 }, 5, [0.75]],
    ['robust', { median: 3, spread: 2 }, 7, [2]],
    ['cyclic', { period: 24 }, 6, [1, 0]],
  ])('scales: %s', async (_, scale, value, expected) => {
    const model = await vector([{ name: 'level', unit: 'mm', scale }], expected.length)
    const given = await fed(model, { level: value })
    given.forEach((number, i) => {
      expect(number).toBeCloseTo(expected[i]!, 6)
    })
    await model.dispose()
  })

  it('keeps the order in which fields are stated, one column a category', async () => {
    const model = await vector(
      [
        { name: 'width', unit: 'mm' },
        { name: 'steel', categories: ['A300', 'A400'] },
        { name: 'shift', categories: ['early', 'late', 'night'], encode: 'index' },
        { name: 'depth', unit: 'mm' },
      ],
      5,
    )
    const input = { depth: 4, shift: 'night', steel: 'A400', width: 1 }
    expect(await fed(model, input)).toEqual([1, 0, 1, 2, 4])
    const unknown = await faultOf(invoke(model, { ...input, steel: 'A500' } as never, bounds))
    expect(unknown).toMatchObject({ code: 'invalid-input', field: '/input/steel' })
    expect(unknown.message).toContain('A300, A400')
    await model.dispose()
  })

  it('is what a spreadsheet would make of it, for any fields and values', async () => {
    const level = fc.double({ min: -1e3, max: 1e3, noNaN: true })
    const width = fc.double({ min: 0.5, max: 100, noNaN: true })
    const words = ['a', 'b', 'c']
    const field = fc.oneof(
      fc.record({ value: level, mean: level, deviation: width }).map(({ value, mean, deviation }) => ({
        field: { unit: 'mm', scale: { mean, deviation } },
        value,
        columns: [(value - mean) / deviation],
      })),
      fc.record({ value: level, min: level, span: width }).map(({ value, min, span }) => ({
        field: { unit: 'mm', scale: { min, max: min + span } },
        value,
        columns: [(value - min) / span],
      })),
      fc.record({ value: level, period: width }).map(({ value, period }) => ({
        field: { unit: 'mm', scale: { period } },
        value,
        columns: [Math.sin((2 * Math.PI * value) / period), Math.cos((2 * Math.PI * value) / period)],
      })),
      fc.constantFrom(...words).map((value) => ({
        field: { categories: words },
        value,
        columns: words.map((word) => (word === value ? 1 : 0)),
      })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 6 }), async (parts) => {
        const expected = parts.flatMap(({ columns }) => columns)
        const fields = parts.map((part, i) => ({ name: `f${i}`, ...part.field }) as VectorField)
        const model = await vector(fields, expected.length)
        const given = await fed(model, Object.fromEntries(parts.map(({ value }, i) => [`f${i}`, value])))
        await model.dispose()
        given.forEach((number, i) => {
          expect(Math.abs(number - expected[i]!)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected[i]!)))
        })
      }),
      { numRuns: 60 },
    )
  })

  it('fills in a missing value as the field says, and the answer is uncertain and without confidence', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['batch', 2]),
      inputs: {
        x: {
          vector: [
            { name: 'yes', unit: '1' },
            { name: 'no', unit: '1', missing: 'impute', default: 0.25 },
          ],
        },
      },
      outputs: { y: { labels: ['yes', 'no'] } },
    })
    const whole = await invoke(model, { yes: 0.75, no: 0.25 }, bounds)
    expect(whole).toMatchObject({ quality: 'good', confidence: 0.75 })
    const reply = await invoke(model, { yes: 0.75 }, bounds)
    expect(reply).toMatchObject({ output: { label: 'yes', probabilities: { no: 0.25 } }, quality: 'uncertain' })
    expect(reply.confidence).toBeUndefined()
    await model.dispose()
  })

  it('gives whole numbers to a network of integers, and refuses others', async () => {
    const model = await one({ vector: [{ name: 'count', unit: '1' }] }, identity(['batch', 1], 'int64'))
    expect(await fed(model, { count: 7 })).toEqual([7])
    const fault = await faultOf(invoke(model, { count: 7.5 } as never, bounds))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/count' })
    // It is whole, and one of two that no number tells apart.
    const large = await faultOf(invoke(model, { count: 2 ** 53 } as never, bounds))
    expect(large.message).toContain('count is 9007199254740992, which is beyond -9007199254740991 to 9007199254740991')
    await model.dispose()
  })

  it('never becomes an infinity on its way into a narrower type', async () => {
    const float = await vector([{ name: 'level', unit: 'mm' }])
    const byte = await one({ vector: [{ name: 'level', unit: '1' }] }, identity(['batch', 1], 'uint8'))
    const half = await one({ tensor: { field: 'level' } }, identity(['n'], 'float16'))
    for (const [model, level] of [
      [float, 1e39],
      [byte, 256],
      [byte, -1],
      [half, tensor(Float32Array.of(70_000))],
    ] as const) {
      const fault = await faultOf(invoke(model, { level } as never, bounds))
      expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/level' })
      expect(fault.message).toContain('beyond')
    }
    await Promise.all([float.dispose(), byte.dispose(), half.dispose()])
  })

  it('is a scalar where the file has no axis', async () => {
    const model = await one({ vector: [{ name: 'count', unit: '1' }] }, identity([]))
    expect(await fed(model, { count: 2 })).toEqual([2])
    await model.dispose()
  })
})

describe('a vector that cannot be right is refused when it is loaded', () => {
  it.each([
    [
      'two fields of one name',
      [
        { name: 'oil', unit: 'Cel' },
        { name: 'oil', unit: 'K' },
      ],
      'float32',
      /two fields are named 'oil'/,
    ],
    [
      'a field named __proto__',
      [
        { name: '__proto__', unit: '1' },
        { name: 'b', unit: '1' },
      ],
      'float32',
      /no field can be named __proto__/,
    ],
    [
      'a stand-in that is no category',
      [
        { name: 'a', unit: '1' },
        { name: 'shift', categories: ['day'], missing: 'impute', default: 'night' },
      ],
      'float32',
      /default is night: it must be one of day/,
    ],
    [
      'a stand-in outside of its limits',
      [
        { name: 'a', unit: '1' },
        { name: 'b', unit: '1', missing: 'impute', default: 9, limits: { training: { max: 8 } } },
      ],
      'float32',
      /b: its default is 9, outside of its training limits/,
    ],
    [
      'sine and cosine for a network of integers',
      [{ name: 'hour', unit: 'h', scale: { period: 24 } }],
      'int32',
      /takes int32, which cannot be scaled/,
    ],
    ['numbers for a network of texts', [{ name: 'a', unit: '1' }], 'string', /takes string/],
  ] as const)('%s', async (_, fields, type, message) => {
    await expect(one({ vector: fields }, identity(['batch', 2], type))).rejects.toThrow(message)
  })

  it('and a category is never taken from a caller who said none, whatever it is named', async () => {
    const model = await one({ vector: [{ name: 'session', categories: ['night', 'day'] }] }, identity(['batch', 2]))
    expect(await faultOf(invoke(model, {} as never, bounds))).toMatchObject({
      code: 'invalid-input',
      field: '/input/session',
    })
    await model.dispose()
  })
})

describe('a window', () => {
  const fields = [
    { name: 'speed', unit: 'm/s' },
    { name: 'load', unit: 'kN', scale: { mean: 0, deviation: 10 } },
  ] as const

  it('from the input is a tensor of each field', async () => {
    const input = { speed: tensor(Float32Array.of(1, 2, 3)), load: tensor(Float32Array.of(10, 20, 30)) }
    const byTime = await one({ vector: fields, window: { length: 3, from: 'input' } }, identity(['batch', 3, 2]))
    expect(await fed(byTime, input)).toEqual([1, 1, 2, 2, 3, 3])
    const byField = await one(
      { vector: fields, window: { length: 3, from: 'input', layout: 'fields-first' } },
      identity(['batch', 2, 3]),
    )
    expect(await fed(byField, input)).toEqual([1, 2, 3, 1, 2, 3])
    const inARow = await one({ vector: fields, window: { length: 3, from: 'input' } }, identity(['batch', 6]))
    expect(await fed(inARow, input)).toEqual([1, 1, 2, 2, 3, 3])
    const short = await faultOf(invoke(byTime, { ...input, load: tensor(new Float32Array(2)) } as never, bounds))
    expect(short).toMatchObject({ code: 'invalid-input', field: '/input/load' })
    await Promise.all([byTime.dispose(), byField.dispose(), inARow.dispose()])
  })

  it('from the input is always full, so that nothing can fill it', async () => {
    const recipe = {
      vector: [{ name: 'a', unit: '1' }],
      window: { length: 5, from: 'input', filling: 'repeat' },
    } as const
    await expect(one(recipe, identity(['n', 5, 1]))).rejects.toThrow(/x.window.filling is repeat: .*always full/)
  })

  it('that would fill the memory is refused when it is loaded', async () => {
    const endless = one({ vector: fields, window: { length: 1e9, from: 'calls' } }, identity(['batch', 'time', 2]))
    await expect(endless).rejects.toThrow(/makes 2000000000 numbers/)
  })

  it('over calls is refused until it is full, and each caller has its own', async () => {
    const model = await one({ vector: fields, window: { length: 3, from: 'calls' } }, identity(['batch', 3, 2]))
    const send = (speed: number, caller = 'plc-1') =>
      invoke(model, { speed, load: 0 } as never, { ...bounds, caller: { id: caller } })
    expect(await faultOf(send(1))).toMatchObject({ code: 'unavailable', details: { have: 1, need: 3 } })
    await faultOf(send(2))
    expect(await faultOf(send(9, 'plc-2'))).toMatchObject({ details: { have: 1 } })
    const speeds = async (speed: number) => {
      const { output } = await send(speed)
      return Array.from((output as { y: Tensor }).y.data, Number).filter((_, i) => i % 2 === 0)
    }
    expect(await speeds(3)).toEqual([1, 2, 3])
    expect(await speeds(4)).toEqual([2, 3, 4])
    await model.dispose()
  })

  it('over calls is refused until it is full, whatever another one beside it allows', async () => {
    const model = (await onnxModel({
      ...stated,
      model: tinyNetwork({
        inputs: { long: ['batch', 3, 1], short: ['batch', 2, 1] },
        outputs: { y: ['batch', 3, 1], z: ['batch', 2, 1] },
        build(graph) {
          graph.apply('Identity', ['long'], { output: 'y' })
          graph.apply('Identity', ['short'], { output: 'z' })
        },
      }),
      inputs: {
        long: { vector: [{ name: 'speed', unit: 'm/s' }], window: { length: 3, from: 'calls' } },
        short: { vector: [{ name: 'load', unit: 'kN' }], window: { length: 2, from: 'calls', filling: 'repeat' } },
      },
    })) as OnnxModel<never, unknown>
    const send = (speed: number) => invoke(model, { speed, load: speed } as never, bounds)
    expect(await faultOf(send(1))).toMatchObject({ code: 'unavailable', details: { have: 1, need: 3 } })
    expect(await faultOf(send(2))).toMatchObject({ code: 'unavailable', details: { have: 2, need: 3 } })
    expect(Array.from(((await send(3)).output as { y: Tensor }).y.data, Number)).toEqual([1, 2, 3])
    await model.dispose()
  })

  it('over calls repeats its first moment where it may, which is uncertain', async () => {
    const model = await one(
      { vector: fields, window: { length: 3, from: 'calls', filling: 'repeat' } },
      identity(['batch', 3, 2]),
    )
    const reply = await invoke(model, { speed: 5, load: 0 } as never, bounds)
    expect(reply.quality).toBe('uncertain')
    expect(reply.warnings.map(({ code }) => code)).toContain('window-filling')
    expect(Array.from((reply.output as { y: Tensor }).y.data, Number)).toEqual([5, 0, 5, 0, 5, 0])
    await model.dispose()
  })
})

describe('a window that holds a moment of uncertain quality', () => {
  it('makes no confident answer until that moment has left it', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['batch', 2, 1]),
      inputs: {
        x: {
          vector: [{ name: 'share', unit: '1', missing: 'impute', default: 0.5 }],
          window: { length: 2, from: 'calls' },
        },
      },
      outputs: { y: { labels: ['before', 'now'] } },
    })
    const ask = async (share?: number) => {
      const answer = invoke(model, { ...(share !== undefined && { share }) }, bounds)
      return answer.then(
        ({ quality, confidence, warnings }) => [quality, confidence, ...warnings.map(({ code }) => code)],
        ({ code }) => [code],
      )
    }
    expect(await ask()).toEqual(['unavailable'])
    expect(await ask(0.5)).toEqual(['uncertain', undefined, 'uncertain-window', 'session-began'])
    expect(await ask(0.5)).toEqual(['good', 0.5])
    expect(await ask()).toEqual(['uncertain', undefined, 'imputed-value'])
    expect(await ask(0.5)).toEqual(['uncertain', undefined, 'uncertain-window'])
    expect(await ask(0.5)).toEqual(['good', 0.5])
    await model.dispose()
  })

  it('makes none either where an overlap holds more calls than one', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['batch', 5]),
      inputs: { x: { tensor: { field: 'sound', shape: [2], unit: '1', overlap: 3 } } },
      outputs: { y: { labels: ['a', 'b', 'c', 'd', 'e'], scores: 'logits' } },
    })
    const ask = async (quality: 'good' | 'uncertain') => {
      const sound = sample(tensor(Float32Array.of(1, 2)), '1', { quality })
      const { confidence } = await invoke(model, { sound }, bounds)
      return confidence === undefined ? 'not sure' : 'sure'
    }
    expect(await ask('uncertain')).toBe('not sure')
    expect(await ask('good')).toBe('not sure')
    // Its first element is still of the first call.
    expect(await ask('good')).toBe('not sure')
    expect(await ask('good')).toBe('sure')
    await model.dispose()
  })
})

describe('a tensor', () => {
  const cases = [
    ['float32', Float32Array.of(-1.5, 2)],
    ['float64', Float64Array.of(-1.5, 2)],
    ['int8', Int8Array.of(-5, 2)],
    ['uint8', Uint8Array.of(5, 2)],
    ['int16', Int16Array.of(-5, 2)],
    ['uint16', Uint16Array.of(5, 2)],
    ['int32', Int32Array.of(-5, 2)],
    ['uint32', Uint32Array.of(5, 2)],
    ['int64', BigInt64Array.of(-5n, 2n)],
    ['uint64', BigUint64Array.of(5n, 2n)],
  ] as const

  it.each(cases)('of %s goes in and comes out as it is', async (type, data) => {
    const model = await one({ tensor: { dtype: type } }, identity(['n'], type))
    const { output } = await invoke(model, { x: tensor(data as Float32Array) } as never, bounds)
    expect((output as { y: Tensor }).y).toMatchObject({ dtype: type, shape: [2], data })
    await model.dispose()
  })

  it('of bytes may be a Buffer, also where calls are joined', async () => {
    const model = (await onnxModel({
      ...stated,
      model: identity(['n', 2], 'uint8'),
      inputs: { x: { tensor: { shape: [2] } } },
      execution: { batching: { maximum: 4 } },
    })) as OnnxModel<never, unknown>
    const bytes = (...of: number[]) => fed(model, { x: tensor(Buffer.from(of)) })
    expect(await Promise.all([bytes(1, 2), bytes(3, 4)])).toEqual([
      [1, 2],
      [3, 4],
    ])
    await model.dispose()
  })

  it('of half floats and of booleans is one of float32 and of uint8', async () => {
    const half = await one({ tensor: {} }, identity(['n'], 'float16'))
    expect(await fed(half, { x: tensor(Float32Array.of(1.5, -0.25)) })).toEqual([1.5, -0.25])
    const truth = await one({ tensor: {} }, identity(['n'], 'bool'))
    expect(await fed(truth, { x: tensor(Uint8Array.of(0, 1)) })).toEqual([0, 1])
    const fault = await faultOf(invoke(truth, { x: tensor(Uint8Array.of(0, 2)) } as never, bounds))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x' })
    await Promise.all([half.dispose(), truth.dispose()])
  })

  it('of small integers is widened where its author says so, and never narrowed', async () => {
    const model = await one(
      { tensor: { dtype: 'uint8', shape: [2], scale: { min: 0, max: 255 } } },
      identity(['batch', 2]),
    )
    expect(await fed(model, { x: tensor(Uint8Array.of(0, 255)) })).toEqual([0, 1])
    await expect(one({ tensor: { dtype: 'float64' } }, identity(['n']))).rejects.toThrow(
      /dtype is float64.*takes float32/,
    )
    await model.dispose()
  })

  it.each([
    ['another type', tensor(Float64Array.of(1, 2)), 'float32'],
    ['another length', tensor(Float32Array.of(1, 2, 3)), '[2]'],
    ['another number of axes', tensor(Float32Array.of(1, 2), [2, 1]), '[2]'],
    ['NaN', tensor(Float32Array.of(1, Number.NaN)), 'NaN'],
    ['an infinity', tensor(Float32Array.of(1, Number.POSITIVE_INFINITY)), 'Infinity'],
    ['a list', [1, 2], 'Float32Array'],
  ])('of %s is refused by its name', async (_, x, words) => {
    const model = await one({ tensor: { shape: [2] } }, identity(['batch', 2]))
    const fault = await faultOf(invoke(model, { x } as never, bounds))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x' })
    expect(fault.message).toContain(words)
    await model.dispose()
  })

  it('that is empty is refused by its name', async () => {
    const model = await one({ tensor: { shape: ['rows', 2] } }, identity(['batch', 2]))
    expect(await fed(model, { x: tensor(Float32Array.of(1, 2, 3, 4), [2, 2]) })).toEqual([1, 2, 3, 4])
    const fault = await faultOf(invoke(model, { x: tensor(new Float32Array(0), [0, 2]) } as never, bounds))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x' })
    expect(fault.message).toContain('empty')
    await model.dispose()
  })
})

describe('texts and constants', () => {
  it('are fed as the recipe says', async () => {
    const model = await onnxModel({
      ...stated,
      model: tinyNetwork({
        inputs: { word: { dims: [1], type: 'string' }, rate: { dims: [], type: 'int64' } },
        outputs: { same: { dims: [1], type: 'string' }, y: { dims: [], type: 'int64' } },
        build(graph) {
          graph.apply('Identity', ['word'], { output: 'same' })
          graph.apply('Identity', ['rate'], { output: 'y' })
        },
      }),
      inputs: { word: { text: { longest: 5 } }, rate: { constant: 16_000 } },
      outputs: { same: { text: { field: 'echo' } }, y: { tensor: { dtype: 'int64' } } },
    })
    const { output } = await invoke(model, { word: 'steel' }, bounds)
    expect(output).toMatchObject({ echo: 'steel', y: { data: BigInt64Array.of(16_000n) } })
    for (const word of ['steels', 'st\0el'])
      expect(await faultOf(invoke(model, { word }, bounds))).toMatchObject({
        code: 'invalid-input',
        field: '/input/word',
      })
    await model.dispose()
  })
})

it.each<[string, InputRecipe]>([
  ['constant', { constant: 1 }],
  ['state', { state: 'y' }],
  ['tensor', { tensor: {} }],
])('a %s for a network of texts is refused with what feeds them', async (_, recipe) => {
  await expect(one(recipe, identity([1], 'string'))).rejects.toThrow(
    /^inputs.x: the ONNX input 'x' of the file takes texts, which \{ text: \{\} \} feeds/,
  )
})

it('a sequence is refused as what cannot be fed, with what to export', () => {
  const network = { inputs: [{ name: 'boxes', isTensor: false }], outputs: [] }
  expect(() => prepareInputs(network)).toThrow(
    /'boxes' is a sequence or map, which no runtime here can be fed: .*tensors only/,
  )
})

describe('a constant that its type cannot hold is refused when it is loaded', () => {
  it.each([
    ['uint8', 300],
    ['int64', 0.5],
    ['bool', 2],
    ['float16', 1e6],
    ['float32', 1e39],
  ] as const)('%s: %d', async (type, constant) => {
    await expect(one({ constant }, identity([1], type))).rejects.toThrow(
      new TypeError(`inputs.x.constant holds ${constant}, which no ${type} is: the file takes that type`),
    )
  })
})

describe('fields and ports of any name', () => {
  it.each(['constructor', 'toString'])('%s is one like all others', async (name) => {
    const model = (await onnxModel({
      ...stated,
      model: tinyNetwork({
        inputs: { [name]: [1] },
        outputs: { [name === 'toString' ? 'valueOf' : 'y']: [1] },
        build: (graph) => graph.apply('Identity', [name], { output: name === 'toString' ? 'valueOf' : 'y' }),
      }),
    })) as OnnxModel<never, Readonly<Record<string, Tensor>>>
    const { output } = await invoke(model, { [name]: tensor(Float32Array.of(3)) } as never, bounds)
    expect(Object.values(output).map(({ data }) => data)).toEqual([Float32Array.of(3)])
    expect(await faultOf(invoke(model, {} as never, bounds))).toMatchObject({
      code: 'invalid-input',
      field: `/input/${name}`,
      message: expect.stringContaining('is missing'),
    })
    await model.dispose()
  })

  it('__proto__ is refused when the file is loaded', async () => {
    const file = tinyNetwork({
      inputs: { ['__proto__']: [1] },
      outputs: { y: [1] },
      build: (graph) => graph.apply('Identity', ['__proto__'], { output: 'y' }),
    })
    await expect(onnxModel({ ...stated, model: file })).rejects.toThrow(/no ONNX input can be named __proto__/)
  })

  it('session is a text that must be there where the network remembers nothing', async () => {
    const model = await one({ text: { field: 'session' } }, identity([1], 'string'))
    expect(model.descriptor.input.required).toEqual(['session'])
    expect((await invoke(model, { session: 'a' } as never, bounds)).output).toEqual({ y: 'a' })
    expect(await faultOf(invoke(model, {} as never, bounds))).toMatchObject({ field: '/input/session' })
    await model.dispose()
  })
})

describe('texts in a list', () => {
  it('fill the shape of the file, and come back in a list', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['rows', 2], 'string'),
      inputs: { x: { text: { many: true, longest: 3 } } },
    })
    const say = (x: readonly unknown[]) => invoke(model, { x } as never, bounds)
    expect((await say(['a', 'b', 'c', 'd'])).output).toEqual({ y: ['a', 'b', 'c', 'd'] })
    for (const [x, words] of [
      [['a'], 'has 1 texts'],
      [[], 'has 0 items'],
      [['a', 'long'], 'item 1 has 4 characters'],
      [['a', 1], 'item 1 must be a text'],
      [['a', 'b\0c'], 'item 1 holds a NUL character'],
      ['ab', 'must be a list'],
    ] as const) {
      const fault = await faultOf(say(x as readonly string[]))
      expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x' })
      expect(fault.message).toContain(words)
    }
    await model.dispose()
  })
})

it('half floats are the nearest ones, for every one there is', () => {
  for (let bits = 0; bits < 0x7c00; bits++) expect(halfBits(halfValue(bits))).toBe(bits)
  fc.assert(
    fc.property(fc.float({ min: -65_000, max: 65_000, noNaN: true }), (value) => {
      const near = halfValue(halfBits(value))
      expect(Math.abs(near - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25))
    }),
  )
  // Halfway between two, the even one.
  expect(halfBits(1 + 2 ** -11)).toBe(halfBits(1))
  expect(halfBits(1 + 3 * 2 ** -11)).toBe(halfBits(1 + 2 ** -9))
  expect(halfValue(halfBits(Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY)
  expect(halfValue(halfBits(70_000))).toBe(Number.POSITIVE_INFINITY)
  expect(halfValue(halfBits(Number.NaN))).toBeNaN()
})
