import { type Fault, invoke, sample, type Tensor, tensor } from '@dinrail/core'
import fc from 'fast-check'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { afterAll, describe, expect, it } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { type OnnxModel, type OnnxRuntime, onnxModel } from './index.ts'
import { adder, identity } from './tiny-networks.test-support.ts'

web.env.wasm.numThreads = 1

type Loose = OnnxModel<never, Record<string, unknown>>

const stated = { runtime: web, id: 'acme/any', version: '1.0.0', title: 'Any', task: 'process-analysis' } as const
const bounds = { deadlineMs: 10_000, caller: { id: 'plc-1' } }
const number = { name: 'a', unit: '1' } as const
const loaded: Loose[] = []
afterAll(() => Promise.all(loaded.map((model) => model.dispose())))

async function load({ good: _, ...about }: Readonly<Record<string, unknown>>): Promise<Loose> {
  const model = (await onnxModel({ ...stated, ...about } as never)) as Loose
  loaded.push(model)
  return model
}
const ask = (model: Loose, input: unknown) => invoke(model, input as never, bounds)
const refused = (model: Loose, input: unknown): Promise<Fault> => faultOf(ask(model, input))

const recipes = {
  vector: {
    model: identity(['batch', 5]),
    inputs: {
      x: {
        vector: [
          { ...number, limits: { physical: { min: -10, max: 10 } } },
          { name: 'oil', unit: 'Cel', missing: 'impute', default: 2 },
          { name: 'shift', categories: ['day', 'night'] },
          { name: 'load', unit: 'kN', maxAge: 1e12 },
        ],
      },
    },
    good: {
      a: 1,
      oil: sample(300, 'K'),
      shift: 'day',
      load: sample(3, 'kN', { sourceTime: '2026-01-01T00:00:00Z' }),
    },
  },
  window: {
    model: identity(['batch', 2, 1]),
    inputs: { x: { vector: [number], window: { length: 2, from: 'input' } } },
    good: { a: tensor(Float32Array.of(1, 2)) },
  },
  float32: { model: identity(['n']), good: { x: tensor(Float32Array.of(1, 2)) } },
  float16: { model: identity(['n'], 'float16'), good: { x: tensor(Float32Array.of(1, 2)) } },
  int64: { model: identity(['n'], 'int64'), good: { x: tensor(BigInt64Array.of(1n, 2n)) } },
  bool: { model: identity(['n'], 'bool'), good: { x: tensor(Uint8Array.of(1, 0)) } },
  image: {
    model: identity(['batch', 3, 4, 'wide']),
    inputs: { x: { image: { size: [4, 'keep'], longest: 64, fit: 'contain' } } },
    good: { x: tensor(new Uint8Array(96), [8, 4, 3]) },
  },
  texts: {
    model: identity(['n'], 'string'),
    inputs: { x: { text: { many: true } } },
    outputs: { y: { text: { many: true } } },
    good: { x: ['one', 'two'] },
  },
  state: {
    model: adder(),
    inputs: { x: { vector: [number] }, total: { state: 'next' } },
    outputs: { y: { values: [{ name: 'sum', unit: '1' }] } },
    good: { a: 0, session: 'one' },
  },
} as const

const boom = () => {
  throw new RangeError('boom')
}
const numbers = [Float32Array, Float64Array, Int8Array, Uint8Array, Int16Array, Uint32Array, BigInt64Array] as const
const detached = () => {
  const data = new Float32Array(2)
  structuredClone(data.buffer, { transfer: [data.buffer] })
  return data
}
/** Made when they are used: the library that tries them looks into what it is given, and some of it throws. */
const odd: fc.Arbitrary<() => unknown> = fc.oneof(
  fc
    .anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true })
    .map((it) => () => it),
  fc
    .constantFrom<unknown>(
      -0,
      5e-324,
      1e308,
      Number.NaN,
      2n ** 70n,
      '\0',
      '\ud800',
      Symbol('s'),
      boom,
      new Date(0),
      new Array(3),
    )
    .map((it) => () => it),
  fc.constantFrom('get', 'has', 'ownKeys').map((trap) => () => new Proxy({}, { [trap]: boom })),
  fc
    .constantFrom('value', 'unit', 'quality', 'sourceTime', 'dtype', 'shape', 'data')
    .map((key) => () => Object.defineProperty({ value: 1 }, key, { get: boom, enumerable: true })),
  fc.constant(() => Object.create(Float32Array.prototype) as unknown),
  fc
    .record({
      dtype: fc.constantFrom('float32', 'uint8', 'int64', 'constructor', 7),
      shape: fc.oneof(
        fc.array(fc.constantFrom(-0, 0, 1, 2, 3, -1, 0.5, 2 ** 53, Number.NaN, 1n), { maxLength: 4 }),
        fc.constant('2'),
      ),
      data: fc.oneof(
        fc.tuple(fc.constantFrom(...numbers), fc.nat(4)).map(([Data, n]) => new Data(8).subarray(0, n)),
        fc.constantFrom(...numbers).map((Data) => new Data(new SharedArrayBuffer(16) as never)),
        fc.constant(detached()),
        fc.anything(),
      ),
    })
    .map((it) => () => it),
  fc.record({ value: fc.anything(), unit: fc.anything(), quality: fc.anything() }).map((it) => () => it),
)

