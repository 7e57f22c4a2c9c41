import { type Descriptor, descriptorDigest, descriptorProblem } from './descriptor.ts'
import { Fault, readFault } from './fault.ts'
import { type CallFrame, encodeFrame, type Frame, type PartFrame, type ReplyFrame, readableFrames } from './frame.ts'
import type { Final, Model, RunContext, RunResult } from './model.ts'
import type { Announcement, AnnouncementEvent, Transport } from './transport.ts'
import { compileVocabulary, holdsValues } from './vocabulary.ts'

interface Instance {
  readonly announcement: Announcement
  readonly digest: string
  outstanding: number
}

/** What a caller planned against: it is never given anything else. */
interface Plan {
  readonly descriptor: Descriptor
  readonly digest: string
}

/** A call that was sent and has not ended. */
interface Waiting {
  readonly instance: Instance
  receive(frame: Frame): void
  fail(fault: Fault): void
}

/** How many parts of an answer may be on their way before the reader has taken any. */
const partsInFlight = 32

const directories = new WeakMap<Transport, Promise<Directory>>()

/** One directory and one reply address for each transport, however many proxies use it. */
export function directoryOf(transport: Transport): Promise<Directory> {
  const known = directories.get(transport)
  if (known !== undefined) return known
  const directory = new Directory(transport)
  const opened = directory.open().then(() => directory)
  directories.set(transport, opened)
  opened.catch(() => directories.delete(transport))
  return opened
}

export class Directory {
  private readonly replyTo = `replies/${crypto.randomUUID()}`
  private readonly instances = new Map<string, Map<string, Instance>>()
  private readonly waiting = new Map<string, Waiting>()
  private readonly arrivals = new Set<() => void>()
  /** Announcements are taken in one after another, since each needs its digest. */
  private pending: Promise<void> = Promise.resolve()

  constructor(private readonly transport: Transport) {}

  async open(): Promise<void> {
    await this.transport.listen(this.replyTo, (bytes) => {
      for (const frame of readableFrames(bytes)) this.waiting.get(frame.call)?.receive(frame)
    })
    await this.transport.watch((event) => {
      this.pending = this.pending.then(() => this.observe(event)).catch(() => {})
    })
    await this.pending
  }

  ids(): string[] {
    return [...this.instances.keys()].sort()
  }

  /** The instances of a model, the one that was announced last first. */
  announced(id: string): Announcement[] {
    return [...(this.instances.get(id)?.values() ?? [])].map(({ announcement }) => announcement).reverse()
  }

  async waitFor(id: string, deadlineMs: number): Promise<void> {
    if (this.instances.has(id)) return
    await new Promise<void>((resolve, reject) => {
      const arrived = () => {
        if (!this.instances.has(id)) return
        clearTimeout(timer)
        this.arrivals.delete(arrived)
        resolve()
      }
      const timer = setTimeout(() => {
        this.arrivals.delete(arrived)
        const known = this.ids().join(', ') || 'none'
        reject(
          new Fault('not-found', `no model '${id}' was announced within ${deadlineMs} ms; announced are: ${known}`),
        )
      }, deadlineMs)
      this.arrivals.add(arrived)
    })
  }

  async proxy(descriptor: Descriptor, schemas: Model['schemas']): Promise<Model> {
    const plan: Plan = { descriptor, digest: await descriptorDigest(descriptor) }
    return {
      descriptor,
      ...(schemas !== undefined && { schemas }),
      ...(isCheckedThere(descriptor) && { inputChecks: 'where-it-runs' as const }),
      run: (_input, context) => this.run(plan, context),
      ...(descriptor.supports.stream && {
        stream: (_input: unknown, context: RunContext) => this.runInParts(plan, context),
      }),
    }
  }

  /** A read that lost its instance is asked of another one; an effect never is. */
  private async run(plan: Plan, context: RunContext): Promise<RunResult<unknown>> {
    const tried: Instance[] = []
    for (;;) {
      const instance = this.pick(plan, tried)
      tried.push(instance)
      const inbox = this.send(instance, plan, context)
      try {
        const frame = await inbox.next()
        if (frame.kind === 'reply') return resultOf(frame)
      } catch (thrown) {
        const fault = Fault.from(thrown)
        const another = plan.descriptor.effect === 'none' && fault.code === 'unavailable'
        if (!another || !this.hasOther(plan, tried)) throw fault
      } finally {
        inbox.close()
      }
    }
  }

  private async *runInParts(plan: Plan, context: RunContext): AsyncGenerator<unknown> {
    const inbox = this.send(this.pick(plan, []), plan, context, partsInFlight)
    try {
      let expected = 0
      let taken = 0
      for (;;) {
        const frame = await inbox.next()
        if (frame.kind === 'reply') {
          if ((frame.parts ?? 0) !== expected) throw partLost(plan, expected)
          yield { final: true, ...resultOf(frame) } satisfies Final<unknown>
          return
        }
        if (frame.sequence < expected) continue
        if (frame.sequence > expected) throw partLost(plan, expected)
        expected += 1
        yield frame.part
        taken += 1
        if (taken === partsInFlight / 2) {
          inbox.grant(taken)
          taken = 0
        }
      }
    } finally {
      inbox.close()
    }
  }

  private hasOther(plan: Plan, tried: readonly Instance[]): boolean {
    return [...(this.instances.get(plan.descriptor.id)?.values() ?? [])].some(
      (one) => one.digest === plan.digest && !tried.includes(one),
    )
  }

