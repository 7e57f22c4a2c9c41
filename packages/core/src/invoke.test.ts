import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  connect,
  defineModel,
  Fault,
  inProcessTransport,
  invoke,
  isTensor,
  type JsonSchema,
  type Model,
  sample,
  serve,
  stream,
  type Tensor,
  tensor,
} from './index.ts'

const gauge = defineModel({
  id: 'acme/gauge',
  version: '1.0.0',
  title: 'RMS of a vibration window',
  task: 'process-analysis',
  input: z.object({
    window: z.custom<Tensor<'float32'>>(isTensor).meta({
      tensor: { dtype: 'float32', shape: [4] },
      unit: 'm/s2',
      limits: { physical: { min: -1000, max: 1000 } },
    }),
    speed: z.number().meta({ unit: '1/min', limits: { training: { min: 600, max: 1800 } } }),
    oil: z.number().optional().meta({ unit: 'Cel', maxAge: 1_000 }),
  }),
  output: z.object({ rms: z.number().meta({ unit: 'm/s2' }) }),
  run: ({ window }) => ({ output: { rms: Math.hypot(...window.data) / 2 }, confidence: 0.9 }),
})
const window = tensor(Float32Array.of(1, -1, 1, -1))
const good = { window, speed: 1500 }
const call = (input: unknown) => invoke(gauge, input as typeof good, { deadlineMs: 1_000 })
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('a call', () => {
  it('finds what is not finite wherever it stands in a tensor, and takes large numbers for what they are', async () => {
    const waveform = defineModel({
      id: 'acme/waveform',
      version: '1.0.0',
      title: 'Length of a waveform',
      task: 'process-analysis',
      input: z.object({
        x: z.custom<Tensor<'float64'>>(isTensor).meta({ tensor: { dtype: 'float64', shape: ['time'] }, unit: 'V' }),
      }),
      output: z.object({ length: z.number() }),
      run: ({ x }) => ({ output: { length: x.data.length } }),
    })
    const measure = (data: Float64Array) => invoke(waveform, { x: tensor(data) }, { deadlineMs: 1_000 })
    for (const length of [1, 3, 4, 1_023, 1_024, 1_027, 2_050]) {
      const large = new Float64Array(length).fill(Number.MAX_VALUE)
      expect((await measure(large)).output.length).toBe(length)
      for (const at of new Set([0, length >> 1, Math.min(length, 1_024) - 1, length - 1]))
        for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY])
          expect((await faultOf(measure(large.with(at, wrong)))).message).toContain(`element ${at}`)
    }
  })

  it('settles whatever a model hands back', async () => {
    const careless = { ...gauge, run: async () => ({ output: { rms: 1 }, warnings: 5 as never }) }
    expect(await faultOf(invoke(careless, good, { deadlineMs: 200 }))).toMatchObject({ code: 'internal' })
  }, 1_000)

  it('answers with who answered, how sure, how long and every attempt', async () => {
    const reply = await call(good)
    expect(reply).toMatchObject({ output: { rms: 1 }, confidence: 0.9, quality: 'good', warnings: [] })
    expect(reply.servedBy).toEqual([{ id: 'acme/gauge', version: '1.0.0' }])
    expect(reply.usage).toHaveLength(1)
    expect(reply.elapsedMs).toBeGreaterThan(0)
  })

  it('converts what the caller states in another unit and leaves the caller’s input alone', async () => {
    const input = { window: sample(window, '[g]'), speed: sample(25, 'Hz') }
    const reply = await call(input)
    expect(reply.output.rms).toBeCloseTo(9.80665, 5)
    expect([...window.data]).toEqual([1, -1, 1, -1])
  })

  it('carries the worst quality of its samples', async () => {
    expect((await call({ ...good, speed: { value: 1500, quality: 'uncertain' } })).quality).toBe('uncertain')
  })

  const now = () => new Date().toISOString()
  it.each([
    ['a wrong unit', () => ({ ...good, speed: sample(20, 'Cel') }), 'unit-mismatch', '/input/speed'],
    ['a unit nobody knows', () => ({ ...good, speed: sample(1500, 'rpm') }), 'unit-mismatch', '/input/speed'],
    [
      'NaN in a window',
      () => ({ ...good, window: tensor(Float32Array.of(1, Number.NaN, 1, 1)) }),
      'invalid-input',
      '/input/window',
    ],
    [
      'infinity in a window',
      () => ({ ...good, window: tensor(Float32Array.of(1, 1, 1, -Infinity)) }),
      'invalid-input',
      '/input/window',
    ],
    [
      'infinities that cancel',
      () => ({ ...good, window: tensor(Float32Array.of(Infinity, -Infinity, 1, 1)) }),
      'invalid-input',
      '/input/window',
    ],
    ['a missing field', () => ({ window }), 'invalid-input', '/input/speed'],
    ['a number as text', () => ({ ...good, speed: '1500' }), 'invalid-input', '/input/speed'],
    [
      'a window of another length',
      () => ({ ...good, window: tensor(new Float32Array(5)) }),
      'invalid-input',
      '/input/window',
    ],
    [
      'a window of another type',
      () => ({ ...good, window: tensor(new Float64Array(4)) }),
      'invalid-input',
      '/input/window',
    ],
    ['a plain array for a tensor', () => ({ ...good, window: [1, 2, 3, 4] }), 'invalid-input', '/input/window'],
    ['a number for a tensor', () => ({ ...good, window: 1 }), 'invalid-input', '/input/window'],
    ['a text for a tensor', () => ({ ...good, window: 'AACAPw==' }), 'invalid-input', '/input/window'],
    [
      'what cannot physically be',
      () => ({ ...good, window: tensor(Float32Array.of(1, 1, 1, 2000)) }),
      'invalid-input',
      '/input/window',
    ],
    ['what it was not trained on', () => ({ ...good, speed: 5000 }), 'out-of-limits', '/input/speed'],
    ['a bad sample', () => ({ ...good, speed: { value: 1500, quality: 'bad' } }), 'bad-quality', '/input/speed'],
    ['a value without its age', () => ({ ...good, oil: 40 }), 'stale-input', '/input/oil'],
    [
      'an old sample',
      () => ({ ...good, oil: { value: 40, sourceTime: new Date(Date.now() - 5_000).toISOString() } }),
      'stale-input',
      '/input/oil',
    ],
    [
      'a sample from the future',
      () => ({ ...good, oil: { value: 40, sourceTime: new Date(Date.now() + 60_000).toISOString() } }),
      'stale-input',
      '/input/oil',
    ],
    ['nothing at all', () => undefined, 'invalid-input', '/input'],
  ])('refuses %s', async (_, input, code, field) => {
    expect(await faultOf(call(input()))).toMatchObject({ code, field, model: 'acme/gauge', origin: 'local' })
  })

  it('takes a sample that is fresh', async () => {
    expect((await call({ ...good, oil: { value: 313.15, unit: 'K', sourceTime: now() } })).output.rms).toBe(1)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '500', 0, -1, undefined])(
    'needs a deadline that comes, and %o is none',
    async (deadlineMs) => {
      const options = { deadlineMs: deadlineMs as number }
      await expect(invoke(gauge, good, options)).rejects.toThrow(/^a call needs deadlineMs: milliseconds from now/)
      expect(() => stream(gauge, good, options)).toThrow(/deadlineMs/)
    },
  )

  it('says what is missing where nothing is said of the call', async () => {
    await expect(invoke(gauge, good, undefined as never)).rejects.toThrow(/deadlineMs/)
  })
})

