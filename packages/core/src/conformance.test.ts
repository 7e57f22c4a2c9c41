import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { modelChecks, toReport, transportChecks } from './conformance.ts'
import {
  connect,
  defineModel,
  inProcessTransport,
  isTensor,
  type Model,
  serve,
  type Tensor,
  type Transport,
  tensor,
} from './index.ts'

const definition = {
  id: 'acme/level',
  version: '1.0.0',
  title: 'Level of a window',
  task: 'process-analysis',
  input: z.object({
    window: z.custom<Tensor<'float32'>>(isTensor).meta({ tensor: { dtype: 'float32', shape: ['n'] }, unit: 'm/s2' }),
    gain: z.number().meta({ unit: 'Cel', limits: { physical: { min: 0, max: 10 } } }),
  }),
  output: z.object({ level: z.number() }),
}
const good = () =>
  defineModel({ ...definition, run: ({ window, gain }) => ({ output: { level: gain * (window.data[0] ?? 0) } }) })
const input = { window: tensor(Float32Array.of(1, 2)), gain: 2 }

const withDescriptor = (change: object): Model<typeof input, unknown> => ({
  ...good(),
  descriptor: { ...good().descriptor, ...change } as never,
})
/** Each breaks one promise, and the kit must name exactly that one. */
const mutants: Record<string, () => Model<typeof input, unknown, unknown>> = {
  'descriptor-form': () => withDescriptor({ version: 'newest' }),
  'descriptor-json': () => withDescriptor({ provenance: { metrics: { at: new Date(0) } } }),
  answers: () => ({ ...good(), run: async () => ({ output: { level: 'high' } as never }) }),
  'input-untouched': () => ({
    ...good(),
    run: async ({ window }) => ({ output: { level: window.data.fill(Math.random())[0]! } }),
  }),
  'stream-declared': () => withDescriptor({ supports: { stream: true } }),
}

describe('the model kit', () => {
  it('passes a model that keeps its promises', async () => {
    const report = await toReport(await modelChecks({ create: good, input }))
    expect(report.text).not.toContain('✗')
    expect(report.conforms).toBe(true)
  })

  it.each(Object.keys(mutants))('names the one promise that a mutant breaks: %s', async (id) => {
    const report = await toReport(await modelChecks({ create: mutants[id]!, input }))
    expect(report.results.filter(({ outcome }) => outcome === 'failed').map((result) => result.id)).toEqual([id])
  })

  it('excuses a known failure with its reason, and fails an excuse that is not needed', async () => {
    const checks = await modelChecks({ create: mutants['stream-declared']!, input })
    expect((await toReport(checks, { 'stream-declared': 'the stream comes with 1.1' })).conforms).toBe(true)
    expect((await toReport(checks, { 'stream-declared': 'x', answers: 'stale' })).conforms).toBe(false)
  })

  it('says the same of a model and of its proxy on the other side of a transport', async () => {
    const transport = inProcessTransport()
    await serve(good(), transport)
    const here = await toReport(await modelChecks({ create: good, input }))
    const there = await toReport(
      await modelChecks({
        create: async () => (await connect(transport, definition, { deadlineMs: 100 })) as Model<typeof input>,
        input,
      }),
    )
    expect(there.results).toEqual(here.results)
  })
})

describe('the transport kit', () => {
  const inProcess = async () => {
    const transport = inProcessTransport()
    return { one: transport, other: transport }
  }

  it('passes the in-process transport', async () => {
    const report = await toReport(transportChecks({ create: inProcess }))
    expect(report.text).not.toContain('✗')
  })

  const broken: Record<string, (whole: Transport) => Partial<Transport>> = {
    'frame-whole': (whole) => ({
      send: (address, frame, expiry) => whole.send(address, frame.subarray(0, 64), expiry),
    }),
    'frame-order': (whole) => {
      let held: Uint8Array | undefined
      return {
        async send(address, frame, expiry) {
          if (frame.length === 8 && frame[0] === 41) held = frame
          else await whole.send(address, frame, expiry)
          if (held && frame[0] === 42) await whole.send(address, held, expiry)
        },
      }
    },
    'listen-stops': (whole) => ({
      listen: (address, receive) => whole.listen(address, receive).then(() => async () => {}),
    }),
    'announcement-late': (whole) => ({
      watch: (observe) => whole.watch((event) => event.kind === 'gone' && observe(event)),
    }),
    'announcement-withdrawn': (whole) => ({
      watch: (observe) => whole.watch((event) => observe(event.kind === 'gone' ? { ...event, reason: 'lost' } : event)),
    }),
  }

  it.each(Object.keys(broken))('names the one promise that a broken transport breaks: %s', async (id) => {
    const create = async () => {
      const whole = inProcessTransport()
      const transport = { ...whole, ...broken[id]!(whole) }
      return { one: transport, other: transport }
    }
    const report = await toReport(transportChecks({ create, patienceMs: 300 }))
    expect(report.results.filter(({ outcome }) => outcome === 'failed').map((result) => result.id)).toEqual([id])
  })
})
