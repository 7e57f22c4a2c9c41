import { descriptorDigest } from './descriptor.ts'
import { Fault } from './fault.ts'
import { type CallFrame, encodeFrame, readableFrames } from './frame.ts'
import { isGuarded } from './guard.ts'
import { invoke } from './invoke.ts'
import type { Model, Reply } from './model.ts'
import type { Transport } from './transport.ts'

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

interface Remembered {
  readonly abort: AbortController
  answer?: Uint8Array
}

/**
 * Offers a model to everybody on a transport. A call that comes twice is joined or answered again, never run again.
 * Throws a `TypeError` for a model that moves equipment and is not guarded: the boundary belongs where the equipment is.
 */
export async function serve<In, Out, Part>(
  model: Model<In, Out, Part>,
  transport: Transport,
  options: { readonly instance?: string } = {},
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
  const effects = new Map<string, { readonly input: string; readonly reply: Promise<Reply<Out>> }>()
  let answerBytes = 0

  async function answer(frame: CallFrame, abort: AbortController): Promise<Uint8Array> {
    try {
      const reply = await run(frame, abort.signal)
      const servedBy = reply.servedBy.map((one) => (one.id === descriptor.id ? { ...one, instance } : one))
      return encodeFrame({ kind: 'reply', call: frame.call, reply: { ...reply, servedBy } })
    } catch (thrown) {
      return encodeFrame({ kind: 'fault', call: frame.call, fault: Fault.from(thrown).toJSON() })
    }
  }

  async function run(frame: CallFrame, signal: AbortSignal): Promise<Reply<Out>> {
    if (frame.model !== descriptor.id) throw new Fault('not-found', `here is ${descriptor.id}, not ${frame.model}`)
    if (frame.digest !== digest)
      throw new Fault(
        'contract-changed',
        `${descriptor.id} has another contract than the caller planned against: connect again`,
      )
    const deadlineMs = frame.deadline - Date.now()
    if (!(deadlineMs > 0)) throw new Fault('deadline-exceeded', `the call reached ${descriptor.id} after its deadline`)
    const { caller, priority, trace, idempotencyKey } = frame
    const begin = () =>
      invoke(model, frame.input as In, { deadlineMs, signal, caller, priority, trace, idempotencyKey })
    return descriptor.effect === 'none'
      ? begin()
      : once(`${caller.id} ${idempotencyKey}`, JSON.stringify(frame.input), begin)
  }

  /** The same key never causes an effect twice, and never stands for two different inputs. */
  function once(key: string, input: string, begin: () => Promise<Reply<Out>>): Promise<Reply<Out>> {
    const earlier = effects.get(key)
    if (earlier === undefined) {
      const reply = begin()
      effects.set(key, { input, reply })
      if (effects.size > remembered) effects.delete(effects.keys().next().value as string)
      return reply
    }
    if (earlier.input === input) return earlier.reply
    return Promise.reject(
      new Fault('invalid-input', 'the idempotency key was used before with another input: use a new key'),
    )
  }

  async function receiveCall(frame: CallFrame): Promise<void> {
    const key = `${frame.replyTo} ${frame.call}`
    const earlier = calls.get(key)
    if (earlier === undefined) {
      const entry: Remembered = { abort: new AbortController() }
      calls.set(key, entry)
      entry.answer = await answer(frame, entry.abort)
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

  function receive(bytes: Uint8Array): void {
    for (const frame of readableFrames(bytes)) {
      // An answer that cannot be sent is asked for again by a caller who still waits.
      if (frame.kind === 'call') receiveCall(frame).catch(() => {})
      if (frame.kind === 'cancel')
        calls.get(`${frame.replyTo} ${frame.call}`)?.abort.abort(new Fault('cancelled', 'the caller gave up'))
    }
  }

  const stopListening = await transport.listen(address, receive)
  const withdraw = await transport.announce({ instance, address, descriptor })
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