const simple = { version: '1.0.0', title: 'x', task: 'process-analysis', input: z.object({}), output: z.object({}) }

describe('a model that misbehaves', () => {
  it('settles by the deadline when it hangs, and its signal tells it why', async () => {
    let reason: unknown
    const hung = defineModel({
      ...simple,
      id: 'acme/hung',
      run: (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason))),
    })
    const fault = await faultOf(invoke(hung, {}, { deadlineMs: 30 }))
    expect(fault).toMatchObject({ code: 'deadline-exceeded', retryable: true })
    expect(reason).toMatchObject({ code: 'deadline-exceeded' })
  })

  it('settles when the caller gives up', async () => {
    const controller = new AbortController()
    const hung = defineModel({ ...simple, id: 'acme/hung', run: () => new Promise<never>(() => controller.abort()) })
    expect(await faultOf(invoke(hung, {}, { deadlineMs: 5_000, signal: controller.signal }))).toMatchObject({
      code: 'cancelled',
    })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('sensor on fire')
      },
      'internal',
    ],
    ['answers nothing', () => undefined, 'invalid-output'],
    ['answers outside its contract', () => ({ output: { extra: 1 } }), 'invalid-output'],
    ['is surer than sure', () => ({ output: { n: 1 }, confidence: 1.5 }), 'invalid-output'],
  ])('is faulted when it %s', async (_, run, code) => {
    const model = defineModel({ ...simple, output: z.object({ n: z.number() }), id: 'acme/wild', run: run as never })
    expect((await faultOf(invoke(model, {}, { deadlineMs: 1_000 }))).code).toBe(code)
  })
})

