import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type ModelUnderTest,
  modelChecks,
  throughTransport,
  toJUnit,
  toReport,
  transportChecks,
} from './conformance.ts'
import {
  defineModel,
  Fault,
  type Final,
  guard,
  inProcessTransport,
  isTensor,
  type Model,
  memoryJournal,
  type RunContext,
  type RunResult,
  type Tensor,
  type Transport,
  tensor,
} from './index.ts'

type Input = {
  readonly window: Tensor<'float32'>
  readonly gain: number
  readonly speed: number
  readonly oil?: number | undefined
}
type Output = { readonly level: number }
type Part = { readonly step: number }

const input: Input = { window: tensor(Float32Array.of(1, 2)), gain: 2, speed: 1_000, oil: 40 }
const definition = {
  id: 'acme/level',
  version: '1.0.0',
  title: 'Level of a window',
  task: 'process-analysis',
  supports: { idempotent: true },
  input: z.object({
    window: z.custom<Tensor<'float32'>>(isTensor).meta({ tensor: { dtype: 'float32', shape: ['n'] }, unit: 'm/s2' }),
    gain: z.number().meta({ unit: 'Cel', limits: { physical: { min: 0, max: 10 } } }),
    speed: z.number().meta({ unit: '1/min', limits: { training: { min: 600, max: 1_800 } } }),
    oil: z.number().optional().meta({ unit: 'Cel', maxAge: 5_000 }),
  }),
  output: z.object({ level: z.number() }),
} as const

/** Keeps every promise: streams, and answers the same key the same, though its answers count up. */
function whole(more: { outsideTraining?: 'uncertain' } = {}): Model<Input, Output, Part> {
  const known = new Map<string, number>()
  let calls = 0
  const levelFor = (key: string) => {
    if (!known.has(key)) known.set(key, calls++)
    return known.get(key) ?? 0
  }
  return defineModel({
    ...definition,
    ...more,
    run: (_: Input, { idempotencyKey }: RunContext): RunResult<Output> => ({
      output: { level: levelFor(idempotencyKey) },
    }),
    async *stream(_: Input, { idempotencyKey }: RunContext): AsyncIterable<Part | Final<Output>> {
      yield { step: 1 }
      yield { final: true, output: { level: levelFor(idempotencyKey) } }
    },
  })
}

const uncertain = () => whole({ outsideTraining: 'uncertain' })

const order = (): Model<{ readonly parts: number }, { readonly id: string }> =>
  defineModel({
    id: 'acme/order',
    version: '1.0.0',
    title: 'Order',
    task: 'scheduling',
    effect: 'record',
    input: z.object({ parts: z.number().meta({ limits: { operating: { min: 1, max: 100 } } }) }),
    output: z.object({ id: z.string() }),
    run: () => ({ output: { id: 'order-1' } }),
  })

const mover = () =>
  defineModel({
    id: 'acme/mover',
    version: '1.0.0',
    title: 'Mover',
    task: 'parameter-control',
    effect: 'actuate',
    input: z.object({ to: z.number().meta({ unit: 'mm' }) }),
    output: z.object({ at: z.number() }),
    run: ({ to }) => ({ output: { at: to } }),
  })
const guarded = (model = mover()) =>
  guard(model, { authority: 'act-within-limits', allow: [{ caller: 'hmi' }], journal: memoryJournal() })

/** A table holds subjects of any input; each is only ever given its own. */
const subject = <In>(one: ModelUnderTest<In>) => one as unknown as ModelUnderTest<unknown>

const subjects = {
  level: subject({ create: () => whole(), input }),
  uncertain: subject({ create: uncertain, input }),
  order: subject({ create: order, input: { parts: 3 } }),
  mover: subject({ create: () => guarded(), input: { to: 3 }, caller: { id: 'hmi' } }),
}
type SubjectName = keyof typeof subjects

/** What a caller may have stated: anything at all. */
type Stated = Readonly<Record<'window' | 'gain' | 'speed' | 'oil' | 'parts', never>>

