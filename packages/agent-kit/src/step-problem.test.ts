import type { ChatInput, ChatOutput, ToolCall } from '@dinrail/core'
import { expect, it } from 'vitest'
import { stepProblem } from './index.ts'

const tools = [{ name: 'gauge', description: '', parameters: { type: 'object' } }]
const call = (given: unknown, name = 'gauge', callId = 'x'): ToolCall => ({
  kind: 'tool-call',
  callId,
  name,
  arguments: given,
})
const step = (...content: ChatOutput['content']): ChatOutput => ({
  content,
  finishReason: 'stop',
  answeredBy: 'm',
  tokens: {},
})
const after = (...calls: ToolCall[]): ChatInput => ({
  tools,
  messages: [{ role: 'user', content: 'go' }, ...calls.map((one) => ({ role: 'assistant' as const, content: [one] }))],
})

it.each([
  ['an answer', step({ kind: 'text', text: 'done' }), after(), undefined],
  ['a call', step(call({ at: 1 })), after(), undefined],
  ['a second look', step(call({ at: 1 })), after(call({ at: 1 }, 'gauge', 'a')), undefined],
  [
    'a loop',
    step(call({ b: 2, a: 1 })),
    after(call({ a: 1, b: 2 }, 'gauge', 'a'), call({ a: 1, b: 2 }, 'gauge', 'b')),
    /again, after 2 times/,
  ],
  [
    'a loop in one step',
    step(call({}, 'gauge', 'a'), call({}, 'gauge', 'b'), call({}, 'gauge', 'c')),
    after(),
    /again/,
  ],
  ['a tool that is not there', step(call({}, 'lever')), after(), /no tool 'lever'/],
  ['arguments that are text', step(call('{"at":')), after(), /no JSON object/],
  ['silence', step({ kind: 'reasoning', text: 'hm' }), after(), /neither answers nor calls/],
] as [string, ChatOutput, ChatInput, RegExp | undefined][])('looks at %s', (_, output, input, problem) => {
  if (problem === undefined) expect(stepProblem(output, input)).toBeUndefined()
  else expect(stepProblem(output, input)).toMatch(problem)
})