describe('where a tensor belongs', () => {
  // Schemas that leave tensors to the call path, as those of proxies and of adapters do.
  const form = { tensor: { dtype: 'float32', shape: ['time'] } } as const
  const members = { type: 'object', properties: { one: form, many: { type: 'array', items: form } } }
  const open = (json: JsonSchema) => ({
    '~standard': {
      version: 1 as const,
      vendor: 'open',
      validate: (value: unknown) => ({ value: value as object }),
      jsonSchema: { input: () => json as Record<string, unknown>, output: () => json as Record<string, unknown> },
    },
  })
  const odd = [5, 'AACAPw==', true, null, [1], {}]

  it.each(odd.flatMap((one) => [[{ one }, '/one'] as const, [{ many: [one] }, '/many/0'] as const]))(
    '%o is refused, from the caller and from the model',
    async (value, at) => {
      const taking = defineModel({ ...simple, id: 'acme/taking', input: open(members), run: () => ({ output: {} }) })
      expect(await faultOf(invoke(taking, value, { deadlineMs: 1_000 }))).toMatchObject({
        code: 'invalid-input',
        field: `/input${at}`,
      })
      const giving = defineModel({
        ...simple,
        id: 'acme/giving',
        output: open(members),
        run: () => ({ output: value }),
      })
      expect(await faultOf(invoke(giving, {}, { deadlineMs: 1_000 }))).toMatchObject({
        code: 'invalid-output',
        field: `/output${at}`,
      })
    },
  )

  it('nothing may stand where the schema lets it be absent', async () => {
    const taking = defineModel({ ...simple, id: 'acme/taking', input: open(members), run: () => ({ output: {} }) })
    expect((await invoke(taking, { many: [] }, { deadlineMs: 1_000 })).quality).toBe('good')
  })
})

describe('a call inside a call', () => {
  const tree = (child: Model, calls: number) =>
    defineModel({
      ...simple,
      id: 'acme/parent',
      async run(_, context) {
        for (let i = 0; i < calls; i++) await context.invoke(child, {}, { deadlineMs: 60_000 }).catch(() => {})
        return { output: {} }
      },
    })

  it('gets at most the time that is left', async () => {
    let childDeadline = 0
    const child = defineModel({
      ...simple,
      id: 'acme/child',
      run(_, { deadline }) {
        childDeadline = deadline
        return { output: {} }
      },
    })
    const before = Date.now()
    await invoke(tree(child, 1), {}, { deadlineMs: 200 })
    expect(childDeadline).toBeLessThanOrEqual(before + 250)
  })

  it.each([0, -1, Number.NaN])('is over before it begins with %o milliseconds', async (deadlineMs) => {
    let ran = 0
    const child = defineModel({
      ...simple,
      id: 'acme/child',
      run() {
        ran += 1
        return { output: {} }
      },
    })
    const parent = defineModel({
      ...simple,
      id: 'acme/parent',
      run: (_, context) => context.invoke(child, {}, { deadlineMs }).then(() => ({ output: {} })),
    })
    expect((await faultOf(invoke(parent, {}, { deadlineMs: 1_000 }))).code).toBe('deadline-exceeded')
    expect(ran).toBe(0)
  })

  it('can be made by what was taken apart from the context', async () => {
    const child = defineModel({ ...simple, id: 'acme/child', run: () => ({ output: {} }) })
    const parent = defineModel({
      ...simple,
      id: 'acme/parent',
      async run(_, { invoke: ask, count }) {
        await ask(child, {})
        count({ model: { id: 'acme/request', version: '1.0.0' }, outcome: 'ok', elapsedMs: 1 })
        return { output: {} }
      },
    })
    const { usage } = await invoke(parent, {}, { deadlineMs: 1_000 })
    expect(usage.map(({ model }) => model.id)).toEqual(['acme/child', 'acme/request', 'acme/parent'])
  })

  it('counts every attempt, failed ones too', async () => {
    let attempt = 0
    const flaky = defineModel({
      ...simple,
      id: 'acme/flaky',
      run() {
        if (attempt++ % 2 === 0) throw new Error('every other time')
        return { output: {}, spent: { inputTokens: 10 } }
      },
    })
    const reply = await invoke(tree(flaky, 4), {}, { deadlineMs: 1_000 })
    expect(reply.usage.map(({ model, outcome }) => `${model.id} ${outcome}`)).toEqual([
      'acme/flaky internal',
      'acme/flaky ok',
      'acme/flaky internal',
      'acme/flaky ok',
      'acme/parent ok',
    ])
  })
})

