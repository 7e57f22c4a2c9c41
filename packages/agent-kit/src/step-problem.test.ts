import type { ChatInput, ChatOutput, ToolCall } from '@dinrail/core'
import { expect, it } from 'vitest'
import { stepProblem } from './index.ts'

const parameters = { type: 'object', properties: { at: { type: 'number' } } }
const tools = [{ name: 'gauge', description: '', parameters }]
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

/** A step whose calls the tool has answered, by a fault where they are `refused`. */
const answered = (calls: readonly ToolCall[], fault?: object): ChatInput['messages'] => [
  { role: 'assistant', content: calls },
  {
    role: 'tool',
    content: calls.map(({ callId, name }) =>
      fault === undefined
        ? { kind: 'tool-result', callId, name, outcome: 'ok', result: {} }
        : { kind: 'tool-result', callId, name, outcome: 'fault', result: fault },
    ),
  },
]
const refusal = { code: 'invalid-input', message: '/input/at: not a number', field: '/input/at' }
const then = (...steps: ChatInput['messages'][]): ChatInput => ({
  tools,
  messages: [{ role: 'user', content: 'go' }, ...steps.flat()],
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
  ['arguments that break their schema', step(call({ at: 'x' })), after(), undefined],
  [
    'arguments that break their schema after others that were refused',
    step(call({ at: 'y' })),
    then(answered([call({ at: 'x' }, 'gauge', 'a')], refusal)),
    /gauge refused its arguments, .* \/at must be/,
  ],
  [
    'the arguments that were just refused',
    step(call({ at: 1 })),
    then(answered([call({ at: 1 }, 'gauge', 'a')], refusal)),
    /gauge refused its arguments, .* the same/,
  ],
  [
    'arguments that fit after others that were refused',
    step(call({ at: 2 })),
    then(answered([call({ at: 'x' }, 'gauge', 'a')], refusal)),
    undefined,
  ],
  [
    'a call that answered before another was refused',
    step(call({ at: 1 })),
    then(answered([call({ at: 1 }, 'gauge', 'a')]), answered([call({ at: 'x' }, 'gauge', 'b')], refusal)),
    undefined,
  ],
  [
    'a call that was refused for another reason',
    step(call({ at: 1 })),
    then(answered([call({ at: 1 }, 'gauge', 'a')], { code: 'interlocked', message: 'open', field: '/input/at' })),
    undefined,
  ],
  ['a tool that is not there', step(call({}, 'lever')), after(), /no tool 'lever'/],
  ['arguments that are text', step(call('{"at":')), after(), /no JSON object/],
  ['silence', step({ kind: 'reasoning', text: 'hm' }), after(), /neither answers nor calls/],
] as [string, ChatOutput, ChatInput, RegExp | undefined][])('looks at %s', (_, output, input, problem) => {
  if (problem === undefined) expect(stepProblem(output, input)).toBeUndefined()
  else expect(stepProblem(output, input)).toMatch(problem)
})
