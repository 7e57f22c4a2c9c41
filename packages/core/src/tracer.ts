import type { Descriptor } from './descriptor.ts'
import type { Fault } from './fault.ts'
import type { Reply } from './model.ts'

/**
 * Is told of every call, here and inside it. `@dinrail/core/opentelemetry` makes one of OpenTelemetry. It watches and decides
 * nothing: what it throws is the warning `tracer-failed` of the call's reply, and a fault stays the fault that it is.
 */
export interface Tracer {
  start(call: TracedCall): Span
}

export interface TracedCall {
  readonly descriptor: Descriptor
  /** W3C `traceparent` of the call around this one, here or on another machine; absent at the root. */
  readonly parent: string | undefined
  /** Whether it arrived over a transport. */
  readonly arrived: boolean
}

export interface Span {
  /** W3C `traceparent` of this span: children and other machines continue it. */
  readonly traceparent: string
  end(outcome: { readonly reply: Reply<unknown> } | { readonly fault: Fault }): void
}
