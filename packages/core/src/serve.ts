import { descriptorDigest } from './descriptor.ts'
import { Fault } from './fault.ts'
import { type CallFrame, encodeFrame, type Frame, readableFrames } from './frame.ts'
import { isGuarded } from './guard.ts'
import { invoke, stream } from './invoke.ts'
import type { InvokeOptions, Model, Reply } from './model.ts'
import type { Tracer } from './tracer.ts'
import type { Transport } from './transport.ts'

export interface ServeOptions {
  /** Tells this copy of the model from others; a fresh one unless stated. */
  readonly instance?: string
  /** Detached JWS over the descriptor, for callers who trust signed descriptors only. */
  readonly signature?: string
  /** Is told of every call that arrives. */
  readonly tracer?: Tracer
}

export interface Service {
  readonly instance: string
  /** Where it listens on the transport. */
  readonly address: string
  /** Withdraws the announcement, cancels the calls in flight and stops listening. The model stays the caller's. */
  close(): Promise<void>
}

/** How many answered calls are kept for callers that ask again. */
const remembered = 1024
const rememberedBytes = 16 * 1024 * 1024
/** An answer is worth sending only while its caller may still wait for it. */
const answerExpiryMs = 10_000

/** A call in flight or answered. */
interface Remembered {
  readonly abort: AbortController
  readonly credit: Credit
  answer?: Uint8Array
}

/**
 * Offers a model to everybody on a transport. A call that comes twice is joined or answered again, never run again.
 * Throws a `TypeError` for a model that moves equipment and is not guarded: the boundary belongs where the equipment is.
 */
