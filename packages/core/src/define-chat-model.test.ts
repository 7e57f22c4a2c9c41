import { expect, it } from 'vitest'
import { type ChatDefinition, defineChatModel } from './index.ts'

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
