import { defineModel, invoke, tensor } from '@dinrail/core'
import { bench, describe } from 'vitest'
import { z } from 'zod'

/** What the contract costs: the same work as a bare function, through zod alone, and through `invoke`. */
const input = z.object({
  speed: z.number().meta({ unit: 'm/s', limits: { physical: { min: 0, max: 40 } } }),
  force: z.number().meta({ unit: 'kN' }),
  gap: z.number().meta({ unit: 'mm' }),
  grade: z.string(),
  pass: z.number().int(),
})
const work = ({ speed, force, gap }: z.infer<typeof input>) => ({ power: (speed * force) / gap })
const model = defineModel({
  id: 'bench/rolling-power',
  version: '1.0.0',
  title: 'Rolling power',
  task: 'process-analysis',
  input,
  output: z.object({ power: z.number() }),
  run: (value) => ({ output: work(value) }),
})
const value = { speed: 12, force: 800, gap: 4, grade: 'A300', pass: 3 }

describe('five fields', () => {
  bench('bare function', () => {
    work(value)
  })
  bench('zod, then the function', () => {
    work(input.parse(value))
  })
  bench('invoke', async () => {
    await invoke(model, value, { deadlineMs: 1_000 })
  })
})

const window = tensor(new Float32Array(512).fill(1))
const level = defineModel({
  id: 'bench/level',
  version: '1.0.0',
  title: 'Level',
  task: 'process-analysis',
  input: z.object({
    window: z.custom<typeof window>().meta({
      tensor: { dtype: 'float32', shape: [512] },
      unit: 'm/s2',
      limits: { physical: { min: -500, max: 500 } },
    }),
  }),
  output: z.object({ first: z.number() }),
  run: ({ window: { data } }) => ({ output: { first: data[0]! } }),
})

describe('a window of 512 floats', () => {
  bench('bare function', () => {
    window.data[0]
  })
  bench('invoke, every element checked', async () => {
    await invoke(level, { window }, { deadlineMs: 1_000 })
  })
})
