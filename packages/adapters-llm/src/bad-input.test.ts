import { type ChatInput, type ChatModel, type Fault, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AiSdkModel, anthropicModel, chatModel, fromAiSdk, playbook, type Sender, scriptedModel } from './index.ts'
import { type Answers, completion, hello, json, serverThat, text } from './local-server.test-support.ts'

const bounds = { deadlineMs: 5_000 }
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

/** Every adapter, and whether anything behind it was asked. */
function adapters(): readonly (readonly [string, ChatModel, () => boolean])[] {
  let asked = false
  const was = () => asked
  const ask = (): never => {
    asked = true
    throw new Error('it was asked')
  }
  const send: Sender = async () => ask()
  const provider: AiSdkModel = {
    specificationVersion: 'v3',
    provider: 'lab',
    modelId: 'm',
    doGenerate: ask,
    doStream: ask,
  }
  const options = { baseUrl: 'http://plant/v1', model: 'm', send, retries: 0 }
  return [
    ['chatModel', chatModel(options), was],
    ['anthropicModel', anthropicModel(options), was],
    ['fromAiSdk', fromAiSdk(provider), was],
    ['playbook', playbook({ rules: [{ name: 'any', when: ask, do: ask }] }), was],
    ['scriptedModel', scriptedModel([ask]), was],
  ]
}

const call = { kind: 'tool-call', callId: 'a', name: 'x', arguments: {} } as const
const result = { kind: 'tool-result', callId: 'a', name: 'x', outcome: 'ok', result: 1 } as const

const answered = (other: object) => [
  { role: 'assistant', content: [call] },
  { role: 'tool', content: [{ ...result, ...other }] },
]
const endless: { self?: unknown } = {}
endless.self = endless

describe('bad input is refused before anything is asked, whole and in parts', () => {
  it.each([
    ['no messages', []],
    ['a message without parts', [{ role: 'user', content: [] }]],
    ['a result without its call', [{ role: 'tool', content: [result] }]],
    ['a call id twice', [{ role: 'assistant', content: [call, call] }]],
    [
      'two results of one call',
      [
        { role: 'assistant', content: [call] },
        { role: 'tool', content: [result, result] },
      ],
    ],
    ['a call without a name', [{ role: 'assistant', content: [{ ...call, name: undefined }] }]],
    ['a result without its outcome', answered({ outcome: undefined })],
    ['a result that is no JSON', answered({ result: 5n })],
    ['a result that holds itself', answered({ result: endless })],
    ['a result of ten million characters', answered({ result: { log: 'x'.repeat(10_000_000) } })],
    ['ten million characters', [{ role: 'user', content: 'x'.repeat(10_000_000) }]],
    ['what no UTF-8 carries', [{ role: 'user', content: 'a\udc00b' }]],
  ])('%s', async (_what, messages) => {
    for (const [name, model, wasAsked] of adapters()) {
      const input = { messages } as unknown as ChatInput
      for (const ending of [invoke(model, input, bounds), stream(model, input, bounds).finish()])
        expect(await faultOf(ending), name).toMatchObject({
          code: 'invalid-input',
          field: expect.stringMatching('^/input/messages'),
        })
      expect(wasAsked(), name).toBe(false)
    }
  })
})

it.each([
  ['a choice that is null', { toolChoice: null }, '/input/toolChoice', /'required' or { name }/],
  ['a choice that only one server knows', { toolChoice: 'any' }, '/input/toolChoice', /'required' or { name }/],
  ['a tool without a description', { tools: [{ name: 'x', parameters: {} }] }, '/input/tools/0/description', /text/],
  ['a tool without parameters', { tools: [{ name: 'x', description: '' }] }, '/input/tools/0/parameters', /Schema/],
  ['a schema of zod', { responseSchema: z.object({}) }, '/input/responseSchema', /z\.toJSONSchema/],
  ['a list for a schema', { responseSchema: [] }, '/input/responseSchema', /JSON Schema/],
])('a setting that makes no sense is refused before anything is asked: %s', async (_what, setting, field, message) => {
  for (const [name, model, wasAsked] of adapters()) {
    const input = { ...hello, ...setting } as unknown as ChatInput
    expect(await faultOf(invoke(model, input, bounds)), name).toMatchObject({ code: 'invalid-input', field, message })
    expect(wasAsked(), name).toBe(false)
  }
})

describe('what a server makes of it', () => {
  const speed = { name: 'speed', description: 'Sets it.', parameters: { type: 'object', required: ['v'] } }
  const input: ChatInput = { ...hello, tools: [speed] }
  const calling = (given: string) =>
    json(completion({ tool_calls: [{ id: 'c', function: { name: 'speed', arguments: given } }] }, 'tool_calls'))
  const using = (given: object) =>
    json({
      type: 'message',
      content: [{ type: 'tool_use', id: 'c', name: 'speed', input: given }],
      stop_reason: 'tool_use',
    })
  const error = (status: number, type: string, message: string) =>
    json({ type: 'error', error: { type, message } }, status)
  const page = text('<!doctype html><title>Welcome</title>', 'text/html')

  it.each([
    ['arguments that are no JSON, twice', chatModel, calling('{v: 1}'), 'invalid-output', 2],
    ['arguments that break their schema, twice', chatModel, calling('{}'), 'invalid-output', 2],
    ['arguments that break their schema, twice', anthropicModel, using({}), 'invalid-output', 2],
    ['an unknown model', chatModel, error(404, 'not_found', 'no model `m`'), 'not-found', 1],
    ['an unknown model', anthropicModel, error(404, 'not_found_error', 'model: m'), 'not-found', 1],
    ['a web page', chatModel, page, 'unavailable', 1],
    ['a web page', anthropicModel, page, 'unavailable', 1],
    ['an expired key', chatModel, error(401, 'invalid_request_error', 'key expired'), 'denied', 1],
    ['an expired key', anthropicModel, error(401, 'authentication_error', 'invalid x-api-key'), 'denied', 1],
  ] as const satisfies readonly (readonly [string, unknown, Answers, string, number])[])(
    '%s is a named fault, and nobody asks for ever',
    async (_what, make, answers, code, requests) => {
      const server = await serverThat(answers)
      const fault = await faultOf(invoke(make({ baseUrl: server.url, model: 'm' }), input, bounds))
      expect(fault).toMatchObject({ code, retryable: false })
      expect(server.asked).toHaveLength(requests)
    },
  )
})
