import { answerCheck } from '../answer-schema.ts'
import type { AssistantPart, ChatInput, ChatModel, ChatOutput, ChatPart, ToolCall, UserPart } from '../chat.ts'
import { chatOutputProblem } from '../chat-problems.ts'
import { invoke, stream } from '../invoke.ts'
import { expectFault, withModel } from './model-checks.ts'
import type { Check, Need } from './report.ts'

export interface ChatUnderTest {
  /** Makes a fresh model for each check. */
  readonly create: () => ChatModel | Promise<ChatModel>
  /** A conversation that the model answers in words. */
  readonly input: ChatInput
  /** One in which it calls a tool; needed where its card says `tools: true`. */
  readonly calling?: ChatInput
  /** One with a `responseSchema`, which it answers within; needed where its card says how. */
  readonly structured?: ChatInput
  /** How long one answer may take, in milliseconds; 30,000 unless stated. */
  readonly deadlineMs?: number
}

const png: UserPart = { kind: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' }
const pdf: UserPart = { kind: 'document', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'manual.pdf' }
const tool = { name: 'read', description: 'Reads.', parameters: { type: 'object' } }
const finishReasons = ['stop', 'length', 'tool-calls', 'content-filter', 'other']

/** What every model that converses promises beside `modelChecks`. Skips only by what the chat card declares. */
export async function chatChecks(subject: ChatUnderTest): Promise<Check[]> {
  const { create, input, deadlineMs = 30_000 } = subject
  const { descriptor } = await withModel(create as () => ChatModel, async (model) => model)
  const { chat: card, supports } = descriptor
  const modalities = card?.modalities ?? []
  const ask = async (model: ChatModel, asked: ChatInput) => (await invoke(model, asked, { deadlineMs })).output
  const read = (model: ChatModel, asked: ChatInput) => readParts(model, asked, deadlineMs)
  const given = (asked: ChatInput | undefined, name: string): ChatInput => {
    if (asked === undefined) throw new Error(`the chat card declares it, so the kit needs \`${name}\` to see it`)
    return asked
  }
  const check = (
    id: string,
    clause: string,
    title: string,
    run: (model: ChatModel) => unknown,
    needs?: Need,
  ): Check => ({
    id,
    clause,
    title,
    ...(needs && { needs }),
    run: () => withModel(create as () => ChatModel, async (model) => void (await run(model as ChatModel))),
  })
  const refuses = async (model: ChatModel, asked: unknown, code: 'unsupported' | 'invalid-input') =>
    expectFault(invoke(model, asked as ChatInput, { deadlineMs }), code)
  const streams: Need = { what: 'supports.stream', declared: supports.stream === true }
  const tools: Need = { what: 'tools in its chat card', declared: card?.tools === true }
  const schemas: Need = { what: 'structured output in its chat card', declared: card?.structuredOutput !== 'none' }
  const without = (what: string, declared: boolean): Need => ({ what: `chat card without ${what}`, declared })

  return [
    check('chat-card', '12.1', 'the descriptor says what the model converses about and with', () => {
      if (descriptor.task !== 'conversation') throw new Error(`its task is '${descriptor.task}', not 'conversation'`)
      if (card === undefined) throw new Error('it has no chat card')
      if (!modalities.includes('text')) throw new Error('its modalities lack text')
    }),
    check(
      'tools-unsupported',
      '12.1',
      'tools are unsupported where the card has none',
      (model) => refuses(model, { ...input, tools: [tool] }, 'unsupported'),
      without('tools', card?.tools === false),
    ),
    check(
      'parts-unsupported',
      '12.1',
      'images and documents are unsupported where the card does not name them',
      async (model) => {
        for (const part of [png, pdf])
          if (!modalities.includes(part.kind))
            await refuses(model, { messages: [{ role: 'user', content: [part] }] }, 'unsupported')
      },
      without('images or documents', !modalities.includes('image') || !modalities.includes('document')),
    ),
    check(
      'schema-unsupported',
      '12.1',
      'a schema is unsupported where the card says that none is kept',
      (model) => refuses(model, { ...input, responseSchema: { type: 'object' } }, 'unsupported'),
      without('structured output', card?.structuredOutput === 'none'),
    ),
    check('conversation-refused', '12.2', 'what is no conversation is invalid-input', async (model) => {
      for (const messages of notConversations(input)) await refuses(model, { messages }, 'invalid-input')
    }),
    check('tools-refused', '12.3', 'tools without a right name of their own are invalid-input', async (model) => {
      const named = (name: string) => ({ ...tool, name })
      for (const wrong of [[named('a/b')], [named('')], [named('x'.repeat(65))], [tool, tool]])
        await refuses(model, { ...input, tools: wrong }, 'invalid-input')
      await refuses(model, { ...input, tools: [tool], toolChoice: { name: 'another' } }, 'invalid-input')
    }),
    check(
      'answer-form',
      '12.4',
      'an answer says why it ended, who answered and what is known of its tokens',
      async (model) => {
        expectForm(await ask(model, input))
      },
    ),
    check(
      'calls-apart',
      '12.4',
      'no call has the id of another, also of an earlier turn',
      async (model) => {
        const calling = given(subject.calling, 'calling')
        const first = callsOf((await ask(model, calling)).content)
        if (first.length === 0) throw new Error('it called no tool')
        const again = await withModel(create as () => ChatModel, (fresh) =>
          ask(fresh as ChatModel, continued(calling, first)),
        )
        const ids = [...first, ...callsOf(again.content)].map(({ callId }) => callId)
        if (new Set(ids).size < ids.length) throw new Error(`of the ids ${ids.join(', ')} one stands for two calls`)
      },
      tools,
    ),
    check(
      'deltas-add-up',
      '12.5',
      'deltas of text and of reasoning add up to the answer',
      async (model) => {
        const { parts, output } = await read(model, input)
        for (const kind of ['text', 'reasoning'] as const) expectSum(kind, parts, output)
      },
      streams,
    ),
    check(
      'calls-whole',
      '12.5',
      'a call is announced, grows and comes whole, once',
      async (model) => {
        const { parts, output } = await read(model, given(subject.calling, 'calling'))
        const calls = callsOf(output.content)
        const whole = parts.flatMap((part) => (part.kind === 'tool-call' ? [part.call] : []))
        if (JSON.stringify(whole) !== JSON.stringify(calls))
          throw new Error(`${whole.length} calls came whole, the answer has ${calls.length}, or they differ`)
        for (const call of calls) expectGrowth(call, parts)
      },
      { what: 'stream and tools', declared: streams.declared && tools.declared },
    ),
    check(
      'schema-kept',
      '12.6',
      'an answer within a schema keeps it, and says how it came to',
      async (model) => {
        const asked = given(subject.structured, 'structured')
        const { structured } = await ask(model, asked)
        if (structured === undefined) throw new Error('the answer holds no `structured`')
        if (!['native', 'tool-call', 'prompt'].includes(structured.by) || typeof structured.repaired !== 'boolean')
          throw new Error(`it does not say how it came to its schema: ${JSON.stringify(structured)}`)
        const problem = answerCheck(asked.responseSchema ?? {})(structured.value)
        if (problem !== undefined) throw new Error(`the answer breaks its schema: ${problem}`)
      },
      schemas,
    ),
    check(
      'schema-uncheckable',
      '12.6',
      'a schema that cannot be checked is unsupported',
      async (model) => {
        for (const responseSchema of [{ patternProperties: { '^(a+)+$': {} } }, { $ref: 'https://example.com/s.json' }])
          await refuses(model, { ...input, responseSchema }, 'unsupported')
      },
      schemas,
    ),
  ]
}

async function readParts(
  model: ChatModel,
  asked: ChatInput,
  deadlineMs: number,
): Promise<{ readonly parts: readonly ChatPart[]; readonly output: ChatOutput }> {
  const answer = stream(model, asked, { deadlineMs })
  const parts: ChatPart[] = []
  for await (const part of answer) parts.push(part)
  return { parts, output: (await answer.finish()).output }
}

function notConversations({ messages }: ChatInput): unknown[] {
  const call = { kind: 'tool-call', callId: 'kit-1', name: 'read', arguments: {} }
  const result = { kind: 'tool-result', callId: 'kit-1', name: 'read', outcome: 'ok', result: 1 }
  const asked = { role: 'assistant', content: [call] }
  return [
    [],
    [{ role: 'oracle', content: 'x' }],
    [{ role: 'user', content: 3 }],
    [{ role: 'user', content: [{ kind: 'image', mediaType: 'image/png', data: 'no base64!' }] }],
    [{ role: 'user', content: '\ud800' }],
    [...messages, { role: 'tool', content: [result] }],
    [...messages, asked, asked],
    [...messages, asked, { role: 'tool', content: [result, result] }],
  ]
}

/** The conversation after its calls were answered, with the same question again. */
function continued(asked: ChatInput, calls: readonly ToolCall[]): ChatInput {
  const results = calls.map(
    ({ callId, name }) => ({ callId, name, kind: 'tool-result', outcome: 'ok', result: 1 }) as const,
  )
  const question = asked.messages.findLast(({ role }) => role === 'user')
  return {
    ...asked,
    messages: [
      ...asked.messages,
      { role: 'assistant', content: calls },
      { role: 'tool', content: results },
      ...(question ? [question] : []),
    ],
  }
}

function callsOf(content: readonly AssistantPart[]): ToolCall[] {
  return content.filter((part) => part.kind === 'tool-call')
}

function expectForm(output: ChatOutput): void {
  const problem = chatOutputProblem(output)
  if (problem !== undefined) throw new Error(`${problem.path.join('/')} ${problem.message}`)
  if (!finishReasons.includes(output.finishReason))
    throw new Error(`it ended for '${output.finishReason}', which is no reason`)
  if (output.answeredBy === '') throw new Error('it does not say who answered')
  const { input: read, output: written, cachedInput, reasoning } = output.tokens
  if ((cachedInput ?? 0) > (read ?? Number.POSITIVE_INFINITY))
    throw new Error('more tokens came from its cache than it read')
  if ((reasoning ?? 0) > (written ?? Number.POSITIVE_INFINITY))
    throw new Error('more tokens are reasoning than it wrote')
}

function expectSum(kind: 'text' | 'reasoning', parts: readonly ChatPart[], { content }: ChatOutput): void {
  const sum = parts.flatMap((part) => ('text' in part && part.kind === `${kind}-delta` ? [part.text] : [])).join('')
  const whole = content.flatMap((part) => (part.kind === kind ? [part.text] : [])).join('')
  if (sum !== whole)
    throw new Error(
      `its deltas of ${kind} add up to ${JSON.stringify(sum.slice(0, 80))}, the answer holds ${JSON.stringify(whole.slice(0, 80))}`,
    )
}

/** The start first, then pieces that add up to the arguments, then the whole; both may be left out. */
function expectGrowth(call: ToolCall, parts: readonly ChatPart[]): void {
  const own = parts.filter(
    (part) => (part.kind === 'tool-call' ? part.call.callId : 'callId' in part ? part.callId : '') === call.callId,
  )
  if (own.at(-1)?.kind !== 'tool-call') throw new Error(`the call ${call.callId} goes on after it came whole`)
  if (own.length > 1 && own[0]?.kind !== 'tool-call-start')
    throw new Error(`the call ${call.callId} grows before it is announced`)
  const deltas = own.flatMap((part) => (part.kind === 'tool-call-delta' ? [part.text] : []))
  if (deltas.length === 0) return
  const text = deltas.join('')
  const same = typeof call.arguments === 'string' ? text === call.arguments : sameJson(text || '{}', call.arguments)
  if (!same)
    throw new Error(`the arguments of ${call.callId} grow to ${text.slice(0, 80)}, which is not what came whole`)
}

function sameJson(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value)
  } catch {
    return false
  }
}
