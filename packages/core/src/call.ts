import { type Bounded, keepDeadline, letGo } from './deadlines.ts'
import { Fault, isFault } from './fault.ts'
import type { Intake } from './intake.ts'
import type {
  Attempt,
  Caller,
  InvokeOptions,
  Model,
  ModelReference,
  Quality,
  Reply,
  RunContext,
  RunResult,
  Warning,
} from './model.ts'
import { worseQuality } from './quality.ts'
import type { Span, Tracer } from './tracer.ts'

/** How long past its deadline a call may stay to have its fault recorded. */
const graceMs = 25
/** Node looks for the global one anew each time, which takes as long as reading it. */
const clock = performance
const noAttempts: readonly Attempt[] = []
const anonymous: Caller = { id: 'anonymous' }

/** One call in flight. What costs time to make, such as an `AbortSignal`, is made when it is first asked for. */
export class Call implements Bounded, Intake {
  readonly caller: Caller
  readonly priority: number
  /** What was attempted so far; replaced and never changed, since replies and faults hand it on. */
  usage: readonly Attempt[] = noAttempts
  readonly warnings: Warning[] = []
  /** What the input is worth; the answer is worth no more. */
  inputQuality: Quality = 'good'
  readonly now = Date.now()
  /** One inside another call has at most what is left of that. */
  readonly deadline: number
  before: Bounded | undefined
  after: Bounded | undefined
  held: Intake['held']
  measured: Intake['measured']
  private readonly tracer: Tracer | undefined
  private readonly started = clock.now()
  private controller: AbortController | undefined
  private interruption: Fault | undefined
  private onInterrupted: ((fault: Fault) => void) | undefined
  private inside: Set<Call> | undefined
  private span: Span | undefined
  isOver = false
  private knownCallId: string | undefined
  private knownTrace: string | undefined
  private knownKey: string | undefined

