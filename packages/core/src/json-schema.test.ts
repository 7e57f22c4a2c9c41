import { Type } from '@sinclair/typebox'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineModel, descriptorDigest, invoke, isTensor, type Model, type Stated, type Tensor } from './index.ts'
import { jsonSchema } from './json-schema.ts'

const named = { id: 'acme/strip', version: '1.0.0', title: 'Strip', task: 'quality-inspection' }
const run = () => ({ output: { verdict: 'ship' as const } })
const limits = { physical: { min: 0.1, max: 30 } }
const windowSchema = { tensor: { dtype: 'float32', shape: [8] }, unit: 'm/s2' } as const

const byZod = defineModel({
  ...named,
  input: z.object({
    thickness: z.number().meta({ unit: 'mm', limits }),
    window: z.custom<Tensor<'float32'>>(isTensor).meta(windowSchema as never),
    note: z.string().optional(),
  }),
  output: z.object({ verdict: z.enum(['ship', 'scrap']) }),
  run,
})
const byTypeBox = defineModel({
  ...named,
  input: jsonSchema(
    Type.Object({
      thickness: Type.Number({ unit: 'mm', limits }),
      window: Type.Unsafe<Tensor<'float32'>>(windowSchema),
      note: Type.Optional(Type.String()),
    }),
  ),
  output: jsonSchema(Type.Object({ verdict: Type.Union([Type.Literal('ship'), Type.Literal('scrap')]) })),
  run,
})
const byJsonSchema = defineModel({
  ...named,
  input: jsonSchema({
    type: 'object',
    properties: { thickness: { type: 'number', unit: 'mm', limits }, window: windowSchema, note: { type: 'string' } },
    required: ['thickness', 'window'],
  }),
  output: jsonSchema({ type: 'object', properties: { verdict: { enum: ['ship', 'scrap'] } }, required: ['verdict'] }),
  run,
})

interface Strip {
  thickness: number
  window: Tensor<'float32'>
  note?: string | undefined
}
interface Verdict {
  verdict: 'ship' | 'scrap'
}

describe('the three doors', () => {
  it('infer the same types', () => {
    expectTypeOf(byZod).toExtend<Model<Strip, Verdict>>()
    expectTypeOf(byTypeBox).toExtend<Model<Strip, Verdict>>()
    expectTypeOf(byJsonSchema).toExtend<Model<Strip, Verdict>>()
    expectTypeOf<Stated<Strip>['thickness']>().toExtend<number | { readonly value: number }>()
    // @ts-expect-error a verdict is ship or scrap
    byZod satisfies Model<Strip, { verdict: 'rework' }>
  })

  it.each([
    ['zod', byZod],
    ['TypeBox', byTypeBox],
    ['JSON Schema', byJsonSchema],
  ])('give the same verdicts: %s', async (_, model: Model<Strip, Verdict>) => {
    const window: Tensor<'float32'> = { dtype: 'float32', shape: [8], data: new Float32Array(8) }
    const outcome = (input: unknown) =>
      invoke(model, input as Strip, { deadlineMs: 500 }).then(
        ({ output }) => output.verdict,
        (fault) => `${fault.code} ${fault.field}`,
      )
    expect(await outcome({ thickness: 2, window })).toBe('ship')
    expect(await outcome({ thickness: { value: 0.002, unit: 'm' }, window })).toBe('ship')
    expect(await outcome({ window })).toBe('invalid-input /input/thickness')
    expect(await outcome({ thickness: 2 })).toBe('invalid-input /input/window')
    expect(await outcome({ thickness: '2', window })).toBe('invalid-input /input/thickness')
    expect(await outcome({ thickness: Number.NaN, window })).toBe('invalid-input /input/thickness')
    expect(await outcome({ thickness: 31, window })).toBe('invalid-input /input/thickness')
    expect(await outcome({ thickness: { value: 2, unit: 'kg' }, window })).toBe('unit-mismatch /input/thickness')
    expect(await outcome({ thickness: 2, window: { ...window, dtype: 'float64' } })).toBe('invalid-input /input/window')
  })

  it('give the vocabulary through to the descriptor', () => {
    for (const { descriptor } of [byZod, byTypeBox, byJsonSchema])
      expect(descriptor.input).toMatchObject({
        properties: { thickness: { unit: 'mm', limits }, window: windowSchema },
      })
  })

  it('refuse a schema that is none, by name', () => {
    expect(() => jsonSchema({ type: 'nonsense' })).toThrow(/jsonSchema:/)
  })
})

describe('a digest', () => {
  it('does not depend on the order of members', async () => {
    const { descriptor } = byZod
    const reversed = Object.fromEntries(Object.entries(descriptor).reverse()) as typeof descriptor
    expect(await descriptorDigest(reversed)).toBe(await descriptorDigest(descriptor))
    expect(await descriptorDigest({ ...descriptor, version: '1.0.1' })).not.toBe(await descriptorDigest(descriptor))
  })
})
