import { type Fault, invoke, tensor } from '@dinrail/core'
import fc from 'fast-check'
import * as web from 'onnxruntime-web'
import { afterAll, describe, expect, it } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { type OnnxModel, type OnnxRuntime, onnxModel } from './index.ts'
import type { OnnxSession } from './runtime.ts'
import { identity, tinyNetwork } from './tiny-networks.test-support.ts'

web.env.wasm.numThreads = 1

type Loose = OnnxModel<never, Record<string, unknown>>

/** What the runtime gives in place of what the network gave, while it is set. */
let instead: Readonly<Record<string, unknown>> | undefined
const runtime: OnnxRuntime = {
  Tensor: web.Tensor as OnnxRuntime['Tensor'],
  InferenceSession: {
    async create(bytes, options) {
      const session = await (web as OnnxRuntime).InferenceSession.create(bytes, options)
      const { inputNames, outputNames, inputMetadata, outputMetadata } = session
      return {
        ...{ inputNames, outputNames, inputMetadata, outputMetadata },
        run: async (feeds) => ({ ...(await session.run(feeds)), ...instead }) as never,
        release: () => session.release(),
      } satisfies OnnxSession
    },
  },
}

const stated = { runtime, id: 'acme/any', version: '1.0.0', title: 'Any', task: 'process-analysis' } as const
const bounds = { deadlineMs: 10_000, caller: { id: 'plc-1' } }
const loaded: Loose[] = []
afterAll(() => Promise.all(loaded.map((model) => model.dispose())))

async function load(about: object): Promise<Loose> {
  const model = (await onnxModel({ ...stated, ...about } as never)) as Loose
  loaded.push(model)
  return model
}
const ask = (model: Loose) => invoke(model, { x: tensor(Float32Array.of(0.25, 0.75)) } as never, bounds)

const network = identity(['n', 2])
const inputs = { x: { tensor: { shape: [2] } } }
/** x → y and state → next, the same. */
const stateful = tinyNetwork({
  inputs: { x: [1, 2], state: [1, 2] },
  outputs: { y: [1, 2], next: [1, 2] },
  build(graph) {
    graph.apply('Identity', ['x'], { output: 'y' })
    graph.apply('Identity', ['state'], { output: 'next' })
  },
})
const withState = { model: stateful, inputs: { ...inputs, state: { state: 'next' } } }
const recipes = {
  labels: { model: network, inputs, outputs: { y: { labels: ['no', 'yes'] } } },
  values: {
    model: network,
    inputs,
    outputs: {
      y: {
        values: [
          { name: 'a', unit: '1' },
          { name: 'b', unit: '1', interval: { level: 0.9, halfWidth: 1 } },
        ],
      },
    },
  },
  tensor: { model: network, inputs, outputs: { y: { tensor: {} } } },
  'tensor with intervals': {
    model: network,
    inputs,
    outputs: { y: { tensor: { shape: ['n', 2], interval: { level: 0.9, halfWidth: [1, 2] } } } },
  },
  characters: { model: network, inputs, outputs: { y: { characters: { field: 'text', alphabet: ['', 'a'] } } } },
  state: withState,
}

const given = fc.oneof(
  fc.anything(),
  fc.record({
    type: fc.constantFrom('float32', 'float16', 'int64', 'string', 'bool', 'complex64', 'constructor', 7),
    dims: fc.oneof(
      fc.constantFrom([1, 2], [2], [2, 2]),
      fc.array(fc.constantFrom(0, 1, 2, 3, -1, 0.5, 1e9, 2 ** 53, 1n), { maxLength: 3 }),
      fc.anything(),
    ),
    data: fc.oneof(
      fc.constantFrom(new Float32Array(2), Float32Array.of(Number.NaN, 1), new BigInt64Array(2), ['a', 1]),
      fc.anything(),
    ),
  }),
)

describe.each(Object.entries(recipes))('whatever a network gives that is read as %s', (name, about) => {
  it('is answered or its fault, by the name of the output, and the next answer is right', async () => {
    const model = await load(about)
    const expected = (await ask(model)).output
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...(name === 'state' ? ['y', 'next'] : ['y'])), given, async (output, odd) => {
        instead = { [output]: odd }
        const ended = await ask(model).catch((thrown: Fault) => thrown)
        instead = undefined
        if (ended instanceof Error) {
          expect(ended).toMatchObject({ code: 'invalid-output', field: expect.stringMatching(/^\/output/) })
          expect(ended.message).toMatch(new RegExp(`'${output}'|/output/${output}`))
        }
        expect((await ask(model)).output).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })
})

describe('what a runtime gives is refused by the name of the output', () => {
  it.each([
    ['nothing', undefined, /gave nothing as 'y'/],
    ['a length that memory would be made for', { dims: [1e9, 2] }, /2 elements in the shape \[1000000000, 2\]/],
    ['a negative length', { dims: [-1, -2] }, /in the shape/],
    ['no dimensions', { dims: undefined }, /no shape/],
    ['another array than its type says', { data: new Float64Array(2) }, /gave no float32/],
    ['a type that nobody knows', { type: 'complex64' }, /gave complex64/],
  ])('%s', async (_, odd, words) => {
    const model = await load(recipes['tensor with intervals'])
    instead = { y: odd && { type: 'float32', dims: [1, 2], data: new Float32Array(2), ...odd } }
    const fault = await faultOf(ask(model)).finally(() => {
      instead = undefined
    })
    expect(fault).toMatchObject({ code: 'invalid-output', field: '/output' })
    expect(fault.message).toMatch(words)
  })

  it('a state that the next call could not be fed, so that no later call of its session is lost', async () => {
    const model = await load(withState)
    await ask(model)
    instead = { next: { type: 'float32', dims: [2, 1], data: new Float32Array(2) } }
    const fault = await faultOf(ask(model)).finally(() => {
      instead = undefined
    })
    expect(fault).toMatchObject({ code: 'invalid-output', field: '/output' })
    expect(fault.message).toMatch(/float32 \[2, 1\] where 'state' takes float32 \[1, 2\] as 'next'/)
    expect((await ask(model)).quality).toBe('good')
  })

  it('texts that are none', async () => {
    const model = await load({
      model: identity(['n'], 'string'),
      inputs: { x: { text: {} } },
      outputs: { y: { text: {} } },
    })
    instead = { y: { type: 'string', dims: [1], data: [7] } }
    const fault = await faultOf(invoke(model, { x: 'a' } as never, bounds)).finally(() => {
      instead = undefined
    })
    expect(fault).toMatchObject({ code: 'invalid-output', field: '/output' })
  })
})
