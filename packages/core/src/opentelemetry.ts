import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Descriptor } from './descriptor.ts'
import type { Reply } from './model.ts'
import type { Tracer } from './tracer.ts'

/**
 * Makes spans of calls: names and attributes follow OpenTelemetry's conventions for generative AI where they have one, and begin
 * with `dinrail.` otherwise. A call without a parent continues the span that is active where it was made.
 */
export function openTelemetry(tracer: OpenTelemetryTracer = trace.getTracer('@dinrail/core')): Tracer {
  return {
    start({ descriptor, parent, arrived }) {
      const operation = operationOf(descriptor)
      const span = tracer.startSpan(
        `${operation} ${descriptor.id}`,
        { kind: arrived ? SpanKind.SERVER : SpanKind.INTERNAL, attributes: beginning(descriptor, operation) },
        contextOf(parent),
      )
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        end(outcome) {
          if ('reply' in outcome) span.setAttributes(ending(outcome.reply))
          else {
            const { code, message } = outcome.fault
            span.setAttribute('error.type', code)
            span.setStatus({ code: SpanStatusCode.ERROR, message: `${code}: ${message}` })
          }
          span.end()
        },
      }
    },
  }
}

const operations = { model: 'invoke_model', tool: 'execute_tool', agent: 'invoke_agent' } as const

function operationOf({ kind, chat }: Descriptor): string {
  return chat === undefined ? operations[kind] : 'chat'
}

function beginning({ id, version, task, effect }: Descriptor, operation: string): Attributes {
  return {
    'gen_ai.operation.name': operation,
    ...(operation === 'chat' && { 'gen_ai.request.model': id }),
    ...(operation === 'execute_tool' && { 'gen_ai.tool.name': id }),
    ...(operation === 'invoke_agent' && { 'gen_ai.agent.id': id }),
    'dinrail.model.id': id,
    'dinrail.model.version': version,
    'dinrail.task': task,
    'dinrail.effect': effect,
  }
}

function ending({ quality, confidence, usage, output }: Reply<unknown>): Attributes {
  const spent = usage.at(-1)?.spent
  const answeredBy = (output as { answeredBy?: unknown } | null)?.answeredBy
  return {
    'dinrail.quality': quality,
    ...(confidence !== undefined && { 'dinrail.confidence': confidence }),
    ...(typeof answeredBy === 'string' && { 'gen_ai.response.model': answeredBy }),
    ...(spent?.inputTokens !== undefined && { 'gen_ai.usage.input_tokens': spent.inputTokens }),
    ...(spent?.outputTokens !== undefined && { 'gen_ai.usage.output_tokens': spent.outputTokens }),
    ...(spent?.cachedInputTokens !== undefined && {
      'gen_ai.usage.cache_read.input_tokens': spent.cachedInputTokens,
    }),
    ...(spent?.reasoningTokens !== undefined && { 'dinrail.usage.reasoning_tokens': spent.reasoningTokens }),
  }
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

function contextOf(parent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparentPattern.exec(parent ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return context.active()
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : context.active()
}