  /** The instance with the fewest calls outstanding among those that keep the plan and were not tried yet. */
  private pick({ descriptor: { id }, digest }: Plan, tried: readonly Instance[]): Instance {
    const instances = [...(this.instances.get(id)?.values() ?? [])]
    let best: Instance | undefined
    for (const one of instances)
      if (one.digest === digest && !tried.includes(one) && (best === undefined || one.outstanding < best.outstanding))
        best = one
    if (best !== undefined) return best
    if (tried.length === 0 && instances.length > 0)
      throw new Fault('contract-changed', `${id} has another contract than the caller planned against: connect again`)
    throw new Fault('unavailable', `no instance of ${id} is announced`)
  }

  /** Sends a call and collects what comes back. */
  private send(instance: Instance, plan: Plan, context: RunContext, credit?: number): Inbox {
    const { deadline, caller, priority, trace, idempotencyKey, signal, statedInput } = context
    const { transport, replyTo, waiting } = this
    const { address } = instance.announcement
    // A late answer of an instance that was given up must not be taken for the answer of the next one.
    const call = `${context.callId} ${instance.announcement.instance}`
    const { id } = plan.descriptor
    const inbox = frameQueue()
    let ended = false
    const post = (frame: Frame, expiresInMs: number) => transport.send(address, encodeFrame(frame), expiresInMs)
    const cancel = () => {
      if (ended) return
      inbox.fail(signal.reason)
      close()
    }
    const close = () => {
      waiting.delete(call)
      signal.removeEventListener('abort', cancel)
      if (!ended) post({ kind: 'cancel', call, replyTo }, 1_000).catch(() => {})
      end()
    }
    const end = () => {
      if (!ended) instance.outstanding -= 1
      ended = true
    }
    const fail = (fault: Fault) => {
      end()
      inbox.fail(fault)
    }
    const frame: CallFrame = {
      kind: 'call',
      call,
      model: id,
      replyTo,
      deadline,
      caller,
      priority,
      trace,
      idempotencyKey,
      digest: plan.digest,
      ...(credit !== undefined && { credit }),
      input: statedInput ?? null,
    }
    const bytes = encodeFrame(frame)
    instance.outstanding += 1
    waiting.set(call, {
      instance,
      receive(answer) {
        if (answer.kind === 'fault') fail(readFault(answer.fault))
        if (answer.kind === 'reply') end()
        if (answer.kind === 'reply' || answer.kind === 'part') inbox.push(answer)
      },
      fail,
    })
    signal.addEventListener('abort', cancel, { once: true })
    transport.send(address, bytes, deadline - Date.now()).catch((thrown) => fail(Fault.from(thrown)))
    return {
      next: inbox.next,
      grant: (count) => {
        if (!ended) post({ kind: 'credit', call, replyTo, grant: count }, deadline - Date.now()).catch(() => {})
      },
      close,
    }
  }

  private async observe(event: AnnouncementEvent): Promise<void> {
    if (event.kind === 'gone') return this.lose(event.id, event.instance, event.reason)
    const { announcement } = event
    if (!isUsable(announcement.descriptor)) return
    const { id } = announcement.descriptor
    const digest = await descriptorDigest(announcement.descriptor)
    const instances = this.instances.get(id) ?? new Map<string, Instance>()
    const known = instances.get(announcement.instance)
    if (known?.digest === digest && known.announcement.address === announcement.address) return
    instances.delete(announcement.instance)
    this.instances.set(id, instances.set(announcement.instance, { announcement, digest, outstanding: 0 }))
    for (const arrived of [...this.arrivals]) arrived()
  }

  private lose(id: string, instance: string, reason: 'withdrawn' | 'lost'): void {
    const instances = this.instances.get(id)
    const gone = instances?.get(instance)
    if (instances === undefined || gone === undefined) return
    instances.delete(instance)
    if (instances.size === 0) this.instances.delete(id)
    const inDoubt = gone.announcement.descriptor.effect !== 'none'
    const doubt = inDoubt ? '; whether the effect happened is in doubt' : ''
    for (const { instance: asked, fail } of [...this.waiting.values()])
      if (asked === gone)
        fail(
          new Fault('unavailable', `${id} was ${reason} before it answered${doubt}`, {
            retryable: !inDoubt,
            details: { inDoubt },
          }),
        )
  }
}

interface Inbox {
  next(): Promise<PartFrame | ReplyFrame>
  /** Allows the other side so many parts more. */
  grant(count: number): void
  /** Stops listening, and tells the other side where it has not ended yet. */
  close(): void
}

/** Frames in the order in which they came, then the fault that ended them. */
function frameQueue() {
  const frames: (PartFrame | ReplyFrame)[] = []
  let ended: { readonly fault: unknown } | undefined
  let wake: (() => void) | undefined
  return {
    push(frame: PartFrame | ReplyFrame) {
      frames.push(frame)
      wake?.()
    },
    fail(fault: unknown) {
      ended ??= { fault }
      wake?.()
    },
    async next(): Promise<PartFrame | ReplyFrame> {
      for (;;) {
        const frame = frames.shift()
        if (frame !== undefined) return frame
        if (ended !== undefined) throw ended.fault
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

function resultOf({ reply }: ReplyFrame): RunResult<unknown> {
  const { servedBy, usage, output, confidence, quality, warnings } = reply
  return { servedBy, usage, output, confidence, quality, warnings }
}

function partLost({ descriptor: { id } }: Plan, sequence: number): Fault {
  return new Fault('unavailable', `part ${sequence} of the answer of ${id} was lost on its way`)
}

/** A boundary records every attempt, and held values are held where the model runs: both need the input as it was stated. */
function isCheckedThere({ safety, input }: Descriptor): boolean {
  return safety !== undefined || holdsValues(compileVocabulary(input))
}

/** What others announce is not trusted to be a descriptor that this side can keep. */
function isUsable(descriptor: Descriptor): boolean {
  return descriptorProblem(descriptor) === undefined
}