  constructor(
    private readonly model: Pick<Model, 'descriptor' | 'onFault'>,
    readonly statedInput: unknown,
    private readonly options: Partial<InvokeOptions> = {},
    private readonly parent?: Call,
  ) {
    const latest = Number.POSITIVE_INFINITY
    this.deadline = Math.min(parent?.deadline ?? latest, this.now + (options.deadlineMs ?? latest))
    this.caller = options.caller ?? parent?.caller ?? anonymous
    this.priority = options.priority ?? parent?.priority ?? 5
    this.tracer = options.tracer ?? parent?.tracer
    this.knownTrace = options.trace
    this.knownKey = options.idempotencyKey
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.interruption !== undefined) this.controller.abort(this.interruption)
    }
    return this.controller.signal
  }

  get callId(): string {
    this.knownCallId ??= crypto.randomUUID()
    return this.knownCallId
  }

  get trace(): string {
    this.knownTrace ??= this.parent?.trace ?? `00-${hexDigits()}-${hexDigits().slice(16)}-01`
    return this.knownTrace
  }

  get idempotencyKey(): string {
    this.knownKey ??= crypto.randomUUID()
    return this.knownKey
  }

  private get self(): ModelReference {
    const { id, version } = this.model.descriptor
    return { id, version }
  }

  /** Throws where the call is over before it began. */
  begin(onInterrupted?: (fault: Fault) => void): void {
    this.onInterrupted = onInterrupted
    if (this.tracer !== undefined) this.startSpan(this.tracer)
    if (this.parent !== undefined) {
      if (this.parent.interruption !== undefined) throw this.parent.interruption
      this.parent.inside ??= new Set()
      this.parent.inside.add(this)
    }
    const { signal } = this.options
    if (signal !== undefined) {
      if (signal.aborted) throw cancellation(signal)
      signal.addEventListener('abort', this)
    }
    // A deadline that is no number is none that anybody could keep.
    if (!(this.deadline > this.now)) throw this.lateness()
    keepDeadline(this)
  }

  private startSpan(tracer: Tracer): void {
    this.traced(() => {
      const parent = this.options.trace ?? this.parent?.knownTrace
      this.span = tracer.start({ descriptor: this.model.descriptor, parent, arrived: false })
      this.knownTrace = this.span.traceparent
    })
  }

  /** The caller's own signal has aborted. */
  handleEvent(): void {
    this.abort(cancellation(this.options.signal!))
  }

  expire(): void {
    this.abort(this.lateness())
  }

  /** Ends this call and all calls inside it, whatever their models do. */
  abort(fault: Fault): void {
    if (this.interruption !== undefined) return
    this.interruption = fault
    this.controller?.abort(fault)
    if (this.inside !== undefined) for (const call of this.inside) call.abort(fault)
    this.onInterrupted?.(fault)
  }

  /** The work's end, or the interruption, whichever is first. */
  unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onInterrupted = reject
      if (this.interruption !== undefined) reject(this.interruption)
      work.then(resolve, reject)
    })
  }

  reply<Out>(result: RunResult<Out>): Reply<Out> {
    const elapsedMs = clock.now() - this.started
    const { self } = this
    const { confidence, spent, warnings } = result
    if (warnings !== undefined) this.warnings.push(...warnings)
    this.add(result.usage ?? [{ model: self, outcome: 'ok', elapsedMs, spent }])
    const reply: Reply<Out> = {
      output: result.output,
      confidence,
      quality: worseQuality(result.quality ?? 'good', this.inputQuality),
      warnings: this.warnings,
      usage: this.usage,
      servedBy: result.servedBy ?? [self],
      elapsedMs,
    }
    if (this.span !== undefined) this.endSpan({ reply })
    return reply
  }

  /** What was thrown, with everything known about it; the model has been told of it. */
  async fault(thrown: unknown): Promise<Fault> {
    const fault = Fault.from(thrown)
    const { self } = this
    const attempt: Attempt = { model: self, outcome: fault.code, elapsedMs: clock.now() - this.started }
    // The model itself states what it took, or a proxy what was counted on the other side; a call inside has been counted.
    const isCounted = fault.model !== undefined && (fault.origin === 'local' || this.usage.length > 0)
    this.add((isCounted ? undefined : fault.usage) ?? [attempt])
    const ended = fault.with({ model: fault.model ?? self.id, usage: this.usage })
    this.endSpan({ fault: ended })
    try {
      if (this.model.onFault !== undefined) await this.inTime(this.model.onFault(ended, this as never))
    } catch (problem) {
      return ended.with({ details: { fault: ended.details, notRecorded: Fault.from(problem).message } })
    }
    return ended
  }

  /** Whether this is the first end: what comes after a deadline is nobody's answer any more. */
  end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    letGo(this)
    this.parent?.inside?.delete(this)
    this.options.signal?.removeEventListener('abort', this)
    return true
  }

  get count(): RunContext['count'] {
    return (attempt) => this.add([attempt])
  }

  private endSpan(end: Parameters<Span['end']>[0]): void {
    this.traced(() => this.span?.end(end))
  }

  /** Whoever watches a call never changes its end. */
  private traced(watch: () => void): void {
    try {
      watch()
    } catch (problem) {
      this.warnings.push({ code: 'tracer-failed', message: `the tracer failed: ${Fault.from(problem).message}` })
    }
  }

  /** Counts what was attempted in this call or used by one inside it. */
  add(attempts: readonly Attempt[]): void {
    this.usage = this.usage.length === 0 ? attempts : [...this.usage, ...attempts]
  }

  /** A journal that hangs must not hold the caller beyond the deadline. */
  private async inTime(work: void | Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      const patience = Math.max(this.deadline - Date.now(), graceMs)
      timer = setTimeout(() => reject(new Fault('deadline-exceeded', 'it was not recorded in time')), patience)
    })
    await Promise.race([work, late]).finally(() => clearTimeout(timer))
  }

  private lateness(): Fault {
    return new Fault('deadline-exceeded', `${this.model.descriptor.id} did not answer by its deadline`)
  }
}

function cancellation(signal: AbortSignal): Fault {
  return isFault(signal.reason) ? signal.reason : new Fault('cancelled', 'the caller gave up')
}

/** 32 of them, with as much chance in either half. */
function hexDigits(): string {
  return crypto.randomUUID().replaceAll('-', '')
}
