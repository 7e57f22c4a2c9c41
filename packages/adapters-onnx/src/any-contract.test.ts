import { isFault } from '@dinrail/core'
import fc from 'fast-check'
import * as ort from 'onnxruntime-web'
import { expect, it } from 'vitest'
import { onnxModel } from './index.ts'
import { withMetadata } from './model-file.ts'
import { identity } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const network = identity(['batch', 2])
const about = { id: 'acme/any', version: '1.0.0', title: 'Any', task: 'process-analysis' } as const
const contract = {
  ...about,
  inputs: {
    x: {
      vector: [
        { name: 'a', unit: 'mm', limits: { physical: { min: 0, max: 9 } } },
        { name: 'b', unit: '1', scale: { mean: 1, deviation: 2 }, missing: 'impute', default: 1 },
      ],
    },
  },
  context: { oil: { unit: 'Cel', maxAge: 1000 } },
  outputs: { y: { labels: ['no', 'yes'], scores: 'logits', temperature: 2 } },
  novelty: { kind: 'residual', of: 'x', mean: [0, 0], components: [[1, 0]], threshold: 9 },
  golden: [{ input: { a: 1, oil: 20 }, output: { label: 'no' }, tolerance: 0 }],
}
const stated = { ...about, runtime: ort, model: network }
const load = (definition: object) => onnxModel(definition as Parameters<typeof onnxModel>[0])

type Step = readonly [place: number, value: unknown, isRemoved: boolean]
/** The same with some of its members, at any depth, in another form or gone. */
function changed(whole: unknown, steps: readonly Step[]): unknown {
  const copy = structuredClone(whole)
  for (const [place, value, isRemoved] of steps) {
    const places = [...membersOf(copy)]
    const [holder, key] = places[place % places.length]!
    if (isRemoved) Reflect.deleteProperty(holder, key)
    else holder[key] = value
  }
  return copy
}
function* membersOf(value: unknown): Generator<readonly [Record<string, unknown>, string]> {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    yield [value as Record<string, unknown>, key]
    yield* membersOf((value as Record<string, unknown>)[key])
  }
}

it('whatever a file says of itself makes a model or ends in a fault or a TypeError that is about it', async () => {
  const values = fc.oneof(
    fc.constantFrom<unknown>(-0, 5e-324, 1e308, -1, 0.5, 2 ** 53, '', 'x', 'a', '__proto__', null, [], {}, [[1]]),
    fc.jsonValue(),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), values, fc.boolean()), { minLength: 1, maxLength: 3 }),
      async (steps) => {
        const text = JSON.stringify(changed(contract, steps))
        try {
          const model = await load({ runtime: ort, model: withMetadata(network, { dinrail: text }) })
          await model.dispose()
        } catch (problem) {
          expect(isFault(problem) || problem instanceof TypeError, String(problem)).toBe(true)
          expect((problem as Error).message).not.toMatch(/^Cannot |is not (a function|iterable)/)
        }
      },
    ),
    { numRuns: 300 },
  )
})

const circle: { self?: object } = {}
circle.self = circle
it.each([
  ['a list of big numbers', { title: [1n] }, /title is no JSON: it must be a text/],
  ['a circle', { task: circle }, /task is no JSON/],
  ['code without a schema for the inputs', { inputs: { feeds: () => ({}) } }, /inputs: pass a schema/],
  ['code without a schema for the outputs', { outputs: { read: () => ({}) } }, /outputs: pass a schema/],
])('%s in a contract is refused by its place', async (_, odd, words) => {
  const problem = await load({ ...stated, ...odd }).then(
    () => expect.fail('it was loaded'),
    (thrown: unknown) => thrown,
  )
  expect(problem).toBeInstanceOf(TypeError)
  expect((problem as Error).message).toMatch(words)
})

it('a recipe, an output or a context that is passed on as undefined is not said', async () => {
  const model = await load({
    ...stated,
    inputs: { x: undefined },
    outputs: { y: undefined },
    context: { oil: undefined },
  })
  expect(Object.keys(model.descriptor.input.properties ?? {})).toEqual(['x'])
  await model.dispose()
})
