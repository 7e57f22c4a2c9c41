import { describe, expect, it } from 'vitest'
import { type ChatDefinition, type ChatInput, defineChatModel, type Fault, invoke, stream } from './index.ts'

const responseSchema = { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] }
const input: ChatInput = { messages: [{ role: 'user', content: 'How bad?' }], responseSchema }
const spent = { inputTokens: 5, outputTokens: 2 }
const answer = {
  output: {
    content: [{ kind: 'text', text: '{"level":"high"}' }],
    finishReason: 'stop',
    answeredBy: 'tiny',
    tokens: {},
  },
  spent,
} as const
const model = defineChatModel({
  id: 'acme/chat',
  version: '1.0.0',
  title: 'Chat',
  chat: { tools: true, structuredOutput: 'native', modalities: ['text'] },
  run: async () => answer,
  async *stream() {
    yield { kind: 'text-delta', text: '{"level":"high"}' }
    yield { final: true, ...answer }
  },
})
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('an answer outside its responseSchema', () => {
  it.each([
    ['at once', () => invoke(model, input, { deadlineMs: 500 })],
    ['in parts', () => stream(model, input, { deadlineMs: 500 }).finish()],
  ])('is a fault that counts what it took, %s', async (_, ask) => {
    const fault = await faultOf(ask())
    expect(fault).toMatchObject({ code: 'invalid-output', message: /tiny answered outside .*level/ })
    expect(fault.usage).toMatchObject([{ model: { id: 'acme/chat' }, outcome: 'invalid-output', spent }])
    expect(fault.usage).toHaveLength(1)
  })
})

const stated = {
  id: 'vendor/echo',
  version: '1.0.0',
  title: 'Echo',
  chat: { tools: false, structuredOutput: 'none', modalities: ['text'] },
  run: async () => ({ output: { content: [], finishReason: 'stop', answeredBy: 'echo', tokens: {} } }),
} as const satisfies ChatDefinition

it.each([
  ['an id that is none', { id: 'Echo' }, /id "Echo" is not maker\/name/],
  ['a version that is none', { version: '1' }, /version "1"/],
  ['no title', { title: '' }, /title is missing/],
  ['no card', { chat: undefined }, /chat\.tools is undefined/],
  [
    'a way to keep schemas that nobody knows',
    { chat: { ...stated.chat, structuredOutput: 'json' } },
    /"json" is not native/,
  ],
  ['a modality that nobody knows', { chat: { ...stated.chat, modalities: ['txt'] } }, /\["txt"\] is no list of text/],
  ['a context that is none', { chat: { ...stated.chat, contextTokens: '8k' } }, /contextTokens is "8k"/],
])('a chat model with %s is a mistake that is found at once', (_what, wrong, message) => {
  expect(() => defineChatModel({ ...stated, ...wrong } as unknown as ChatDefinition)).toThrow(message)
  expect(() => defineChatModel(stated)).not.toThrow()
})
