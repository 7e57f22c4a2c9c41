import { type Descriptor, descriptorDigest, descriptorProblem, type Task } from './descriptor.ts'
import { Fault } from './fault.ts'
import { encodeFrame, type Frame, readableFrames } from './frame.ts'
import type { Model, Reply, RunContext, RunResult } from './model.ts'
import type { InputOf, OutputOf, Schema } from './schema.ts'
import type { Announcement, AnnouncementEvent, Transport } from './transport.ts'
import { compileVocabulary } from './vocabulary.ts'

/** A contract that the caller knows at build time: gives types, and answers are validated against it. */
export interface KnownContract<In extends Schema, Out extends Schema> {
  readonly id: string
  readonly input: In
  readonly output: Out
}

export interface ConnectOptions {
  /** How long to wait for the model to be announced, in milliseconds. */
  readonly deadlineMs: number
}

/** Finds a model by id and returns it as if it were here. Waits for it to appear; throws `not-found` at the deadline. */
export function connect(transport: Transport, id: string, options: ConnectOptions): Promise<Model>
export function connect<In extends Schema, Out extends Schema>(
  transport: Transport,
  contract: KnownContract<In, Out>,
  options: ConnectOptions,
): Promise<Model<InputOf<In>, OutputOf<Out>>>
export async function connect(
  transport: Transport,
  wanted: string | KnownContract<Schema, Schema>,
  options: ConnectOptions,
): Promise<Model> {
  const id = typeof wanted === 'string' ? wanted : wanted.id
  const schemas = typeof wanted === 'string' ? undefined : { input: wanted.input, output: wanted.output }
  const directory = await directoryOf(transport)
  await directory.waitFor(id, options.deadlineMs)
  return directory.proxy(id, schemas)
}

/** What to look for; without a member, any. */
export interface Wanted {
  readonly task?: Task
  readonly kind?: Descriptor['kind']
}

/** All models of a kind that are announced now, each once however many instances it has, ordered by id. */
export async function discover(transport: Transport, wanted: Wanted = {}): Promise<Model[]> {
  const directory = await directoryOf(transport)
  return directory
    .descriptors()
    .filter(({ task, kind }) => (wanted.task ?? task) === task && (wanted.kind ?? kind) === kind)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id }) => directory.proxy(id, undefined))
}

interface Instance {
  readonly announcement: Announcement
  readonly digest: string
  outstanding: number
}

interface Waiting {
  readonly instance: Instance
  settle(frame: Frame): void
  fail(fault: Fault): void
}

const directories = new WeakMap<Transport, Promise<Directory>>()

/** One directory and one reply address for each transport, however many proxies use it. */
function directoryOf(transport: Transport): Promise<Directory> {
  const known = directories.get(transport)
  if (known !== undefined) return known
  const directory = new Directory(transport)
  const opened = directory.open().then(() => directory)
  directories.set(transport, opened)
  opened.catch(() => directories.delete(transport))
  return opened
}

class Directory {
  private readonly replyTo = `replies/${crypto.randomUUID()}`
  private readonly instances = new Map<string, Map<string, Instance>>()
  private readonly waiting = new Map<string, Waiting>()
  private readonly arrivals = new Set<() => void>()
  /** Announcements are taken in one after another, since each needs its digest. */
  private pending: Promise<void> = Promise.resolve()

  constructor(private readonly transport: Transport) {}

  async open(): Promise<void> {
    await this.transport.listen(this.replyTo, (bytes) => this.receive(bytes))
    await this.transport.watch((event) => {
      this.pending = this.pending.then(() => this.observe(event)).catch(() => {})
    })
    await this.pending
  }