describe.each(Object.entries(recipes))('whatever is sent to a %s', (_, recipe) => {
  it('is answered or refused by name, and the next good call is answered', async () => {
    const model = await load(recipe)
    const good: Readonly<Record<string, unknown>> = recipe.good
    const expected = (await ask(model, good)).output
    const input = fc.tuple(fc.constantFrom(...Object.keys(good), 'stranger', ''), odd)
    await fc.assert(
      fc.asyncProperty(input, async ([name, made]) => {
        // What is added up in one session is not in the other.
        const apart = 'session' in good ? { ...good, session: 'other' } : good
        const sent = name === '' ? made() : { ...apart, [name]: made() }
        const fault = await ask(model, sent).catch((thrown: Fault) => thrown)
        if (fault instanceof Error) {
          expect(['invalid-input', 'unit-mismatch', 'stale-input', 'bad-quality']).toContain(fault.code)
          expect(fault.field).toMatch(/^\/input/)
        }
        expect((await ask(model, good)).output).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })
})

describe('an input that cannot be read is refused', () => {
  it('where a getter or a proxy throws, or a member would reach a prototype', async () => {
    const model = await load(recipes.vector)
    const whole = new Proxy({}, { get: boom })
    expect(await refused(model, whole)).toMatchObject({ code: 'invalid-input', field: '/input' })
    const late = { ...recipes.vector.good, load: Object.defineProperty({ value: 3 }, 'sourceTime', { get: boom }) }
    expect((await refused(model, late)).message).toContain('/input cannot be read: RangeError: boom')
    const named = JSON.parse('{ "a": 1, "__proto__": 2 }')
    expect(await refused(model, named)).toMatchObject({ code: 'invalid-input', field: '/input' })
  })

  it('and a list of holes at its first one, however long it is', async () => {
    const model = await load(recipes.texts)
    const fault = await refused(model, { x: new Array(2 ** 32 - 1) })
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x/0' })
  }, 5000)
})

it('a text that holds half of a character would become another one, and is refused', async () => {
  const model = await load(recipes.texts)
  expect(await refused(model, { x: ['whole \u{1f600}', 'a\ud83d'] })).toMatchObject({
    code: 'invalid-input',
    field: '/input/x',
  })
  expect((await ask(model, { x: ['whole \u{1f600}'] })).output).toEqual({ y: ['whole \u{1f600}'] })
})

it('an angle that no number holds is refused and not fed as NaN', async () => {
  const model = await load({
    model: identity(['batch', 2]),
    inputs: { x: { vector: [{ ...number, unit: 'h', scale: { period: 24 } }] } },
  })
  const fault = await refused(model, { a: 1.7e308 })
  expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/a' })
})

it('a length that the novelty score does not take is the fault of whoever gave it', async () => {
  const novelty = { kind: 'mahalanobis', mean: [0, 0], precision: [[1, 0], [0, 1]], threshold: 9 } as const // biome-ignore format: a matrix
  const ofInput = await load({ model: identity(['n']), novelty: { ...novelty, of: 'x' } })
  const three = { x: tensor(new Float32Array(3)) }
  expect(await refused(ofInput, three)).toMatchObject({ code: 'invalid-input', field: '/input' })
  const ofOutput = await load({ model: identity(['n']), novelty: { ...novelty, of: 'y' } })
  expect(await refused(ofOutput, three)).toMatchObject({ code: 'invalid-output', field: '/output' })
})

it('numbers in memory that threads share are answered by both runtimes', async () => {
  for (const runtime of [web as OnnxRuntime, native as unknown as OnnxRuntime]) {
    const model = await load({ ...recipes.float32, runtime })
    const data = new Float32Array(new SharedArrayBuffer(8))
    data.set([1, 2])
    const { y } = (await ask(model, { x: tensor(data) })).output as { y: Tensor }
    expect(Array.from(y.data, Number)).toEqual([1, 2])
  }
})
