import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  connect,
  defineModel,
  discover,
  encodeFrame,
  type Fault,
  inProcessTransport,
  invoke,
  isTensor,
  type Model,
  sample,
  serve,
  type Tensor,
  type Transport,
  tensor,
} from './index.ts'

const contract = {
  id: 'acme/mean',
  input: z.object({
    window: z.custom<Tensor<'float32'>>(isTensor).meta({ tensor: { dtype: 'float32', shape: ['n'] }, unit: 'm/s2' }),
    oil: z.number().optional().meta({ unit: 'Cel', maxAge: 60_000 }),
  }),
  output: z.object({ mean: z.number() }),
}
const base = { ...contract, version: '1.0.0', title: 'Mean of a window', task: 'process-analysis' }
const mean = () =>
  defineModel({
    ...base,
    run: ({ window }) => ({ output: { mean: window.data.reduce((a, b) => a + b, 0) / window.data.length } }),
  })
const hanging = (started: () => void, signals: AbortSignal[] = []) =>
  defineModel({
    ...base,
    run: (_, { signal }) => {
      signals.push(signal)
      started()
      return new Promise(() => {})
    },
  })
const window = tensor(Float32Array.of(1, 2, 3))
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

let transport: Transport = inProcessTransport()
afterEach(async () => {
  await transport.close()
  transport = inProcessTransport()
})