/** An implementation in another hand: checks everything as `model` does, after its defect has looked away. */
function careless<In extends object, Out, P>(
  model: Model<In, Out, P>,
  defect: (stated: Stated) => object,
): Model<In, Out, P> {
  const { descriptor } = model
  const looked = (context: RunContext) => {
    const { statedInput } = context
    const readable = typeof statedInput === 'object' && statedInput !== null
    return (readable ? { ...statedInput, ...defect(statedInput as Stated) } : statedInput) as In
  }
  return {
    descriptor,
    inputChecks: 'where-it-runs',
    async run(_, context) {
      const key = { idempotencyKey: context.idempotencyKey }
      const { output, quality, warnings, confidence } = await context.invoke(model, looked(context), key)
      return { output, quality, warnings, confidence }
    },
    ...(model.stream && {
      async *stream(_: In, context: RunContext): AsyncIterable<P | Final<Out>> {
        const answer = context.stream(model, looked(context))
        for await (const part of answer) yield part
        yield { final: true, output: (await answer.finish()).output }
      },
    }),
  }
}
const withDescriptor = (change: object): Model<Input, Output, Part> => ({
  ...whole(),
  descriptor: { ...whole().descriptor, ...change } as never,
})
const isMeasured = (value: unknown, member: string) => typeof value === 'object' && value !== null && member in value
const at = (value: unknown) => Date.parse((value as { sourceTime: string }).sourceTime)
const now = () => new Date().toISOString()

/** Each breaks one promise, and the kit must name exactly that one. */
const mutants: Record<string, readonly [SubjectName, () => object]> = {
  'descriptor-form': ['level', () => withDescriptor({ version: 'newest' })],
  'descriptor-json': ['level', () => withDescriptor({ provenance: { metrics: { at: new Date(0) } } })],
  'missing-refused': ['level', () => careless(whole(), (stated) => ({ gain: 1, ...(stated as object) }))],
  'non-finite-refused': ['level', () => careless(whole(), ({ gain }) => (gain === -Infinity ? { gain: 1 } : {}))],
  'text-refused': [
    'level',
    () => careless(whole(), ({ gain }) => (typeof gain === 'string' ? { gain: Number(gain) } : {})),
  ],
  'unit-converted': [
    'level',
    () =>
      careless(whole(), ({ gain }) => {
        if ((gain as { unit?: string } | undefined)?.unit === 'K')
          throw new Fault('unit-mismatch', 'only Cel is known here')
        return {}
      }),
  ],
  'unit-refused': [
    'level',
    () => careless(whole(), ({ gain }) => ((gain as { unit?: string } | undefined)?.unit === 'cd' ? { gain: 2 } : {})),
  ],
  'tensor-refused': [
    'level',
    () =>
      careless(whole(), ({ window }) =>
        (window as Partial<Tensor> | undefined)?.shape?.length === 2 ? { window: input.window } : {},
      ),
  ],
  'physical-refused': ['level', () => careless(whole(), ({ gain }) => (gain > 10 && gain < 11 ? { gain: 10 } : {}))],
  'training-refused': [
    'level',
    () => careless(whole(), ({ speed }) => (speed > 1_800 && speed < 1e9 ? { speed: 1_800 } : {})),
  ],
  'training-uncertain': [
    'uncertain',
    () => careless(uncertain(), ({ speed }) => (speed > 1_800 && speed < 1e9 ? { speed: 1_800 } : {})),
  ],
  'stale-refused': [
    'level',
    () =>
      careless(whole(), ({ oil }) =>
        isMeasured(oil, 'sourceTime') && at(oil) < Date.now() - 5_000 ? { oil: { value: 40, sourceTime: now() } } : {},
      ),
  ],
  'future-refused': [
    'level',
    () =>
      careless(whole(), ({ oil }) =>
        isMeasured(oil, 'sourceTime') && at(oil) > Date.now() + 5_000 ? { oil: { value: 40, sourceTime: now() } } : {},
      ),
  ],
  'bad-refused': [
    'level',
    () =>
      careless(whole(), ({ gain }) =>
        (gain as { quality?: string } | undefined)?.quality === 'bad' ? { gain: 2 } : {},
      ),
  ],
  'doubt-carried': [
    'level',
    () =>
      careless(whole(), ({ gain }) =>
        (gain as { quality?: string } | undefined)?.quality === 'uncertain' ? { gain: 2 } : {},
      ),
  ],
  answers: ['level', () => ({ ...whole(), run: async () => ({ output: { level: 'high' } as never }) })],
  'input-untouched': [
    'level',
    () => ({
      ...whole(),
      run: async ({ window }: Input, { idempotencyKey }: RunContext) => {
        window.data.fill(idempotencyKey.charCodeAt(0))
        return { output: { level: idempotencyKey.length } }
      },
    }),
  ],
  'deadline-kept': [
    'level',
    () => ({
      ...whole(),
      run: async (_: Input, { deadline, idempotencyKey }: RunContext) => {
        const busyUntil = deadline - Date.now() > 100 ? 0 : performance.now() + 400
        while (performance.now() < busyUntil);
        return { output: { level: idempotencyKey.charCodeAt(0) } }
      },
    }),
  ],
  'cancel-heeded': [
    'level',
    () => ({ ...whole(), onFault: ({ code }: Fault) => (code === 'cancelled' ? new Promise(() => {}) : undefined) }),
  ],
  'usage-counted': [
    'level',
    () => ({
      ...whole(),
      run: async (_: Input, { idempotencyKey }: RunContext) => ({
        output: { level: idempotencyKey.length },
        usage: [],
      }),
    }),
  ],
  'key-kept': [
    'level',
    () => {
      let calls = 0
      return { ...whole(), run: async () => ({ output: { level: calls++ } }) }
    },
  ],
  'stream-declared': ['level', () => withDescriptor({ supports: { idempotent: true } })],
  'stream-whole': [
    'level',
    () => ({
      ...whole(),
      async *stream(): AsyncIterable<Part | Final<Output>> {
        yield { final: true, output: { level: 1 } }
        yield { final: true, output: { level: 1 } }
      },
    }),
  ],
  'operating-refused': [
    'order',
    () => careless(order(), ({ parts }) => (parts > 100 && parts < 1e9 ? { parts: 100 } : {})),
  ],
  'actuator-guarded': ['mover', mover],
  'stranger-denied': [
    'mover',
    () => {
      const { admit: _, ...open } = guarded()
      return open
    },
  ],
}

