// Checked by the compiler alone: what a definition says is what callers are held to.

import { pipe } from '@dinrail/collab'
import type { DataType, Descriptor, Model, Tensor } from '@dinrail/core'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { customInputs, customOutputs, onnxModel, type ValueWithInterval } from './index.ts'
import type { OnnxRuntime } from './runtime.ts'

declare const runtime: OnnxRuntime
declare const model: Uint8Array<ArrayBuffer>
const stated = {
  runtime,
  model,
  id: 'acme/strip',
  version: '1.0.0',
  title: 'Strip',
  task: 'quality-inspection',
} as const
type In<M> = M extends { readonly descriptor: Descriptor<infer Input, unknown> } ? Input : never
// One for each: which elements there are is told by `dtype`.
type TensorOfAny = { [Type in DataType]: Tensor<Type> }[DataType]
type Out<M> = M extends { readonly descriptor: Descriptor<unknown, infer Output> } ? Output : never

const everything = await onnxModel({
  ...stated,
  inputs: {
    features: {
      vector: [
        { name: 'length', unit: 'mm' },
        { name: 'width', unit: 'mm', missing: 'impute', default: 1 },
        { name: 'steel', categories: ['A300', 'A400'] },
      ],
    },
    past: { vector: [{ name: 'load', unit: 'kW' }], window: { length: 30, from: 'input' } },
    picture: { image: { size: [224, 224] } },
    ids: { tensor: { field: 'order', dtype: 'int64' } },
    mask: { tensor: {} },
    word: { text: {} },
    words: { text: { many: true } },
    rate: { constant: 16_000 },
  },
  context: { speed: { unit: 'm/s' } },
  outputs: {
    probabilities: { labels: ['good', 'bad'] },
    life: {
      values: [
        { name: 'remaining', unit: 'h', interval: { level: 0.9, halfWidth: 12 } },
        { name: 'load', unit: 'kN' },
      ],
    },
    map: { tensor: { dtype: 'uint8' } },
    raw: { tensor: { clamp: { min: 0 } } },
    force: { tensor: { scale: { mean: 0, deviation: 2 } } },
    sure: { tensor: { interval: { level: 0.9, halfWidth: 1 }, dtype: 'float64' } },
  },
})

expectTypeOf<In<typeof everything>>().toEqualTypeOf<{
  readonly length: number
  readonly width?: number
  readonly steel: 'A300' | 'A400'
  readonly load: Tensor<'float32'>
  readonly picture: Tensor<'uint8'>
  readonly order: Tensor<'int64'>
  readonly mask: Tensor
  readonly word: string
  readonly words: readonly string[]
  readonly speed: number
}>()
expectTypeOf<Out<typeof everything>>().toEqualTypeOf<{
  readonly label: 'good' | 'bad'
  readonly probabilities: Readonly<Record<'good' | 'bad', number>>
  readonly remaining: ValueWithInterval<number>
  readonly load: number
  readonly map: Tensor<'uint8'>
  readonly raw: TensorOfAny
  readonly force: Tensor<'float32'> | Tensor<'float64'>
  readonly sure: ValueWithInterval<Tensor<'float64'>>
}>()

const stateful = await onnxModel({
  ...stated,
  inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, state: { state: 'next' } },
  outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
})
expectTypeOf<In<typeof stateful>>().toEqualTypeOf<{ readonly pieces: number; readonly session?: string }>()
expectTypeOf(stateful.openSession()).toExtend<Model<In<typeof stateful>, { readonly total: number }, never>>()

const described = await onnxModel({ runtime, model })
expectTypeOf<In<typeof described>>().toEqualTypeOf<Readonly<Record<string, unknown>>>()
const left = await onnxModel({ ...stated, inputs: {}, outputs: {} })
expectTypeOf<In<typeof left>>().toEqualTypeOf<Readonly<Record<string, unknown>>>()
expectTypeOf<Out<typeof left>>().toEqualTypeOf<Readonly<Record<string, unknown>>>()

const coded = await onnxModel({
  ...stated,
  inputs: customInputs(z.object({ name: z.string() }), () => ({})),
  outputs: customOutputs(z.object({ length: z.number() }), () => ({ output: { length: 1 } })),
})
expectTypeOf<In<typeof coded>>().toEqualTypeOf<{ name: string }>()
expectTypeOf<Out<typeof coded>>().toEqualTypeOf<{ length: number }>()

await onnxModel({
  ...stated,
  inputs: customInputs(z.object({ name: z.string() }), ({ name }) => ({
    word: { dtype: 'string', shape: [1], data: [name] },
    number: { dtype: 'float32', shape: [1], data: Float32Array.of(name.length) },
  })),
  outputs: customOutputs(z.object({}), (tensors, input, texts) => {
    expectTypeOf(tensors).toEqualTypeOf<Readonly<Record<string, Tensor>>>()
    expectTypeOf(input).toEqualTypeOf<Readonly<Record<string, unknown>>>()
    expectTypeOf(texts.word?.data).toEqualTypeOf<readonly string[] | undefined>()
    return { output: {} }
  }),
})
// @ts-expect-error texts are a list of them
customInputs(z.object({}), () => ({ word: { dtype: 'string', shape: [1], data: 'coil' } }))

// What one model gives, the next one takes.
const first = await onnxModel({
  ...stated,
  inputs: { x: { vector: [{ name: 'length', unit: 'mm' }] } },
  outputs: { y: { values: [{ name: 'load', unit: 'kN' }] } },
})
const second = await onnxModel({
  ...stated,
  inputs: { x: { vector: [{ name: 'load', unit: 'kN' }] } },
  outputs: { y: { labels: ['good', 'bad'] } },
})
expectTypeOf(pipe(first, second)).toExtend<Model<{ readonly length: number }, { readonly label: 'good' | 'bad' }>>()

// @ts-expect-error a definition has no other kinds of inputs
await onnxModel({ ...stated, inputs: { x: { vectr: [] } } })
// @ts-expect-error a scale is one of four
await onnxModel({ ...stated, inputs: { x: { vector: [{ name: 'length', unit: 'mm', scale: { mean: 1 } }] } } })