describe('a model behind a transport', () => {
  it('answers as if it were here, and says which instance answered', async () => {
    await serve(mean(), transport, { instance: 'press-4' })
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    const reply = await invoke(remote, { window: sample(window, '[g]') }, { deadlineMs: 500 })
    expect(reply.output.mean).toBeCloseTo(2 * 9.80665, 4)
    expect(reply.servedBy).toEqual([{ id: 'acme/mean', version: '1.0.0', instance: 'press-4' }])
    expect(reply.usage).toHaveLength(1)
  })

  it('is not waited for without a deadline', async () => {
    await expect(connect(inProcessTransport(), 'plant/any', undefined as never)).rejects.toThrow(/needs deadlineMs/)
  })

  it('has the types that its caller states, its parts too', () => {
    const connecting = () => connect<ChatInput, ChatOutput, ChatPart>(inProcessTransport(), 'llm/m', { deadlineMs: 1 })
    expectTypeOf(connecting).returns.resolves.toEqualTypeOf<ChatModel>()
  })

  it('keeps the source time of a sample, so that freshness is checked where the model is', async () => {
    await serve(mean(), transport)
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    const oil = { value: 40, sourceTime: new Date().toISOString() }
    expect((await invoke(remote, { window, oil }, { deadlineMs: 500 })).output.mean).toBe(2)
  })

  it('is found by its task', async () => {
    await serve(mean(), transport)
    expect((await discover(transport, { task: 'process-analysis' })).map(({ descriptor }) => descriptor.id)).toEqual([
      'acme/mean',
    ])
    expect(await discover(transport, { task: 'scheduling' })).toEqual([])
  })

  it('is waited for until the deadline, and an unknown id is not-found and names what there is', async () => {
    const waiting = connect(transport, 'acme/mean', { deadlineMs: 1_000 })
    await serve(mean(), transport)
    expect((await waiting).descriptor.id).toBe('acme/mean')
    const fault = await faultOf(connect(transport, 'acme/median', { deadlineMs: 20 }))
    expect(fault).toMatchObject({ code: 'not-found' })
    expect(fault.message).toContain('acme/mean')
  })

  it('sends its faults home unchanged', async () => {
    const broken = defineModel({
      ...base,
      run() {
        throw new Error('bearing seized')
      },
    })
    await serve(broken, transport)
    const remote = await connect(transport, 'acme/mean', { deadlineMs: 100 })
    const fault = await faultOf(invoke(remote, { window }, { deadlineMs: 500 }))
    expect(fault).toMatchObject({ code: 'internal', message: 'bearing seized', origin: 'remote', model: 'acme/mean' })
    expect(fault.usage).toHaveLength(1)
  })

  it('is told when its caller gives up', async () => {
    const signals: AbortSignal[] = []
    const controller = new AbortController()
    await serve(
      hanging(() => controller.abort(), signals),
      transport,
    )
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    const fault = await faultOf(invoke(remote, { window }, { deadlineMs: 5_000, signal: controller.signal }))
    expect(fault.code).toBe('cancelled')
    await new Promise<void>((resolve) =>
      signals[0]!.aborted ? resolve() : signals[0]!.addEventListener('abort', () => resolve()),
    )
  })

  it('that goes away in the middle of a call ends it as unavailable at once', async () => {
    const service = { close: async () => {} }
    Object.assign(
      service,
      await serve(
        hanging(() => void service.close()),
        transport,
      ),
    )
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    expect(await faultOf(invoke(remote, { window }, { deadlineMs: 60_000 }))).toMatchObject({
      code: 'unavailable',
      retryable: true,
    })
  })

  it('is answered by another instance when the first one goes away', async () => {
    const service = { close: async () => {} }
    Object.assign(
      service,
      await serve(
        hanging(() => void service.close()),
        transport,
        { instance: 'a' },
      ),
    )
    await serve(mean(), transport, { instance: 'b' })
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    const reply = await invoke(remote, { window }, { deadlineMs: 5_000 })
    expect(reply.servedBy[0]?.instance).toBe('b')
  })

  it('refuses a caller who planned against another contract', async () => {
    const first = await serve(mean(), transport, { instance: 'one' })
    const remote = await connect(transport, contract, { deadlineMs: 100 })
    const { descriptor } = remote
    await first.close()
    const changed: Model = defineModel({ ...base, title: 'Another mean', run: () => ({ output: { mean: 0 } }) })
    const { address } = await serve(changed, transport, { instance: 'two' })
    const answered = new Promise<Uint8Array>((resolve) => void transport.listen('replies/t', resolve))
    const frame = {
      kind: 'call',
      call: 'c',
      model: descriptor.id,
      replyTo: 'replies/t',
      deadline: Date.now() + 1_000,
      caller: { id: 't' },
      priority: 5,
      trace: '',
      idempotencyKey: 'k',
      digest: 'sha256:old',
      input: { window },
    } as const
    await transport.send(address, encodeFrame(frame), 1_000)
    expect(new TextDecoder().decode(await answered)).toContain('contract-changed')
  })

  it('runs a call that comes twice once, and answers it both times', async () => {
    let runs = 0
    const counting = defineModel({ ...base, run: () => ({ output: { mean: ++runs } }) })
    const { address } = await serve(counting, transport)
    const remote = await connect(transport, 'acme/mean', { deadlineMs: 100 })
    let answers = 0
    const both = new Promise<void>(
      (resolve) => void transport.listen('replies/t', () => void (++answers === 2 && resolve())),
    )
    const { descriptorDigest } = await import('./descriptor.ts')
    const frame = encodeFrame({
      kind: 'call',
      call: 'c',
      model: 'acme/mean',
      replyTo: 'replies/t',
      deadline: Date.now() + 1_000,
      caller: { id: 't' },
      priority: 5,
      trace: '',
      idempotencyKey: 'k',
      digest: await descriptorDigest(remote.descriptor),
      input: { window },
    })
    await transport.send(address, frame, 1_000)
    await new Promise((resolve) => setTimeout(resolve))
    await transport.send(address, frame, 1_000)
    await both
    expect(runs).toBe(1)
  })

  it('that moves equipment is not served without a guard', async () => {
    const mill = defineModel({ ...base, effect: 'actuate', run: () => ({ output: { mean: 0 } }) })
    await expect(serve(mill, transport)).rejects.toThrow(/must be guarded/)
  })

  it('with a descriptor that is none is not listed', async () => {
    await transport.announce({ instance: '1', address: 'x', descriptor: { id: '../../etc' } as never })
    await transport.announce({
      instance: '1',
      address: 'x',
      descriptor: { ...mean().descriptor, input: { $ref: 'https://example.org/schema' } },
    })
    expect(await discover(transport)).toEqual([])
  })
})
