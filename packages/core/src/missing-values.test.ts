import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect, defineModel, type Fault, inProcessTransport, invoke, serve } from './index.ts'

const about = { id: 'acme/oven', version: '1.0.0', title: 'Oven', task: 'process-analysis' }
const contract = {
  id: 'acme/oven',
  input: z.object({
    temperature: z.number().meta({ unit: 'Cel', maxAge: 1_000, missing: 'hold' }),
    humidity: z.number().default(50).meta({ unit: '%', missing: 'impute' }),
    load: z.number().optional(),
  }),
  output: z.object({ temperature: z.number(), humidity: z.number() }),
}
const oven = () =>
  defineModel({
    ...about,
    ...contract,
    run: ({ temperature, humidity }) => ({ output: { temperature, humidity } }),
  })
const at = (agoMs: number) => new Date(Date.now() - agoMs).toISOString()
const measured = (value: number | null, agoMs = 0, quality: 'good' | 'bad' = 'good') =>
  ({ value, unit: 'Cel', sourceTime: at(agoMs), quality }) as { value: number }
const bounds = { deadlineMs: 1_000, caller: { id: 'plc-1' } }
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('a missing value', () => {
  it('is the default where the contract imputes, and the answer says so', async () => {
    const reply = await invoke(oven(), { temperature: measured(200) }, bounds)
    expect(reply).toMatchObject({ output: { humidity: 50 }, quality: 'uncertain' })
    expect(reply.warnings).toMatchObject([{ code: 'imputed-value', field: '/input/humidity' }])
  })

  it.each([
    ['absent', { humidity: 40 }],
    ['null in its sample', { humidity: 40, temperature: measured(null) }],
    ['bad', { humidity: 40, temperature: measured(999, 0, 'bad') }],
  ])('that is %s is the last value of the same caller where the contract holds', async (_, input) => {
    const model = oven()
    await invoke(model, { temperature: measured(210, 300), humidity: 40 }, bounds)
    const reply = await invoke(model, input as never, bounds)
    expect(reply).toMatchObject({ output: { temperature: 210 }, quality: 'uncertain' })
    expect(reply.warnings).toMatchObject([{ code: 'held-value', field: '/input/temperature' }])
  })

  it('is never another caller’s value', async () => {
    const model = oven()
    await invoke(model, { temperature: measured(210), humidity: 40 }, bounds)
    const other = { ...bounds, caller: { id: 'plc-2' } }
    expect((await faultOf(invoke(model, { humidity: 40 } as never, other))).code).toBe('invalid-input')
  })

  it('is never another holder’s value, where the model says for whom one caller sends', async () => {
    const model = {
      ...oven(),
      holder: ({ statedInput }: { statedInput: unknown }) => String((statedInput as { load?: number }).load),
    }
    await invoke(model, { temperature: measured(210), load: 1 }, bounds)
    expect((await faultOf(invoke(model, { load: 2 } as never, bounds))).code).toBe('invalid-input')
    expect((await invoke(model, { load: 1 } as never, bounds)).output.temperature).toBe(210)
  })

  it('is not held beyond its age', async () => {
    const model = oven()
    await invoke(model, { temperature: measured(210, 990), humidity: 40 }, bounds)
    await new Promise((resolve) => setTimeout(resolve, 30))
    const fault = await faultOf(invoke(model, { humidity: 40 } as never, bounds))
    expect(fault).toMatchObject({ code: 'stale-input', field: '/input/temperature' })
  })

  it('is held where the model runs, so that a new caller’s process finds it', async () => {
    const transport = inProcessTransport()
    await serve(oven(), transport)
    const first = await connect(transport, contract, bounds)
    await invoke(first, { temperature: measured(210), humidity: 40 }, bounds)
    const second = await connect(transport, contract, bounds)
    const reply = await invoke(second, { humidity: 40 } as never, bounds)
    expect(reply.output).toEqual({ temperature: 210, humidity: 40 })
  })

  it('is refused as bad-quality where the contract says nothing', async () => {
    const strict = defineModel({
      ...about,
      input: z.object({ level: z.number() }),
      output: z.object({}),
      run: () => ({ output: {} }),
    })
    const fault = await faultOf(invoke(strict, { level: { value: null, quality: 'bad' } } as never, bounds))
    expect(fault).toMatchObject({ code: 'bad-quality', field: '/input/level' })
  })

  it.each([
    ['a model with an effect', { effect: 'record' as const }, { missing: 'impute' as const, default: 1 }],
    ['a value that is held without an age', {}, { missing: 'hold' as const }],
    ['a value that is imputed without a default', {}, { missing: 'impute' as const }],
    ['a word that nobody knows', {}, { missing: 'guess' as never }],
  ])('cannot be filled in for %s', (_, more, meta) => {
    const define = () =>
      defineModel({
        ...about,
        ...more,
        input: z.object({ level: z.number().meta(meta) }),
        output: z.object({}),
        run: () => ({ output: {} }),
      })
    expect(define).toThrow(TypeError)
  })
})

describe('a value outside the training limits', () => {
  const model = (outsideTraining?: 'uncertain') =>
    defineModel({
      ...about,
      ...(outsideTraining && { outsideTraining }),
      input: z.object({ speed: z.number().meta({ limits: { training: { min: 0, max: 10 } } }) }),
      output: z.object({ load: z.number() }),
      run: ({ speed }) => ({ output: { load: speed }, confidence: 0.99 }),
    })

  it('is refused, unless the descriptor says that the answer is uncertain', async () => {
    expect((await faultOf(invoke(model(), { speed: 11 }, bounds))).code).toBe('out-of-limits')
    const reply = await invoke(model('uncertain'), { speed: 11 }, bounds)
    expect(reply).toMatchObject({ quality: 'uncertain', warnings: [{ code: 'outside-training-limits' }] })
  })
})

describe('a difference of temperatures', () => {
  const model = defineModel({
    ...about,
    input: z.object({
      gradient: z.number().meta({ unit: 'K', quantity: 'temperature-difference' }),
      level: z.number().meta({ unit: 'K' }),
    }),
    output: z.object({ gradient: z.number(), level: z.number() }),
    run: (input) => ({ output: input }),
  })

  it('converts without the zero of its scale, a temperature with it', async () => {
    const celsius = { value: 20, unit: 'Cel' }
    const { output } = await invoke(model, { gradient: celsius, level: celsius }, bounds)
    expect(output).toEqual({ gradient: 20, level: 293.15 })
    const fahrenheit = await invoke(model, { gradient: { value: 18, unit: '[degF]' }, level: 1 }, bounds)
    expect(fahrenheit.output.gradient).toBe(10)
  })
})
