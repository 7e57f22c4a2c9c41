import type { Descriptor } from './descriptor.ts'
import type { FaultCode } from './fault.ts'
import type { Reply } from './model.ts'

/** Is told of every call, here and inside it. `@dinrail/core/opentelemetry` makes one of OpenTelemetry. */
export interface Tracer {
  start(call: SpanStart): Span
}

export interface SpanStart {
  /** `{operation} {model}`, as OpenTelemetry names spans of generative AI. */
  readonly name: string
  /** `server` for a call that arrived over a transport. */
  readonly kind: 'internal' | 'server'
  /** OpenTelemetry's `gen_ai.*` names, and `dinrail.*` where it has none. */
  readonly attributes: Attributes
  /** W3C `traceparent` of the span around this one; absent at the root. */
  readonly parent: string | undefined
}

export interface Span {
  /** W3C `traceparent` of this span: children and other machines continue it. */
  readonly traceparent: string
  end(attributes: Attributes, fault?: { readonly code: FaultCode; readonly message: string }): void
}

export type Attributes = Readonly<Record<string, string | number | boolean>>

const operations = { model: 'invoke_model', tool: 'execute_tool', agent: 'invoke_agent' } as const

export function startSpan(
  tracer: Tracer,
  { id, version, kind, task, effect, chat }: Descriptor,
  parent: string | undefined,
): Span {
  const operation = chat === undefined ? operations[kind] : 'chat'
  const attributes = {
    'gen_ai.operation.name': operation,
    ...(operation === 'chat' && { 'gen_ai.request.model': id }),
    ...(operation === 'execute_tool' && { 'gen_ai.tool.name': id }),
    ...(operation === 'invoke_agent' && { 'gen_ai.agent.id': id }),
    'dinrail.model.id': id,
    'dinrail.model.version': version,
    'dinrail.task': task,
    'dinrail.effect': effect,
  }
  return tracer.start({ name: `${operation} ${id}`, kind: 'internal', attributes, parent })
}

export function endOfReply({ quality, confidence, usage, output }: Reply<unknown>): Attributes {
  const spent = usage.at(-1)?.spent
  const answeredBy = (output as { answeredBy?: unknown } | null)?.answeredBy
  return {
    'dinrail.quality': quality,
    ...(confidence !== undefined && { 'dinrail.confidence': confidence }),
    ...(typeof answeredBy === 'string' && { 'gen_ai.response.model': answeredBy }),
    ...(spent?.inputTokens !== undefined && { 'gen_ai.usage.input_tokens': spent.inputTokens }),
    ...(spent?.outputTokens !== undefined && { 'gen_ai.usage.output_tokens': spent.outputTokens }),
  }
}