const checksOf = (name: SubjectName, create?: () => object) =>
  modelChecks({ ...subjects[name], ...(create && { create: create as () => Model }), deadlineMs: 2_000 })

const inProcess = async () => {
  const transport = inProcessTransport()
  return { one: transport, other: transport }
}

describe('the model kit', () => {
  it.each(Object.keys(subjects) as SubjectName[])('passes a model that keeps its promises: %s', async (name) => {
    const report = await toReport(await checksOf(name))
    expect(report.text).not.toContain('✗')
    expect(report.conforms).toBe(true)
  })

  it.each(Object.keys(subjects) as SubjectName[])('says the same of a model behind a transport: %s', async (name) => {
    const here = await toReport(await checksOf(name))
    const far = throughTransport(subjects[name])
    expect((await toReport(await modelChecks(far))).results).toEqual(here.results)
  })

  it.each(Object.keys(mutants))('names the one promise that a mutant breaks: %s', async (id) => {
    const [name, create] = mutants[id]!
    const report = await toReport(await checksOf(name, create))
    expect(report.results.filter(({ outcome }) => outcome === 'failed').map((result) => result.id)).toEqual([id])
  })

  it('gives each check an input that no check before it has changed', async () => {
    const before = Array.from(input.window.data)
    await toReport(await checksOf(...mutants['input-untouched']!))
    expect(Array.from(input.window.data)).toEqual(before)
  })

  it('has a mutant for every check, and skips none for all subjects', async () => {
    const checks = (await Promise.all((Object.keys(subjects) as SubjectName[]).map((name) => checksOf(name)))).flat()
    expect(new Set(Object.keys(mutants))).toEqual(new Set(checks.map(({ id }) => id)))
    const applied = new Set(checks.filter(({ needs }) => needs?.declared !== false).map(({ id }) => id))
    expect(applied).toEqual(new Set(checks.map(({ id }) => id)))
  })

  it('excuses a known failure with its reason; an excuse that is not needed, or for nothing, fails', async () => {
    const checks = await checksOf('level', mutants['stream-declared']![1])
    expect((await toReport(checks, { 'stream-declared': 'the stream comes with 1.1' })).conforms).toBe(true)
    expect((await toReport(checks, { 'stream-declared': 'x', answers: 'stale' })).conforms).toBe(false)
    expect((await toReport(checks, { 'stream-declared': 'x', 'stranger-denied': 'has no boundary' })).conforms).toBe(
      false,
    )
    expect((await toReport(checks, { 'stream-declared': 'x', 'no-such-check': 'x' })).conforms).toBe(false)
  })

  it('reports in the form that build servers read, whatever a reason contains', async () => {
    const checks = [
      { id: 'a', clause: '1.1', title: 'passes', run: async () => {} },
      { id: 'b', clause: '1.2', title: 'fails', run: async () => Promise.reject(new Error('<&"\u0000>')) },
    ]
    const xml = toJUnit([{ name: 'acme', ...(await toReport(checks)) }])
    expect(xml).toContain('<testsuite name="acme" tests="2" failures="1" skipped="0">')
    expect(xml).toContain('<failure message="&lt;&amp;&quot; &gt;"/>')
  })
})