  descriptors(): Descriptor[] {
    return [...this.instances.values()].flatMap((instances) =>
      [...instances.values()].slice(0, 1).map((one) => one.announcement.descriptor),
    )
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
        const known = [...this.instances.keys()].sort().join(', ') || 'none'
        reject(
          new Fault('not-found', `no model '${id}' was announced within ${deadlineMs} ms; announced are: ${known}`),
        )
      }, deadlineMs)
      this.arrivals.add(arrived)
    })
  }

  proxy(id: string, schemas: Model['schemas']): Model {
    const descriptor = this.pick(id, []).announcement.descriptor
    return {
      descriptor,
      ...(schemas !== undefined && { schemas }),
      ...(descriptor.safety !== undefined && { inputChecks: 'where-it-runs' as const }),
      run: (_input, context) => this.run(descriptor, context),
    }
  }

  /** A read that lost its instance is asked of another one; an effect never is. */
  private async run(descriptor: Descriptor, context: RunContext): Promise<RunResult<unknown>> {
    const tried: Instance[] = []
    for (;;) {
      const instance = this.pick(descriptor.id, tried)
      tried.push(instance)
      try {
        const { servedBy, usage, output, confidence, quality, warnings } = await this.call(instance, context)
        return { servedBy, usage, output, confidence, quality, warnings }
      } catch (thrown) {
        const fault = Fault.from(thrown)
        const another = descriptor.effect === 'none' && fault.code === 'unavailable'
        if (!another || !this.hasOther(descriptor.id, tried)) throw fault
      }
    }
  }

  private hasOther(id: string, tried: readonly Instance[]): boolean {
    return [...(this.instances.get(id)?.values() ?? [])].some((one) => !tried.includes(one))
  }

  /** The instance with the fewest calls outstanding among those not tried yet. */
  private pick(id: string, tried: readonly Instance[]): Instance {
    let best: Instance | undefined
    for (const one of this.instances.get(id)?.values() ?? [])
      if (!tried.includes(one) && (best === undefined || one.outstanding < best.outstanding)) best = one
    if (best === undefined) throw new Fault('unavailable', `no instance of ${id} is announced`)
    return best
  }

  private call(instance: Instance, context: RunContext): Promise<Reply<unknown>> {
    const { deadline, caller, priority, trace, idempotencyKey, signal, statedInput } = context
    const { descriptor, address } = instance.announcement
    // A late answer of an instance that was given up must not be taken for the answer of the next one.
    const call = `${context.callId} ${instance.announcement.instance}`
    const bytes = encodeFrame({
      kind: 'call',
      call,
      model: descriptor.id,
      replyTo: this.replyTo,
      deadline,
      caller,
      priority,
      trace,
      idempotencyKey,
      digest: instance.digest,
      input: statedInput ?? null,
    })
    return new Promise((resolve, reject) => {
      const cancel = () => {
        end()
        reject(signal.reason)
        const frame = encodeFrame({ kind: 'cancel', call, replyTo: this.replyTo })
        this.transport.send(address, frame, 1_000).catch(() => {})
      }
      const end = () => {
        this.waiting.delete(call)
        instance.outstanding -= 1
        signal.removeEventListener('abort', cancel)
      }
      const fail = (fault: Fault) => {
        end()
        reject(fault)
      }
      instance.outstanding += 1
      signal.addEventListener('abort', cancel, { once: true })
      this.waiting.set(call, {
        instance,
        settle: (frame) => {
          end()
          if (frame.kind === 'reply') resolve(frame.reply)
          if (frame.kind === 'fault') reject(Fault.fromRecord(frame.fault))
        },
        fail,
      })
      this.transport.send(address, bytes, deadline - Date.now()).catch((thrown) => {
        if (this.waiting.has(call)) fail(Fault.from(thrown))
      })
    })
  }

  private receive(bytes: Uint8Array): void {
    for (const frame of readableFrames(bytes))
      if (frame.kind === 'reply' || frame.kind === 'fault') this.waiting.get(frame.call)?.settle(frame)
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

/** What others announce is not trusted to be a descriptor that this side can keep. */
function isUsable(descriptor: Descriptor): boolean {
  if (descriptorProblem(descriptor) !== undefined) return false
  try {
    compileVocabulary(descriptor.input)
    compileVocabulary(descriptor.output)
    return true
  } catch {
    return false
  }
}
