import { describe, expect, it } from 'vitest'
import { chatChecks, toReport } from '../conformance.ts'
import {
  type AssistantPart,
  type ChatCard,
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  defineChatModel,
  type Final,
  invoke,
} from '../index.ts'

const hello: ChatInput = { messages: [{ role: 'user', content: 'hello' }] }
const subject = {
  input: hello,
  calling: { ...hello, tools: [{ name: 'read', description: 'Reads.', parameters: { type: 'object' } }] },
  structured: {
    ...hello,
    responseSchema: { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] },
  },
  deadlineMs: 2_000,
}
const everything: ChatCard = { tools: true, structuredOutput: 'native', modalities: ['text', 'image', 'document'] }
const nothing: ChatCard = { tools: false, structuredOutput: 'none', modalities: ['text'] }

function answerTo(input: ChatInput): ChatOutput {
  const { messages, tools = [], responseSchema } = input
  const before = messages.filter(({ role }) => role === 'assistant').length
  const call = { kind: 'tool-call', callId: `c${before}`, name: 'read', arguments: { at: 1 } } as const
  const content: AssistantPart[] =
    tools.length > 0
      ? [call]
      : [
          { kind: 'reasoning', text: 'hm' },
          { kind: 'text', text: responseSchema ? '{"level":1}' : 'hello' },
        ]
  return {
    content,
    finishReason: tools.length > 0 ? 'tool-calls' : 'stop',
    answeredBy: 'kit',
    tokens: { input: 3, cachedInput: 2 },
  }
}

function* partsOf(part: AssistantPart): Generator<ChatPart> {
  if (part.kind !== 'tool-call') {
    for (const sign of part.text) yield { kind: `${part.kind}-delta`, text: sign }
    return
  }
  const { callId, name } = part
  yield { kind: 'tool-call-start', callId, name }
  for (const sign of JSON.stringify(part.arguments)) yield { kind: 'tool-call-delta', callId, text: sign }
  yield { kind: 'tool-call', call: part }
}

function whole(chat: ChatCard = everything): ChatModel {
  return defineChatModel({
    id: 'kit/whole',
    version: '1.0.0',
    title: 'Keeps every promise',
    chat,
    run: async (input) => ({ output: answerTo(input) }),
    async *stream(input): AsyncIterable<ChatPart | Final<ChatOutput>> {
      const output = answerTo(input)
      for (const part of output.content) yield* partsOf(part)
      yield { final: true, output }
    },
  })
}

/** An implementation in another hand: what the model says, changed; its parts, changed; or without looking at what it is asked. */
function careless(
  model: ChatModel,
  change: {
    readonly output?: (output: ChatOutput) => object
    readonly parts?: (part: ChatPart) => readonly ChatPart[]
    readonly asked?: (input: ChatInput) => ChatInput
  },
): ChatModel {
  const { output: said = (output) => output, parts = (part) => [part], asked = (input) => input } = change
  return {
    descriptor: model.descriptor,
    inputChecks: 'where-it-runs',
    async run(input) {
      const { output } = await invoke(model, asked(input), { deadlineMs: 1_000 })
      return { output: said(output) as ChatOutput }
    },
    async *stream(input, context) {
      for await (const item of model.stream?.(asked(input), context) ?? [])
        if ('final' in item) yield { ...item, output: said(item.output) as ChatOutput }
        else yield* parts(item)
    },
  }
}
const withCard = (change: object) => {
  const model = whole()
  return { ...model, descriptor: { ...model.descriptor, ...change } } as ChatModel
}
/** Takes everything for a greeting that fits. */
const deaf = (fits: (input: ChatInput) => boolean) => ({ asked: (input: ChatInput) => (fits(input) ? hello : input) })
const text = ({ messages }: ChatInput) => JSON.stringify(messages ?? null)

/** Each breaks one promise, and the kit must name exactly that one. */
const mutants: Record<string, readonly [ChatCard, () => ChatModel]> = {
  'chat-card': [everything, () => withCard({ task: 'small-talk' })],
  'tools-unsupported': [
    nothing,
    () =>
      careless(
        whole(nothing),
        deaf(({ tools, toolChoice }) => tools?.[0]?.name === 'read' && tools.length === 1 && toolChoice === undefined),
      ),
  ],
  'parts-unsupported': [
    nothing,
    () =>
      careless(
        whole(nothing),
        deaf((input) => text(input).includes('iVBOR')),
      ),
  ],
  'schema-unsupported': [
    nothing,
    () =>
      careless(
        whole(nothing),
        deaf(({ responseSchema }) => responseSchema !== undefined),
      ),
  ],
  'conversation-refused': [
    everything,
    () =>
      careless(
        whole(),
        deaf((input) => text(input).includes('oracle')),
      ),
  ],
  'tools-refused': [
    everything,
    () =>
      careless(
        whole(),
        deaf(({ tools }) => tools?.[0]?.name === 'a/b'),
      ),
  ],
  'answer-form': [
    everything,
    () =>
      careless(whole(), {
        output: (output) =>
          output.content.length > 1 && output.structured === undefined
            ? { ...output, tokens: { output: Number.NaN } }
            : output,
      }),
  ],
  'calls-apart': [
    everything,
    () =>
      careless(whole(), {
        output: (output) => ({
          ...output,
          content: output.content.map((part) =>
            part.kind === 'tool-call' && part.callId === 'c1' ? { ...part, callId: 'c0' } : part,
          ),
        }),
      }),
  ],
  'deltas-add-up': [
    everything,
    () => careless(whole(), { parts: (part) => (part.kind === 'text-delta' && part.text === 'l' ? [] : [part]) }),
  ],
  'calls-whole': [
    everything,
    () => careless(whole(), { parts: (part) => (part.kind === 'tool-call-start' ? [] : [part]) }),
  ],
  'schema-kept': [
    everything,
    () =>
      careless(whole(), {
        output: (output) =>
          output.structured ? { ...output, structured: { ...output.structured, value: {} } } : output,
      }),
  ],
  'schema-uncheckable': [
    everything,
    () =>
      careless(
        whole(),
        deaf(({ responseSchema }) => responseSchema?.patternProperties !== undefined),
      ),
  ],
}

const reportOf = async (create: () => ChatModel) => toReport(await chatChecks({ ...subject, create }))
const failed = ({ results }: Awaited<ReturnType<typeof reportOf>>) =>
  results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)

describe('the chat kit', () => {
  it.each([
    ['everything', everything],
    ['nothing', nothing],
  ])('passes a model that keeps its promises and can do %s', async (_, card) => {
    const report = await reportOf(() => whole(card))
    expect(report.text).not.toContain('✗')
    expect(report.conforms).toBe(true)
  })

  it.each(Object.keys(mutants))('names the one promise that a mutant breaks: %s', async (id) => {
    const [, create] = mutants[id]!
    expect(failed(await reportOf(create))).toEqual([id])
  })

  it('has a mutant for every check, and skips none for all subjects', async () => {
    const checks = (
      await Promise.all([everything, nothing].map((card) => chatChecks({ ...subject, create: () => whole(card) })))
    ).flat()
    const ids = new Set(checks.map(({ id }) => id))
    expect(new Set(Object.keys(mutants))).toEqual(ids)
    expect(new Set(checks.filter(({ needs }) => needs?.declared !== false).map(({ id }) => id))).toEqual(ids)
  })

  it('does not pass what it was not shown', async () => {
    const report = await toReport(await chatChecks({ create: () => whole(), input: hello }))
    expect(failed(report)).toEqual(['calls-apart', 'calls-whole', 'schema-kept'])
  })
})
