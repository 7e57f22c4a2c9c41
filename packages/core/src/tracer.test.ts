import { trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect, defineModel, inProcessTransport, invoke, serve, stream, type Tracer } from './index.ts'
import { openTelemetry } from './opentelemetry.ts'

const contract = { id: 'acme/inner', input: z.object({ x: z.number() }), output: z.object({ x: z.number() }) }
const about = { version: '1.0.0', task: 'process-analysis' }
const inner = defineModel({
  ...contract,
  ...about,
  title: 'Inner',
  run: ({ x }) => {
    if (x < 0) throw new Error('below zero')
    return { output: { x }, confidence: 0.7, spent: { inputTokens: 3, outputTokens: 5 } }
  },
})

function recorded() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { tracer: openTelemetry(provider.getTracer('test')), spans: () => exporter.getFinishedSpans() }
}

describe('OpenTelemetry spans', () => {
  it('follow a call through a transport into the model, in one trace, under standard names', async () => {
    const { tracer, spans } = recorded()
    const transport = inProcessTransport()
    await serve(inner, transport, { tracer })
    const proxy = await connect(transport, contract, { deadlineMs: 500 })
    const outer = defineModel({
      ...contract,
      ...about,
      id: 'acme/outer',
      kind: 'agent',
      title: 'Outer',
      run: async (input, context) => ({ output: (await context.invoke(proxy, input)).output }),
    })
    await invoke(outer, { x: 1 }, { deadlineMs: 500, tracer })

    const [there, here, root] = spans()
    expect(spans().map(({ name }) => name)).toEqual([
      'invoke_model acme/inner',
      'invoke_model acme/inner',
      'invoke_agent acme/outer',
    ])
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1)
    expect(here?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId)
    expect(there?.parentSpanContext?.spanId).toBe(here?.spanContext().spanId)
    expect([root?.kind, here?.kind, there?.kind]).toEqual([0, 0, 1])
    expect(there?.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_model',
      'dinrail.model.id': 'acme/inner',
      'dinrail.quality': 'good',
      'dinrail.confidence': 0.7,
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 5,
    })
  })

  it('end with the code of the fault', async () => {
    const { tracer, spans } = recorded()
    await invoke(inner, { x: -1 }, { deadlineMs: 500, tracer }).catch(() => {})
    expect(spans()[0]).toMatchObject({
      attributes: { 'error.type': 'internal' },
      status: { code: 2, message: 'internal: below zero' },
    })
  })

  it('are nobody’s cost where nobody listens', async () => {
    await invoke(inner, { x: 1 }, { deadlineMs: 500, tracer: openTelemetry(trace.getTracer('no provider')) })
    expect((await invoke(inner, { x: 1 }, { deadlineMs: 500 })).output.x).toBe(1)
  })
})

describe('a tracer that throws', () => {
  const warned = defineModel({
    ...contract,
    ...about,
    title: 'Warned',
    run({ x }, { trace }) {
      if (x < 0) throw new Error('below zero')
      return { output: { x }, warnings: [{ code: 'traced', message: trace.slice(0, 3) }] }
    },
    async *stream({ x }: { x: number }) {
      yield x
      yield { final: true, output: { x } } as const
    },
  })
  const down = () => {
    throw new Error('the exporter is down')
  }
  const failed = { code: 'tracer-failed', message: 'the tracer failed: the exporter is down' }
  const tracers: Record<string, Tracer> = {
    'at the beginning': { start: down },
    'at the end': { start: () => ({ traceparent: '00-of-the-tracer', end: down }) },
    'where it hands back nothing': { start: () => undefined as never },
  }

  it.each(Object.keys(tracers))('%s, changes no answer, which warns of it once', async (when) => {
    const bounds = { deadlineMs: 500, tracer: tracers[when] }
    const reply = await invoke(warned, { x: 1 }, bounds)
    expect(reply.output).toEqual({ x: 1 })
    expect(reply.warnings.map(({ code }) => code).sort()).toEqual(['traced', 'tracer-failed'])
    expect(reply.warnings).toContainEqual({ code: 'traced', message: '00-' })
    const parts = stream(warned, { x: 1 }, bounds)
    expect((await parts.finish()).warnings.map(({ code }) => code)).toEqual(['tracer-failed'])
    if (when !== 'where it hands back nothing') expect(reply.warnings).toContainEqual(failed)
  })

  it.each(Object.keys(tracers))('%s, changes no fault', async (when) => {
    const fault = invoke(warned, { x: -1 }, { deadlineMs: 500, tracer: tracers[when] })
    await expect(fault).rejects.toMatchObject({ code: 'internal', message: 'below zero' })
  })

  it('keeps nobody from leaving a stream', async () => {
    const parts = stream(warned, { x: 1 }, { deadlineMs: 500, tracer: tracers['at the end'] })
    for await (const part of parts) {
      expect(part).toBe(1)
      break
    }
  })
})
