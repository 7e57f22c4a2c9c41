// What the contract costs: the same work as a bare function, through the validator alone, and through `invoke`.
import { defineModel, invoke, type Model, tensor } from '@dinrail/core'
import { jsonSchema } from '@dinrail/core/json-schema'
import { Type } from '@sinclair/typebox'
import { z } from 'zod'
import { against, compare } from './measure.ts'

type Pass = { speed: number; force: number; gap: number; grade: string; pass: number }
type Power = { power: number }
const work = ({ speed, force, gap }: Pass): Power => ({ power: (speed * force) / gap })
const value: Pass = { speed: 12, force: 800, gap: 4, grade: 'A300', pass: 3 }
const about = { id: 'bench/rolling-power', version: '1.0.0', title: 'Rolling power', task: 'process-analysis' }

const speed = { unit: 'm/s', limits: { physical: { min: 0, max: 40 } } }
const doors = {
  zod: {
    input: z.object({
      speed: z.number().meta(speed),
      force: z.number().meta({ unit: 'kN' }),
      gap: z.number().meta({ unit: 'mm' }),
      grade: z.string(),
      pass: z.number().int(),
    }),
    output: z.object({ power: z.number() }),
  },
  TypeBox: {
    input: jsonSchema(
      Type.Object({
        speed: Type.Number(speed),
        force: Type.Number({ unit: 'kN' }),
        gap: Type.Number({ unit: 'mm' }),
        grade: Type.String(),
        pass: Type.Integer(),
      }),
    ),
    output: jsonSchema(Type.Object({ power: Type.Number() })),
  },
}

for (const [door, { input, output }] of Object.entries(doors)) {
  const model = defineModel({
    ...about,
    input: input as typeof doors.zod.input,
    output: output as typeof doors.zod.output,
    run: (pass) => ({ output: work(pass) }),
  })
  const validateInput = input['~standard'].validate
  const validateOutput = output['~standard'].validate
  const measured = await compare(`Five fields, ${door}`, 50_000, [
    {
      name: 'bare function',
      async run(times) {
        for (let i = 0; i < times; i++) await work(value)
      },
    },
    {
      name: 'validators and function',
      async run(times) {
        for (let i = 0; i < times; i++) {
          validateInput(value)
          validateOutput(await work(value))
        }
      },
    },
    { name: 'invoke', run: (times) => invoked(model, value, times) },
  ])
  const beyond = (measured.invoke ?? 0) - (measured['validators and function'] ?? 0)
  against('at most 1 µs', `invoke costs ${beyond.toFixed(2)} µs beyond the validators and the function`, beyond <= 1)
}

const windowOf = (limits: object) =>
  defineModel({
    ...about,
    id: 'bench/level',
    input: z.object({
      window: z.custom<typeof window>().meta({ tensor: { dtype: 'float32', shape: [512] }, unit: 'm/s2', ...limits }),
    }),
    output: z.object({ first: z.number() }),
    run: ({ window: { data } }) => ({ output: { first: data[0]! } }),
  })
const window = tensor(new Float32Array(512).fill(1))
const unchecked = defineModel({
  ...about,
  id: 'bench/unchecked',
  input: z.object({ window: z.looseObject({}) }),
  output: z.object({ first: z.number() }),
  run: () => ({ output: { first: 1 } }),
})
const windows = await compare('A window of 512 floats', 20_000, [
  { name: 'invoke, tensor unchecked', run: (times) => invoked(unchecked as never, { window }, times) },
  { name: 'invoke, finiteness', run: (times) => invoked(windowOf({}), { window }, times) },
  {
    name: 'invoke, finiteness and limits',
    run: (times) => invoked(windowOf({ limits: { physical: { min: -500, max: 500 } } }), { window }, times),
  },
])
const check = (windows['invoke, finiteness'] ?? 0) - (windows['invoke, tensor unchecked'] ?? 0)
against('at most 1 µs', `checking 512 floats costs ${check.toFixed(2)} µs`, check <= 1)

async function invoked<In, Out>(model: Model<In, Out>, input: In, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await invoke(model, input as never, { deadlineMs: 1_000 })
}
