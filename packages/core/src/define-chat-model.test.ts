import { describe, expect, it } from 'vitest'
import { type ChatInput, defineChatModel, type Fault, invoke, stream } from './index.ts'

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
