import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  connect,
  decodeFrames,
  defineModel,
  encodeFrame,
  type Fault,
  type Final,
  type Frame,
  inProcessTransport,
  type Model,
  type RunContext,
  type Service,
  serve,
  stream,
  type Transport,
  tensor,
} from './index.ts'

type Count = { readonly to: number }
type Counted = { readonly sum: number }
type Step = { readonly step: number; readonly at?: unknown }
const contract = { id: 'acme/counter', input: z.object({ to: z.number() }), output: z.object({ sum: z.number() }) }

/** Counts in parts; `spoil` may do anything else. */
const counter = (
  spoil?: (to: number, context: RunContext) => AsyncIterable<Step | Final<Counted>>,
): Model<Count, Counted, Step> =>
  defineModel({
    ...contract,
    version: '1.0.0',
    title: 'Counter',
    task: 'process-analysis',
    run: ({ to }) => ({ output: { sum: (to * (to - 1)) / 2 } }),
    async *stream({ to }: Count, context: RunContext): AsyncIterable<Step | Final<Counted>> {
      if (spoil !== undefined) return yield* spoil(to, context)
      for (let step = 0; step < to; step++) yield { step }
      yield { final: true, output: { sum: (to * (to - 1)) / 2 } }
    },
  })

interface Place {
  model(made: Model<Count, Counted, Step>): Promise<Model<Count, Counted, Step>>
}
const places: Record<string, Place> = {
  here: { model: async (made) => made },
  'behind a transport': {
    async model(made) {
      const transport = inProcessTransport()
      await serve(made, transport)
      return (await connect(transport, contract, { deadlineMs: 500 })) as Model<Count, Counted, Step>
    },
  },
}
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )
const bounds = { deadlineMs: 1_000 }

describe.each(Object.keys(places))('a stream from a model %s', (place) => {
  const { model } = places[place]!

  it('gives its parts in order, then the reply, once', async () => {
    const answer = stream(await model(counter()), { to: 100 }, bounds)
    const steps: number[] = []
    for await (const { step } of answer) steps.push(step)
    expect(steps).toEqual(Array.from({ length: 100 }, (_, i) => i))
    const reply = await answer.finish()
    expect(reply.output).toEqual({ sum: 4950 })
    expect(reply.usage.map(({ outcome }) => outcome)).toEqual(['ok'])
    expect(await answer.finish()).toBe(reply)
  })

  it('drops the parts of whoever only wants the reply', async () => {
    expect((await stream(await model(counter()), { to: 70 }, bounds).finish()).output.sum).toBe(2415)
  })

  it('carries tensors in parts', async () => {
    const made = counter(async function* () {
      yield { step: 0, at: tensor(Float32Array.of(1, 2)) }
      yield { final: true, output: { sum: 1 } }
    })
    for await (const { at } of stream(await model(made), { to: 1 }, bounds))
      expect(at).toEqual(tensor(Float32Array.of(1, 2)))
  })

  it.each([
    [
      'that ends without its final',
      async function* () {
        yield { step: 0 }
      },
      'invalid-output',
    ],
    [
      'that goes on after its final',
      async function* () {
        yield { final: true, output: { sum: 0 } }
        yield { step: 1 }
      },
      'invalid-output',
    ],
    [
      'whose final breaks the contract',
      async function* () {
        yield { final: true, output: { sum: 'much' } }
      },
      'invalid-output',
    ],
    [
      'that throws in the middle',
      async function* () {
        yield { step: 0 }
        throw new Error('worn out')
      },
      'internal',
    ],
    [
      'that hangs in the middle',
      async function* () {
        yield { step: 0 }
        await new Promise(() => {})
      },
      'deadline-exceeded',
    ],
  ] as [string, () => AsyncIterable<Step | Final<Counted>>, string][])(
    '%s ends in exactly one fault',
    async (_, spoil, code) => {
      const answer = stream(await model(counter(spoil)), { to: 3 }, { deadlineMs: 100 })
      const read = async () => {
        for await (const { step } of answer) expect(step).toBe(0)
      }
      const fault = await faultOf(read())
      expect(fault.code).toBe(code)
      await expect(answer.finish()).rejects.toMatchObject({ code: 'cancelled' })
    },
  )

  it('tells the model when its reader leaves', async () => {
    let left: ((reason: unknown) => void) | undefined
    const told = new Promise((resolve) => {
      left = resolve
    })
    const made = counter(async function* (_, { signal }) {
      signal.addEventListener('abort', () => left?.(signal.reason))
      for (let step = 0; ; step++) {
        yield { step }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })
    for await (const { step } of stream(await model(made), { to: 1 }, bounds)) if (step === 3) break
    expect(await told).toMatchObject({ code: 'cancelled' })
  })

  it('is refused by a model that does not stream', async () => {
    const { stream: _, ...whole } = counter()
    const made = { ...whole, descriptor: { ...whole.descriptor, supports: {} } } as Model<Count, Counted, Step>
    const fault = await faultOf(stream(await model(made), { to: 1 }, bounds).finish())
    expect(fault.code).toBe('unsupported')
  })

  it('refuses an input that breaks the contract before the first part', async () => {
    const fault = await faultOf(stream(await model(counter()), { to: 'far' } as never, bounds).finish())
    expect(fault.code).toBe('invalid-input')
  })

  it('does not let the model run ahead of a reader who has stopped reading', async () => {
    let made = 0
    const fast = counter(async function* () {
      for (; made < 10_000; made++) yield { step: made }
      yield { final: true, output: { sum: 0 } }
    })
    const parts = stream(await model(fast), { to: 1 }, bounds)[Symbol.asyncIterator]()
    await parts.next()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(made).toBeLessThanOrEqual(40)
    await parts.return?.()
  })
})

it('waits for credit any number of times without a listener for each', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  const parts = stream(await places['behind a transport']!.model(counter()), { to: 2_000 }, bounds)
  for await (const { step } of parts) if (step % 16 === 0) await new Promise((resolve) => setTimeout(resolve))
  await parts.finish()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings).toEqual([])
})