describe('the transport kit', () => {
  it('passes the in-process transport', async () => {
    const report = await toReport(transportChecks({ create: inProcess }))
    expect(report.text).not.toContain('✗')
  })

  const broken: Record<string, (transport: Transport) => Partial<Transport>> = {
    'frame-whole': (transport) => ({
      send: (address, frame, expiry) =>
        transport.send(address, frame.length === 4096 ? frame.subarray(0, 64) : frame, expiry),
    }),
    'frame-large': (transport) => ({
      send: (address, frame, expiry) => transport.send(address, frame.subarray(0, 65_535), expiry),
    }),
    'frame-order': (transport) => {
      let held: Uint8Array | undefined
      return {
        async send(address, frame, expiry) {
          if (frame.length === 8 && frame[0] === 41) held = frame
          else await transport.send(address, frame, expiry)
          if (held && frame[0] === 42) await transport.send(address, held, expiry)
        },
      }
    },
    'address-apart': (transport) => ({
      send: async (address, frame, expiry) => {
        await transport.send(address, frame, expiry)
        if (address === 'models/acme/gauge/1') await transport.send('models/acme/+/1', frame, expiry)
      },
    }),
    'listen-stops': (transport) => ({
      listen: (address, receive) => transport.listen(address, receive).then(() => async () => {}),
    }),
    'send-unheard': (transport) => ({
      send: (address, frame, expiry) =>
        address === 'replies/nobody'
          ? Promise.reject(new Error('nobody is there'))
          : transport.send(address, frame, expiry),
    }),
    'announcement-late': (transport) => ({
      async watch(observe) {
        let settled = false
        const stop = await transport.watch((event) => settled && observe(event))
        settled = true
        return stop
      },
    }),
    'announcement-whole': (transport) => ({
      announce: ({ signature: _, ...rest }) => transport.announce(rest),
    }),
    'announcement-renewed': (transport) => {
      const made = new Set<string>()
      return {
        async announce(announcement) {
          if (made.has(announcement.instance)) return async () => {}
          made.add(announcement.instance)
          return transport.announce(announcement)
        },
      }
    },
    'announcement-withdrawn': (transport) => ({
      watch: (observe) =>
        transport.watch((event) => observe(event.kind === 'gone' ? { ...event, reason: 'lost' } : event)),
    }),
  }

  it.each(Object.keys(broken))('names the one promise that a broken transport breaks: %s', async (id) => {
    const create = async () => {
      const transport = inProcessTransport()
      const changed = { ...transport, ...broken[id]!(transport) }
      return { one: changed, other: changed }
    }
    const report = await toReport(transportChecks({ create, patienceMs: 300 }))
    expect(report.results.filter(({ outcome }) => outcome === 'failed').map((result) => result.id)).toEqual([id])
  })

  it('notices a side that closes without withdrawing', async () => {
    const create = async () => {
      const medium = inProcessTransport()
      return { one: { ...medium, close: async () => {} }, other: { ...medium, close: () => medium.close() } }
    }
    const report = await toReport(transportChecks({ create, patienceMs: 300 }))
    expect(report.results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)).toEqual([
      'close-withdraws',
    ])
  })

  it('has a broken transport for every check', () => {
    const ids = transportChecks({ create: inProcess }).map(({ id }) => id)
    expect(new Set([...Object.keys(broken), 'close-withdraws'])).toEqual(new Set(ids))
  })
})