export async function serve<In, Out, Part>(
  model: Model<In, Out, Part>,
  transport: Transport,
  options: ServeOptions = {},
): Promise<Service> {
  const { descriptor } = model
  if (descriptor.effect === 'actuate' && !isGuarded(model))
    throw new TypeError(
      `serve('${descriptor.id}'): it moves equipment, so it must be guarded first: serve(guard(model, boundary), transport)`,
    )
  const digest = await descriptorDigest(descriptor)
  const instance = options.instance ?? crypto.randomUUID()
  const address = `models/${descriptor.id}/${instance}`
  const calls = new Map<string, Remembered>()
  const effects = new Map<string, { readonly input: string; readonly answer: Promise<Answer<Out>> }>()
  let answerBytes = 0
  let announced = descriptor

  /** A model may be exchanged behind its door. One whose descriptor differs is none that callers planned against, or vouch for. */
  async function checkAnnounced(): Promise<void> {
    const current = model.descriptor
    if ((await descriptorDigest(current)) !== digest)
      throw new Fault(
        'contract-changed',
        `${descriptor.id} is ${current.version} now and was announced with the contract of ${descriptor.version}: whoever serves it has to serve it again`,
      )
    announced = current
  }

  async function answer(frame: CallFrame, { abort, credit }: Remembered): Promise<Uint8Array> {
    const { call } = frame
    try {
      const { reply, parts } = await run(frame, abort.signal, credit)
      const servedBy = reply.servedBy.map((one) => (one.id === descriptor.id ? { ...one, instance } : one))
      return encodeFrame({ kind: 'reply', call, ...(parts > 0 && { parts }), reply: { ...reply, servedBy } })
    } catch (thrown) {
      return encodeFrame({ kind: 'fault', call, fault: Fault.from(thrown).toJSON() })
    }
  }

  async function run(frame: CallFrame, signal: AbortSignal, credit: Credit): Promise<Answer<Out>> {
    if (frame.model !== descriptor.id) throw new Fault('not-found', `here is ${descriptor.id}, not ${frame.model}`)
    if (frame.digest !== digest)
      throw new Fault(
        'contract-changed',
        `${descriptor.id} has another contract than the caller planned against: connect again`,
      )
    if (model.descriptor !== announced) await checkAnnounced()
    const deadlineMs = frame.deadline - Date.now()
    if (!(deadlineMs > 0)) throw new Fault('deadline-exceeded', `the call reached ${descriptor.id} after its deadline`)
    const { caller, priority, trace, idempotencyKey } = frame
    const tracer = options.tracer && arriving(options.tracer, trace)
    const bounds = { deadlineMs, signal, caller, priority, trace, tracer, idempotencyKey }
    const begin = () => (frame.credit === undefined ? whole(frame, bounds) : inParts(frame, bounds, credit))
    return descriptor.effect === 'none'
      ? begin()
      : once(`${caller.id} ${idempotencyKey}`, JSON.stringify(frame.input), begin)
  }

  async function whole(frame: CallFrame, bounds: InvokeOptions): Promise<Answer<Out>> {
    return { reply: await invoke(model, frame.input as In, bounds), parts: 0 }
  }

  async function inParts(frame: CallFrame, bounds: InvokeOptions, credit: Credit): Promise<Answer<Out>> {
    const { call, replyTo, deadline } = frame
    credit.grant(frame.credit ?? 0)
    const answer = stream(model, frame.input as In, bounds)
    let sequence = 0
    for await (const part of answer) {
      await credit.take()
      await transport.send(replyTo, encodeFrame({ kind: 'part', call, sequence, part }), deadline - Date.now())
      sequence += 1
    }
    return { reply: await answer.finish(), parts: sequence }
  }

  /** The same key never causes an effect twice, and never stands for two different inputs. */
  function once(key: string, input: string, begin: () => Promise<Answer<Out>>): Promise<Answer<Out>> {
    const earlier = effects.get(key)
    if (earlier === undefined) {
      const answer = begin()
      effects.set(key, { input, answer })
      if (effects.size > remembered) effects.delete(effects.keys().next().value as string)
      return answer
    }
    // The parts went to whoever called first.
    if (earlier.input === input) return earlier.answer.then(({ reply }) => ({ reply, parts: 0 }))
    return Promise.reject(
      new Fault('invalid-input', 'the idempotency key was used before with another input: use a new key'),
    )
  }

  async function receiveCall(frame: CallFrame): Promise<void> {
    const key = `${frame.replyTo} ${frame.call}`
    const earlier = calls.get(key)
    if (earlier === undefined) {
      const abort = new AbortController()
      const entry: Remembered = { abort, credit: creditAccount(abort.signal) }
      calls.set(key, entry)
      entry.answer = await answer(frame, entry)
      answerBytes += entry.answer.length
      forget()
      await transport.send(frame.replyTo, entry.answer, answerExpiryMs)
    } else if (earlier.answer !== undefined) {
      await transport.send(frame.replyTo, earlier.answer, answerExpiryMs)
    }
  }

  /** Lets go of the oldest answers; a call that still runs is never forgotten. */
  function forget(): void {
    for (const [key, { answer }] of calls) {
      if (calls.size <= remembered && answerBytes <= rememberedBytes) return
      if (answer === undefined) continue
      calls.delete(key)
      answerBytes -= answer.length
    }
  }

  function receiveFrame(frame: Frame): void {
    switch (frame.kind) {
      case 'call':
        // An answer that cannot be sent is asked for again by a caller who still waits.
        receiveCall(frame).catch(() => {})
        return
      case 'credit':
        calls.get(`${frame.replyTo} ${frame.call}`)?.credit.grant(frame.grant)
        return
      case 'cancel':
        calls.get(`${frame.replyTo} ${frame.call}`)?.abort.abort(new Fault('cancelled', 'the caller gave up'))
    }
  }

  const stopListening = await transport.listen(address, (bytes) => {
    for (const frame of readableFrames(bytes)) receiveFrame(frame)
  })
  const { signature } = options
  const withdraw = await transport.announce({ instance, address, descriptor, ...(signature && { signature }) })
  return {
    instance,
    address,
    async close() {
      await withdraw()
      for (const { abort } of calls.values()) abort.abort(new Fault('unavailable', `${descriptor.id} was closed`))
      await stopListening()
    },
  }
}

interface Answer<Out> {
  readonly reply: Reply<Out>
  /** How many parts went before it. */
  readonly parts: number
}

/** How many parts the caller is ready to take: a slow reader slows the model down and fills no buffer. */
interface Credit {
  grant(count: number): void
  /** Settles once a part may be sent; rejects when the call is aborted. */
  take(): Promise<void>
}

function creditAccount(signal: AbortSignal): Credit {
  let left = 0
  let wake: (() => void) | undefined
  signal.addEventListener('abort', () => wake?.(), { once: true })
  return {
    grant(count) {
      left += count
      wake?.()
    },
    async take() {
      while (left === 0) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      left -= 1
    },
  }
}

/** The span of the call that arrived is a server's; those inside it are not. */
function arriving(tracer: Tracer, trace: string): Tracer {
  return { start: (call) => tracer.start(call.parent === trace ? { ...call, arrived: true } : call) }
}