describe('a stream over a transport that loses frames', () => {
  /** Loses, doubles or keeps each frame that goes out. */
  async function over(change: (frame: Frame) => readonly Frame[]) {
    const whole = inProcessTransport()
    const lossy: Transport = {
      ...whole,
      async send(address, bytes, expiry) {
        for (const frame of decodeFrames(bytes))
          for (const kept of change(frame)) await whole.send(address, encodeFrame(kept), expiry)
      },
    }
    const service: Service = await serve(counter(), lossy)
    const model = (await connect(whole, contract, bounds)) as Model<Count, Counted, Step>
    return { model, service }
  }

  it('notices a lost part, and never takes a short answer for a whole one', async () => {
    const { model } = await over((frame) => (frame.kind === 'part' && frame.sequence === 2 ? [] : [frame]))
    const fault = await faultOf(stream(model, { to: 5 }, bounds).finish())
    expect(fault).toMatchObject({ code: 'unavailable', message: expect.stringContaining('part 2') })
  })

  it('notices that the last part was lost', async () => {
    const { model } = await over((frame) => (frame.kind === 'part' && frame.sequence === 4 ? [] : [frame]))
    expect((await faultOf(stream(model, { to: 5 }, bounds).finish())).code).toBe('unavailable')
  })

  it('takes a doubled part once', async () => {
    const { model } = await over((frame) => [frame, frame])
    const steps: number[] = []
    for await (const { step } of stream(model, { to: 5 }, bounds)) steps.push(step)
    expect(steps).toEqual([0, 1, 2, 3, 4])
  })

  it('ends as unavailable when its model goes away', async () => {
    const transport = inProcessTransport()
    const endless = counter(async function* () {
      for (let step = 0; ; step++) {
        yield { step }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })
    const service = await serve(endless, transport)
    const model = (await connect(transport, contract, bounds)) as Model<Count, Counted, Step>
    const read = async () => {
      for await (const { step } of stream(model, { to: 1 }, bounds)) if (step === 2) await service.close()
    }
    expect((await faultOf(read())).code).toBe('unavailable')
  })
})

describe('a model that calls another in parts', () => {
  it('passes the parts on and counts what the other has used', async () => {
    const inner = counter()
    const outer = defineModel({
      ...contract,
      id: 'acme/outer',
      version: '1.0.0',
      title: 'Outer',
      task: 'process-analysis',
      run: () => ({ output: { sum: 0 } }),
      async *stream(input: Count, context: RunContext): AsyncIterable<Step | Final<Counted>> {
        const answer = context.stream(inner, input)
        for await (const part of answer) yield part
        const { output, servedBy } = await answer.finish()
        yield { final: true, output, servedBy }
      },
    })
    const reply = await stream(outer, { to: 4 }, bounds).finish()
    expect(reply.usage.map(({ model }) => model.id)).toEqual(['acme/counter', 'acme/outer'])
    expect(reply.servedBy).toEqual([{ id: 'acme/counter', version: '1.0.0' }])
  })
})
