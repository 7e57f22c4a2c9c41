import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ChatInput, type Fault, invoke, type RunContext } from '@dinrail/core'
import { afterEach, describe, expect, it } from 'vitest'
import { chatModel, playbook, scriptedModel } from './index.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serverThat(
  answers: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    answers(request, response, body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

const json = (response: ServerResponse, body: unknown, status = 200, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const completion = (message: object, finish = 'stop') => ({
  model: 'tiny-7b',
  choices: [{ message, finish_reason: finish }],
  usage: { prompt_tokens: 5, completion_tokens: 2 },
})
const hello: ChatInput = { messages: [{ role: 'user', content: 'hello' }] }
const key = 'sk-very-secret'
const ask = (baseUrl: string, deadlineMs = 5_000, input = hello) =>
  invoke(chatModel({ baseUrl, model: 'Tiny 7B', key }), input, { deadlineMs })
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('a chat model', () => {
  it('asks the server and says what the server calls the model that answered', async () => {
    let asked: { messages: unknown; model: string } | undefined
    const url = await serverThat((_, response, body) => {
      asked = JSON.parse(body)
      json(response, completion({ content: 'hi' }))
    })
    const { output, usage, servedBy } = await ask(url)
    expect(asked).toMatchObject({ model: 'Tiny 7B', messages: [{ role: 'user', content: 'hello' }] })
    expect(output).toEqual({
      content: [{ kind: 'text', text: 'hi' }],
      finishReason: 'stop',
      answeredBy: 'tiny-7b',
      tokens: { input: 5, output: 2 },
    })
    expect(usage[0]?.spent).toEqual({ inputTokens: 5, outputTokens: 2 })
    expect(servedBy[0]?.id).toBe('llm/tiny-7b')
  })

  it('carries a conversation with tools there and back', async () => {
    let asked: unknown
    const url = await serverThat((_, response, body) => {
      asked = JSON.parse(body).messages
      json(
        response,
        completion(
          { content: null, tool_calls: [{ id: 'x', function: { name: 'speed', arguments: '{"v":2}' } }] },
          'tool_calls',
        ),
      )
    })
    const first = { kind: 'tool-call', callId: 'a', name: 'speed', arguments: { v: 1 } } as const
    const input: ChatInput = {
      messages: [
        ...hello.messages,
        { role: 'assistant', content: [first] },
        {
          role: 'tool',
          content: [{ kind: 'tool-result', callId: 'a', name: 'speed', outcome: 'ok', result: { done: true } }],
        },
      ],
      tools: [{ name: 'speed', description: 'sets it', parameters: { type: 'object' } }],
    }
    const { output } = await ask(url, 5_000, input)
    expect(output.content).toEqual([{ kind: 'tool-call', callId: 'x', name: 'speed', arguments: { v: 2 } }])
    expect(asked).toEqual([
      { role: 'user', content: 'hello' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'speed', arguments: '{"v":1}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: '{"done":true}' },
    ])
  })

  it.each([
    [401, 'denied', false],
    [404, 'not-found', false],
    [400, 'invalid-input', false],
    [429, 'overloaded', true],
    [500, 'unavailable', true],
    [503, 'unavailable', true],
  ])('turns status %d into %s', async (status, code, retryable) => {
    const url = await serverThat((_, response) =>
      json(response, { error: { message: `bad key ${key}` } }, status, { 'retry-after': '2' }),
    )
    const fault = await faultOf(ask(url))
    expect(fault).toMatchObject({ code, retryable, details: { status, retryAfterMs: 2000 } })
    expect(JSON.stringify(fault)).not.toContain(key)
  })

  it.each([
    [
      'answers with a web page',
      (_: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      /web page/,
    ],
    [
      'answers with something that is not JSON',
      (_: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choi'),
      /not JSON/,
    ],
    [
      'hides an error inside a 200',
      (_: IncomingMessage, response: ServerResponse) =>
        void json(response, { error: { message: `no memory, ${key}` } }),
      /no memory/,
    ],
    [
      'resets the connection before its answer',
      (request: IncomingMessage) => void request.socket.destroy(),
      /no connection/,
    ],
    [
      'resets the connection in the middle',
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{', () => response.destroy())
      },
      /broke off/,
    ],
  ])('is unavailable when its server %s', async (_, answers, message) => {
    const fault = await faultOf(ask(await serverThat(answers)))
    expect(fault).toMatchObject({ code: 'unavailable', message })
    expect(JSON.stringify(fault)).not.toContain(key)
  })

  it('is unavailable when nobody listens', async () => {
    expect(await faultOf(ask('http://127.0.0.1:9/v1'))).toMatchObject({
      code: 'unavailable',
      message: /no connection to 127.0.0.1:9/,
    })
  })

  it.each([
    ['before the headers', () => {}],
    [
      'in the middle',
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{')
      },
    ],
  ])('settles by its deadline when the server hangs %s', async (_, answers) => {
    expect((await faultOf(ask(await serverThat(answers), 50))).code).toBe('deadline-exceeded')
  })

  it('keeps its key out of its descriptor', () => {
    expect(JSON.stringify(chatModel({ baseUrl: 'http://127.0.0.1:1/v1', model: 'm', key }).descriptor)).not.toContain(
      key,
    )
  })

  it.each([
    ['no messages', { messages: [] }],
    [
      'a tool result without its call',
      {
        messages: [
          { role: 'tool', content: [{ kind: 'tool-result', callId: 'a', name: 'x', outcome: 'ok', result: 1 }] },
        ],
      },
    ],
    [
      'a call id that is used twice',
      {
        messages: [
          {
            role: 'assistant',
            content: [
              { kind: 'tool-call', callId: 'a', name: 'x', arguments: {} },
              { kind: 'tool-call', callId: 'a', name: 'x', arguments: {} },
            ],
          },
        ],
      },
    ],
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }],
  ])('refuses %s before it asks', async (_, input) => {
    expect((await faultOf(ask('http://127.0.0.1:9/v1', 5_000, input as never))).code).toBe('invalid-input')
  })

  const context = () => ({ signal: new AbortController().signal }) as RunContext
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`

  it('streams parts and ends in exactly one final', async () => {
    const url = await serverThat((_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(chunk({ content: 'a' }) + chunk({ content: 'b' }, 'stop')),
    )
    const items = []
    for await (const item of chatModel({ baseUrl: url, model: 'm' }).stream!(hello, context())) items.push(item)
    expect(items).toMatchObject([
      { kind: 'text-delta', text: 'a' },
      { kind: 'text-delta', text: 'b' },
      { final: true, output: { content: [{ text: 'ab' }] } },
    ])
  })

  it('faults a stream that the server breaks off', async () => {
    const url = await serverThat((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chunk({ content: 'a' }), () => response.destroy())
    })
    const items: unknown[] = []
    const read = async () => {
      for await (const item of chatModel({ baseUrl: url, model: 'm' }).stream!(hello, context())) items.push(item)
    }
    expect(await faultOf(read())).toMatchObject({ code: 'unavailable' })
    expect(items).toHaveLength(1)
  })
})

describe('a playbook', () => {
  const rules = playbook({
    rules: [
      {
        name: 'look',
        when: ({ resultsOf }) => resultsOf('gauge').length === 0,
        do: ({ request }) => ({ call: [{ name: 'gauge', arguments: request }] }),
      },
      {
        name: 'tell',
        when: ({ resultsOf }) => resultsOf('gauge')[0]?.outcome === 'ok',
        do: ({ resultsOf }) => ({ say: { level: resultsOf('gauge')[0]?.result } }),
      },
    ],
  })
  const start: ChatInput = { messages: [{ role: 'user', content: '{"tank":3}' }] }

  it('decides by its first rule that fits, the same every time, and says so', async () => {
    const once = await invoke(rules, start, { deadlineMs: 100 })
    expect(once.output).toMatchObject({
      content: [{ kind: 'tool-call', callId: 'playbook-1', name: 'gauge', arguments: { tank: 3 } }],
      answeredBy: 'playbook',
      tokens: {},
    })
    expect(once.warnings).toMatchObject([{ code: 'playbook', message: /rule 'look': no language model was asked/ }])
    expect((await invoke(rules, start, { deadlineMs: 100 })).output).toEqual(once.output)
  })

  it('goes on from what its tools said, and faults where no rule fits', async () => {
    const with_ = (outcome: 'ok' | 'fault'): ChatInput => ({
      messages: [
        ...start.messages,
        { role: 'assistant', content: [{ kind: 'tool-call', callId: 'a', name: 'gauge', arguments: {} }] },
        { role: 'tool', content: [{ kind: 'tool-result', callId: 'a', name: 'gauge', outcome, result: 7 }] },
      ],
    })
    expect((await invoke(rules, with_('ok'), { deadlineMs: 100 })).output.content).toEqual([
      { kind: 'text', text: '{"level":7}' },
    ])
    expect((await faultOf(invoke(rules, with_('fault'), { deadlineMs: 100 }))).code).toBe('unsupported')
  })
})

it('a scripted model gives its steps and says which were never asked for', async () => {
  const model = scriptedModel([[{ kind: 'text', text: 'one' }], [{ kind: 'text', text: 'two' }]])
  await invoke(model, hello, { deadlineMs: 100 })
  expect(() => model.assertConsumed()).toThrow(/1 of 2/)
})