describe('a fault that states what it took', () => {
  const self = { id: 'acme/paid', version: '1.0.0' }
  const spent = { inputTokens: 10 }
  const paid = defineModel({
    ...simple,
    id: 'acme/paid',
    run() {
      const usage = [{ model: self, outcome: 'invalid-output', elapsedMs: 3, spent }]
      throw new Fault('invalid-output', 'of no use', { usage })
    },
  })
  const parent = defineModel({ ...simple, id: 'acme/parent', run: async (_, { invoke: ask }) => ask(paid, {}) })

  it.each([
    ['here', async () => paid, ['acme/paid']],
    ['inside another call', async () => parent, ['acme/paid', 'acme/parent']],
    [
      'behind a transport',
      async () => {
        const transport = inProcessTransport()
        await serve(paid, transport)
        return connect(transport, 'acme/paid', { deadlineMs: 500 })
      },
      ['acme/paid'],
    ],
  ])('counts it in place of the attempt that it ends, %s', async (_, model, ids) => {
    const fault: Fault = await invoke(await model(), {}, { deadlineMs: 1_000 }).catch((thrown) => thrown)
    expect(fault.usage?.map((attempt) => attempt.model.id)).toEqual(ids)
    expect(fault.usage?.[0]).toMatchObject({ outcome: 'invalid-output', spent })
  })
})

describe('a contract that makes no sense', () => {
  it.each([
    ['an id without a maker', { ...simple, id: 'gauge' }, /maker\/name/],
    ['a version that is none', { ...simple, id: 'a/b', version: 'latest' }, /semantic/],
    [
      'a unit nobody knows',
      { ...simple, id: 'a/b', input: z.object({ t: z.number().meta({ unit: 'degC' }) }) },
      /writes it 'Cel'/,
    ],
    [
      'limits upside down',
      { ...simple, id: 'a/b', input: z.object({ t: z.number().meta({ limits: { physical: { min: 2, max: 1 } } }) }) },
      /min 2 is not at most max 1/,
    ],
    [
      'a type that JSON has no form for',
      { ...simple, id: 'a/b', input: z.object({ t: z.date() }) },
      /no JSON Schema form/,
    ],
  ])('is refused when it is written: %s', (_, definition, message) => {
    expect(() => defineModel({ ...definition, run: () => ({ output: {} }) } as never)).toThrow(message)
  })
})

it.each([Object.create(null), { toString: 5, valueOf: 5 }])(
  'what has no text of its own is a fault when it is thrown',
  async (thrown) => {
    const rude = defineModel({
      id: 'acme/rude',
      version: '1.0.0',
      title: 'Rude',
      task: 'process-analysis',
      input: z.object({}),
      output: z.object({}),
      run: () => Promise.reject<never>(thrown),
    })
    await expect(invoke(rude, {}, { deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'internal',
      model: 'acme/rude',
    })
  },
)
