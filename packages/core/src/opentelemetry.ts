import {
  type Context,
  context,
  isSpanContextValid,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Tracer } from './tracer.ts'

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER } as const
const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/**
 * Makes spans of calls: names and attributes follow OpenTelemetry's conventions for generative AI where they have one. A call
 * without a parent of its own continues the span that is active where it was made.
 */
export function openTelemetry(tracer: OpenTelemetryTracer = trace.getTracer('@dinrail/core')): Tracer {
  return {
    start({ name, kind, attributes, parent }) {
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(parent))
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        end(more, fault) {
          span.setAttributes(more)
          if (fault !== undefined)
            span.setStatus({ code: SpanStatusCode.ERROR, message: `${fault.code}: ${fault.message}` })
          span.end()
        },
      }
    },
  }
}

function contextOf(parent: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparentPattern.exec(parent ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return context.active()
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : context.active()
}
