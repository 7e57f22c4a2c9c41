import type { Descriptor } from './descriptor.ts'
import type { Fault } from './fault.ts'
import type { Stated } from './sample.ts'
import type { Schema } from './schema.ts'
import type { Tracer } from './tracer.ts'

/** The contract. Whatever answers is a Model: a network, a language model, a tool, a guard, an operator, a proxy, an agent. */
export interface Model<In = unknown, Out = unknown, Part = unknown> {
  readonly descriptor: Descriptor<In, Out>
  /** What adapters write, and `invoke` calls: answers one checked input in the contract's own units. What it throws becomes a `Fault`. */
  run(input: In, context: RunContext): Promise<RunResult<Out>>
  /** Answers in parts and ends with exactly one `Final`. Declared by `descriptor.supports.stream`. */
  stream?(input: In, context: RunContext): AsyncIterable<Part | Final<Out>>
  /** Validators of whole values. Without them only the descriptor's vocabulary (units, limits, tensors) is checked. */
  readonly schemas?: { readonly input: Schema<unknown, unknown>; readonly output: Schema<unknown, unknown> }
  /** Set by a proxy of a guarded model: `invoke` passes the input on as stated, so that the boundary records every refusal. */
  readonly inputChecks?: 'where-it-runs'
  /** For whom values are held that stand in for missing ones: the caller unless stated, of whom there may be several sessions. */
  holder?(call: Pick<RunContext, 'caller' | 'statedInput'>): string
  /** Decides before anything is read whether the call may go on: admission and authority. Throws a `Fault` to refuse. */
  admit?(context: RunContext): Admitted | Promise<Admitted>
  /** Told of every fault in which a call of this model ends, refusals before `run` included. */
  onFault?(fault: Fault, context: RunContext): void | Promise<void>
  /** Frees what the model holds; calls in flight end first. */
  dispose?(): Promise<void>
}

/** What to do once the work of an admitted call has really ended, which may be after its deadline. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that only decides has nothing to give back
export type Admitted = (() => void) | void

/** What an adapter hands back. Whatever it leaves out, `invoke` fills in. */
export interface RunResult<Out> {
  readonly output: Out
  /** Probability in [0, 1] that the answer is right, calibrated as `descriptor.confidence` says. */
  readonly confidence?: number | undefined
  readonly quality?: Quality | undefined
  readonly warnings?: readonly Warning[] | undefined
  /** What this model itself spent. What its children spent is counted by `context.invoke`. */
  readonly spent?: Spent | undefined
  /** Set by a model that passes on another's answer; otherwise the model itself. */
  readonly servedBy?: readonly ModelReference[] | undefined
  /** Set by a proxy: the attempts made on the other side, in place of the one that would be counted here. */
  readonly usage?: readonly Attempt[] | undefined
}

/** The last item of a stream: the whole answer. */
export interface Final<Out> extends RunResult<Out> {
  readonly final: true
}

/** What a user gets: never a bare value, as OPC UA never gives a value without its status. */
export interface Reply<Out> {
  readonly output: Out
  readonly confidence?: number | undefined
  readonly quality: Quality
  readonly warnings: readonly Warning[]
  /** Every attempt in the whole tree of calls: failed, hedged and parallel ones too. */
  readonly usage: readonly Attempt[]
  /** The models that really answered, in the order in which they were asked. */
  readonly servedBy: readonly ModelReference[]
  readonly elapsedMs: number
}

export type Quality = 'good' | 'uncertain' | 'bad'

export interface Warning {
  /** Stable and machine-readable, kebab-case. */
  readonly code: string
  readonly message: string
  /** JSON Pointer into the input or output. */
  readonly field?: string | undefined
}

export interface ModelReference {
  readonly id: string
  readonly version: string
  /** Which of several running copies; known where a transport was crossed. */
  readonly instance?: string | undefined
}

/** One invocation of one model. `elapsedMs` of a composite contains its children's; `spent` never does. */
export interface Attempt {
  readonly model: ModelReference
  /** `ok`, or the code of the fault that it ended in. */
  readonly outcome: string
  readonly elapsedMs: number
  readonly spent?: Spent | undefined
}

/** What is unknown is absent, never zero. Cached tokens are some of the input's, reasoning tokens some of the output's. */
export interface Spent {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly cachedInputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
  readonly cost?: { readonly amount: number; readonly currency: string } | undefined
}

/** Who asks: the principal that authority, allow-lists and approvals are about. */
export interface Caller {
  readonly id: string
  readonly roles?: readonly string[] | undefined
}

export interface InvokeOptions {
  /** From now, in milliseconds. Mandatory: a call settles by then even when the model hangs. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
  readonly caller?: Caller | undefined
  /** 0 (can wait) to 9 (before all others); 5 unless stated. */
  readonly priority?: number | undefined
  /** W3C `traceparent`; one is begun where none is given. */
  readonly trace?: string | undefined
  /** Is told of the beginning and end of this call and of all calls inside it. */
  readonly tracer?: Tracer | undefined
  /** The same key never causes an effect twice. One is made where none is given. */
  readonly idempotencyKey?: string | undefined
}

/** What a model knows of the call that it answers. */
export interface RunContext {
  readonly callId: string
  /** Absolute, milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
  /** Aborts at the deadline and when the caller gives up. Made when first asked for: whether the call is settled costs nothing. */
  readonly signal: AbortSignal
  readonly isOver: boolean
  readonly caller: Caller
  readonly priority: number
  readonly trace: string
  readonly idempotencyKey: string
  /** The worst quality among the samples of the input. */
  readonly inputQuality: Quality
  /** The input as the caller wrote it, samples and all: what a proxy or an operator passes on. */
  readonly statedInput: unknown
  /** Calls another model inside this call: it gets at most the time that is left, and its usage is counted here. */
  invoke<In, Out, Part>(
    model: Model<In, Out, Part>,
    input: NoInfer<In | Stated<In>>,
    options?: Partial<InvokeOptions>,
  ): Promise<Reply<Out>>
  /** Lists an attempt that ended before the call does, such as a request that is sent again, in the call's usage. */
  count(attempt: Attempt): void
  /** As `invoke`, for an answer in parts. */
  stream<In, Out, Part>(
    model: Model<In, Out, Part>,
    input: NoInfer<In | Stated<In>>,
    options?: Partial<InvokeOptions>,
  ): ReplyStream<Out, Part>
}

/** An answer in parts. Read to its end or left, it ends exactly once: in a reply or in a fault, which the loop throws. */
export interface ReplyStream<Out, Part> extends AsyncIterable<Part> {
  /** The reply at the end. Parts that nobody has read by then are dropped. Rejects with the fault that ended the stream. */
  finish(): Promise<Reply<Out>>
}
