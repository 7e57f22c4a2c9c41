import { type ChatInput, type Fault, invoke, stream } from '@dinrail/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ChatModelOptions, chatModel, playbook, scriptedModel } from './index.ts'
import { chunk, completion, hello, hi, json, serverThat, streamOf } from './local-server.test-support.ts'

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

/** What the server was sent for an input. */
async function askedFor(input: ChatInput, options: Partial<ChatModelOptions> = {}) {
  const server = await serverThat(hi)
  const model = chatModel({ baseUrl: server.url, model: 'Tiny 7B', ...options })
  const reply = await invoke(model, input, { deadlineMs: 5_000 })
  const { body, headers, url } = server.asked[0]!
  return { reply, body: JSON.parse(body), headers, url }
}

/** Where a request for a base URL goes, and with which headers. */
async function sentTo(options: Omit<ChatModelOptions, 'model'>) {
  let sent: { readonly url: string; readonly headers: Readonly<Record<string, string>> } | undefined
  const model = chatModel({
    model: 'gpt/5',
    retries: 0,
    send: async (request) => {
      sent = request
      throw new Error('enough')
    },
    ...options,
  })
  await faultOf(invoke(model, hello, { deadlineMs: 5_000 }))
  return sent
}

describe('a chat model', () => {
  it('asks the server and says what the server calls the model that answered', async () => {
    const { reply, body } = await askedFor(hello, { key: 'sk-very-secret' })
    expect(body).toEqual({ model: 'Tiny 7B', messages: [{ role: 'user', content: 'hello' }] })
    expect(reply.output).toEqual({
      content: [{ kind: 'text', text: 'hi' }],
      finishReason: 'stop',
      answeredBy: 'tiny-7b',
      tokens: { input: 5, output: 2 },
    })
    expect(reply.usage).toMatchObject([{ outcome: 'ok', spent: { inputTokens: 5, outputTokens: 2 } }])
    expect(reply.servedBy[0]?.id).toBe('llm/tiny-7b')
  })

  it('carries settings, images, documents, calls and results', async () => {
    const { body } = await askedFor(
      {
        messages: [
          {
            role: 'user',
            content: [
              { kind: 'text', text: 'look' },
              { kind: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' },
              { kind: 'document', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'manual.pdf' },
              { kind: 'document', mediaType: 'text/csv', data: btoa('a;b'), name: 'log.csv' },
            ],
          },
          {
            role: 'assistant',
            content: [
              { kind: 'reasoning', text: 'hm' },
              { kind: 'tool-call', callId: 'a', name: 'speed', arguments: { v: 1 } },
            ],
          },
          {
            role: 'tool',
            content: [{ kind: 'tool-result', callId: 'a', name: 'speed', outcome: 'ok', result: { done: true } }],
          },
        ],
        tools: [{ name: 'speed', description: 'sets it', parameters: { type: 'object' } }],
        toolChoice: { name: 'speed' },
        temperature: 0,
        maxOutputTokens: 100,
        stop: ['END'],
        seed: 7,
      },
      { chat: { modalities: ['text', 'image', 'document'] }, extra: { reasoning_effort: 'low', seed: 8 } },
    )
    expect(body).toEqual({
      model: 'Tiny 7B',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
            { type: 'file', file: { filename: 'manual.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
            { type: 'text', text: 'log.csv:\na;b' },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'speed', arguments: '{"v":1}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: '{"done":true}' },
      ],
      tools: [
        { type: 'function', function: { name: 'speed', description: 'sets it', parameters: { type: 'object' } } },
      ],
      tool_choice: { type: 'function', function: { name: 'speed' } },
      temperature: 0,
      max_tokens: 100,
      stop: ['END'],
      seed: 8,
      reasoning_effort: 'low',
    })
  })

  it('carries a call without arguments', async () => {
    const content = [{ kind: 'tool-call', callId: 'a', name: 'stop', arguments: undefined }] as const
    const { body } = await askedFor({ messages: [...hello.messages, { role: 'assistant', content }] })
    expect(body.messages[1].tool_calls[0].function).toEqual({ name: 'stop', arguments: '{}' })
  })

  it('makes an id that was used in an earlier turn unique', async () => {
    const called = { content: null, tool_calls: [{ id: 'a', function: { name: 'speed', arguments: '{}' } }] }
    const server = await serverThat(json(completion(called, 'tool_calls')))
    const earlier = { kind: 'tool-call', callId: 'a', name: 'speed', arguments: {} } as const
    const { output } = await invoke(
      chatModel({ baseUrl: server.url, model: 'm' }),
      { messages: [...hello.messages, { role: 'assistant', content: [earlier] }] },
      { deadlineMs: 5_000 },
    )
    expect(output.content).toMatchObject([{ callId: 'a-2' }])
  })

  it('knows the call again whose first piece said no place', async () => {
    const piece = (more: object) => chunk({ tool_calls: [more] })
    const server = await serverThat(
      streamOf(
        piece({ id: 'a', function: { name: 'speed', arguments: '{"v"' } }),
        piece({ index: 0, function: { arguments: ':9}' } }),
        piece({ index: 1, id: 'b', function: { name: 'stop', arguments: '{}' } }),
        chunk({}, 'tool_calls'),
      ),
    )
    const answer = stream(chatModel({ baseUrl: server.url, model: 'm' }), hello, { deadlineMs: 5_000 })
    expect((await answer.finish()).output.content).toMatchObject([
      { callId: 'a', name: 'speed', arguments: { v: 9 } },
      { callId: 'b', name: 'stop', arguments: {} },
    ])
  })

  it('streams a call as it grows', async () => {
    const piece = (more: object) => chunk({ tool_calls: [{ index: 0, ...more }] })
    const server = await serverThat((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(piece({ id: 'a', function: { name: 'speed', arguments: '{"v"' } }))
      setTimeout(() => response.end(piece({ function: { arguments: ':9}' } }) + chunk({}, 'tool_calls')), 30)
    })
    const answer = stream(chatModel({ baseUrl: server.url, model: 'm' }), hello, { deadlineMs: 5_000 })
    const parts = []
    for await (const part of answer) parts.push(part)
    expect(parts).toEqual([
      { kind: 'tool-call-start', callId: 'a', name: 'speed' },
      { kind: 'tool-call-delta', callId: 'a', text: '{"v"' },
      { kind: 'tool-call-delta', callId: 'a', text: ':9}' },
      { kind: 'tool-call', call: { kind: 'tool-call', callId: 'a', name: 'speed', arguments: { v: 9 } } },
    ])
  })
})

describe('a known server', () => {
  it.each([
    ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1/chat/completions'],
    ['https://api.deepseek.com/', 'https://api.deepseek.com/v1/chat/completions'],
    ['https://openrouter.ai/api/v1/', 'https://openrouter.ai/api/v1/chat/completions'],
    ['http://plant:8000/v1/chat/completions', 'http://plant:8000/v1/chat/completions'],
    ['http://plant/llm/v1?tenant=3', 'http://plant/llm/v1/chat/completions?tenant=3'],
    [
      'https://works.openai.azure.com',
      'https://works.openai.azure.com/openai/deployments/gpt%2F5/chat/completions?api-version=2024-10-21',
    ],
    [
      'https://works.openai.azure.com/openai/deployments/mill?api-version=2025-01-01',
      'https://works.openai.azure.com/openai/deployments/mill/chat/completions?api-version=2025-01-01',
    ],
    ['https://works.openai.azure.com/openai/v1', 'https://works.openai.azure.com/openai/v1/chat/completions'],
  ])('is asked where it listens: %s', async (baseUrl, url) => {
    expect((await sentTo({ baseUrl }))?.url).toBe(url)
  })

  it('gets its key as it wants it', async () => {
    const key = 'sk-1'
    expect((await sentTo({ baseUrl: 'http://plant/v1', key }))?.headers).toMatchObject({ authorization: 'Bearer sk-1' })
    const azure = await sentTo({ baseUrl: 'https://works.openai.azure.com', key })
    expect(azure?.headers).toMatchObject({ 'api-key': 'sk-1' })
    expect(azure?.headers).not.toHaveProperty('authorization')
  })

  describe('whose key stands in the environment', () => {
    afterEach(() => void vi.unstubAllEnvs())

    it('gets it without the line’s end that a file left there', async () => {
      vi.stubEnv('OPENAI_API_KEY', 'sk-environment\n')
      const sent = await sentTo({ baseUrl: 'https://api.openai.com/v1' })
      expect(sent?.headers.authorization).toBe('Bearer sk-environment')
    })

    it('gets it, and no other server does', async () => {
      vi.stubEnv('OPENAI_API_KEY', 'sk-environment')
      const authorization = async (baseUrl: string, server?: 'openai') =>
        (await sentTo({ baseUrl, ...(server && { server }) }))?.headers.authorization
      expect(await authorization('https://api.openai.com/v1')).toBe('Bearer sk-environment')
      expect(await authorization('https://api.openai.com.example.org/v1')).toBeUndefined()
      expect(await authorization('http://plant/v1', 'openai')).toBeUndefined()
    })
  })

  it('is told things by its own names', async () => {
    const settings = { ...hello, maxOutputTokens: 9, seed: 1, toolChoice: 'required' } as const
    const tools = [{ name: 'speed', description: '', parameters: {} }]
    expect((await askedFor({ ...settings, tools }, { server: 'mistral' })).body).toMatchObject({
      max_tokens: 9,
      random_seed: 1,
      tool_choice: 'any',
    })
    expect((await askedFor({ ...settings, tools }, { server: 'openai' })).body).toMatchObject({
      max_completion_tokens: 9,
      seed: 1,
      tool_choice: 'required',
    })
  })

  it('gets ids in the form that it takes, the same in a call and in its result', async () => {
    const callId = 'call_00_aVeryLongOne'
    const { body } = await askedFor(
      {
        messages: [
          ...hello.messages,
          { role: 'assistant', content: [{ kind: 'tool-call', callId, name: 'speed', arguments: {} }] },
          { role: 'tool', content: [{ kind: 'tool-result', callId, name: 'speed', outcome: 'ok', result: null }] },
        ],
      },
      { server: 'mistral' },
    )
    const id = body.messages[1].tool_calls[0].id
    expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
    expect(body.messages[2].tool_call_id).toBe(id)
  })

  it('gets its reasoning back while tools are called, where it wants it', async () => {
    const content = [
      { kind: 'reasoning', text: 'hm' },
      { kind: 'tool-call', callId: 'a', name: 'speed', arguments: {} },
    ] as const
    const input: ChatInput = { messages: [...hello.messages, { role: 'assistant', content }] }
    expect((await askedFor(input, { server: 'deepseek' })).body.messages[1]).toMatchObject({ reasoning_content: 'hm' })
    expect((await askedFor(input)).body.messages[1]).not.toHaveProperty('reasoning_content')
  })

  it('may be one that nobody knows', async () => {
    const { body } = await askedFor(
      { ...hello, maxOutputTokens: 9 },
      { server: { outputLimit: 'max_completion_tokens', chat: { modalities: ['text', 'image'] } } },
    )
    expect(body).toMatchObject({ max_completion_tokens: 9 })
  })
})

describe('an answer within a schema', () => {
  const responseSchema = {
    type: 'object',
    properties: { level: { type: 'number', maximum: 10 } },
    required: ['level'],
    additionalProperties: false,
  }
  const input: ChatInput = { ...hello, responseSchema }
  const says = (content: string) => json(completion({ content }))

  it('comes by the server’s own mode where it has one, strictly where the schema allows it', async () => {
    const server = await serverThat(says('{"level":3}'))
    const model = chatModel({ baseUrl: server.url, model: 'm', server: 'vllm' })
    const { output, usage } = await invoke(model, input, { deadlineMs: 5_000 })
    expect(output.structured).toEqual({ value: { level: 3 }, by: 'native', repaired: false })
    expect(JSON.parse(server.asked[0]!.body).response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema: responseSchema, strict: true },
    })
    expect(usage).toHaveLength(1)
    const loose = { ...hello, responseSchema: { ...responseSchema, required: [] } }
    await invoke(model, loose, { deadlineMs: 5_000 })
    expect(JSON.parse(server.asked[1]!.body).response_format.json_schema).not.toHaveProperty('strict')
  })

  it('comes by words where it has none, and by JSON mode where that is all', async () => {
    const server = await serverThat(says('Here it is:\n```json\n{"level":3}\n```'))
    const ask = (options: Partial<ChatModelOptions>) =>
      invoke(chatModel({ baseUrl: server.url, model: 'm', ...options }), input, { deadlineMs: 5_000 })
    expect((await ask({})).output.structured).toEqual({ value: { level: 3 }, by: 'prompt', repaired: false })
    const [system] = JSON.parse(server.asked[0]!.body).messages
    expect(system).toMatchObject({ role: 'system', content: expect.stringContaining('"maximum":10') })
    await ask({ server: 'deepseek' })
    expect(JSON.parse(server.asked[1]!.body).response_format).toEqual({ type: 'json_object' })
  })

  it('comes by words in the one message of the system, as many templates take no second one', async () => {
    const server = await serverThat(says('{"level":3}'))
    const messages = [{ role: 'system', content: 'Be brief.' }, ...hello.messages] as const
    const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...responseSchema }
    await invoke(
      chatModel({ baseUrl: server.url, model: 'm' }),
      { messages, responseSchema: schema },
      { deadlineMs: 5_000 },
    )
    const told = JSON.parse(server.asked[0]!.body).messages as { role: string; content: string }[]
    expect(told.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(told[0]?.content).toMatch(/^Be brief\.\n\n.*"maximum":10/s)
    expect(told[0]?.content).not.toContain('$schema')
  })

  it('comes by a tool where the card says so, and other calls come first', async () => {
    const call = (id: string, name: string, text: string) => ({ id, function: { name, arguments: text } })
    const answer = call('1', 'give_answer', '{"level":3}')
    const both = { content: 'Hm.', tool_calls: [answer, call('2', 'speed', '{}')] }
    const server = await serverThat(
      json(completion({ tool_calls: [answer] }, 'tool_calls')),
      json(completion(both, 'tool_calls')),
    )
    const model = chatModel({ baseUrl: server.url, model: 'm', chat: { structuredOutput: 'tool-call' } })
    const tools = [{ name: 'speed', description: '', parameters: {} }]
    const first = await invoke(model, { ...input, tools }, { deadlineMs: 5_000 })
    expect(first.output).toMatchObject({
      content: [{ kind: 'text', text: '{"level":3}' }],
      finishReason: 'stop',
      structured: { value: { level: 3 }, by: 'tool-call', repaired: false },
    })
    const second = await invoke(model, { ...input, tools }, { deadlineMs: 5_000 })
    expect(second.output.content).toMatchObject([
      { kind: 'text', text: 'Hm.' },
      { kind: 'tool-call', name: 'speed' },
    ])
    expect(second.output).toMatchObject({ finishReason: 'tool-calls' })
    expect(second.output.structured).toBeUndefined()
  })

  it('is not taken from a tool of the caller’s, whatever its name', async () => {
    const call = (name: string) => json(completion({ tool_calls: [{ id: name, function: { name, arguments: '{}' } }] }))
    const server = await serverThat(call('give_answer'))
    const model = chatModel({ baseUrl: server.url, model: 'm', chat: { structuredOutput: 'tool-call' } })
    const tools = [{ name: 'give_answer', description: 'Answers the caller on the line.', parameters: {} }]
    const { output } = await invoke(model, { ...input, tools }, { deadlineMs: 5_000 })
    expect(output.content).toMatchObject([{ kind: 'tool-call', name: 'give_answer' }])
    const names = JSON.parse(server.asked[0]!.body).tools.map(
      (tool: { function: { name: string } }) => tool.function.name,
    )
    expect(new Set(names).size).toBe(2)
  })

  it.each([
    ['at once', false],
    ['in parts', true],
  ])(
    'is asked for once more where it breaks the schema, %s: the reply says so and lists both',
    async (_how, inParts) => {
      const server = await serverThat(says('{"level":30}'), says('{"level":3}'))
      const model = chatModel({ baseUrl: server.url, model: 'm' })
      const parts: object[] = []
      const answer = stream(model, input, { deadlineMs: 5_000 })
      if (inParts) for await (const part of answer) parts.push(part)
      const { output, usage } = inParts ? await answer.finish() : await invoke(model, input, { deadlineMs: 5_000 })
      expect(output.structured).toEqual({ value: { level: 3 }, by: 'prompt', repaired: true })
      // Nothing that had to be taken back was given.
      if (inParts) expect(parts).toEqual([{ kind: 'text-delta', text: '{"level":3}' }])
      const spent = { inputTokens: 5, outputTokens: 2 }
      expect(usage).toMatchObject([
        { outcome: 'invalid-output', spent },
        { outcome: 'ok', spent },
      ])
      expect(JSON.parse(server.asked[1]!.body).messages.slice(-2)).toMatchObject([
        { role: 'assistant', content: '{"level":30}' },
        { role: 'user', content: expect.stringContaining('/level must be at most 10') },
      ])
    },
  )

  it('ends in a fault where it breaks the schema twice, and what both took is counted', async () => {
    const server = await serverThat(says('no'))
    const fault = await faultOf(invoke(chatModel({ baseUrl: server.url, model: 'm' }), input, { deadlineMs: 5_000 }))
    expect(fault).toMatchObject({ code: 'invalid-output', message: /responseSchema: it is not JSON/ })
    expect(server.asked).toHaveLength(2)
    const broken = { outcome: 'invalid-output', spent: { inputTokens: 5, outputTokens: 2 } }
    expect(fault.usage).toMatchObject([broken, broken])
    expect(fault.usage).toHaveLength(2)
  })

  it('streams as it comes where the server enforces it, and ends in a fault where it did not', async () => {
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n'
    const pieces = [chunk({ content: '{"level"' }), chunk({ content: ':30}' }, 'stop'), usage]
    const server = await serverThat(streamOf(...pieces))
    const answer = stream(chatModel({ baseUrl: server.url, model: 'm', server: 'ollama' }), input, {
      deadlineMs: 5_000,
    })
    const fault = await faultOf(answer.finish())
    expect(fault).toMatchObject({ code: 'invalid-output', message: /at most 10/ })
    expect(server.asked).toHaveLength(1)
    const took = { inputTokens: 5, outputTokens: 2 }
    expect(fault.usage).toMatchObject([{ outcome: 'invalid-output', spent: took }])
    expect(fault.usage).toHaveLength(1)
  })

  it('is outside its schema for good where the conversation has no room to ask again, which is not its caller’s', async () => {
    const server = await serverThat(says('no'), json({ error: { message: 'maximum context length is 8 tokens' } }, 400))
    expect(
      await faultOf(invoke(chatModel({ baseUrl: server.url, model: 'm' }), input, { deadlineMs: 5_000 })),
    ).toMatchObject({ code: 'invalid-output', message: /responseSchema/ })
  })

  it('is asked for again without an empty answer before the complaint, which servers refuse', async () => {
    const server = await serverThat(json(completion({ content: '' })), says('{"level":3}'))
    await invoke(chatModel({ baseUrl: server.url, model: 'm' }), input, { deadlineMs: 5_000 })
    const { messages } = JSON.parse(server.asked[1]!.body)
    expect(messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user', 'user'])
  })

  it('says that it was cut off, where that is why', async () => {
    const server = await serverThat(json(completion({ content: '{"lev' }, 'length')))
    const fault = await faultOf(invoke(chatModel({ baseUrl: server.url, model: 'm' }), input, { deadlineMs: 5_000 }))
    expect(fault.message).toMatch(/cut off at its longest/)
  })
})

describe('a call whose arguments do not fit', () => {
  const parameters = { type: 'object', properties: { v: { type: 'number', maximum: 5 } }, required: ['v'] }
  const input: ChatInput = { ...hello, tools: [{ name: 'speed', description: 'Sets it.', parameters }] }
  const calls = (...given: readonly string[]) =>
    json(
      completion(
        { tool_calls: given.map((text, i) => ({ id: `c${i}`, function: { name: 'speed', arguments: text } })) },
        'tool_calls',
      ),
    )
  const ask = (url: string) => invoke(chatModel({ baseUrl: url, model: 'm' }), input, { deadlineMs: 5_000 })

  it.each([
    ['no JSON', '{v: 3}', 'the arguments are no JSON'],
    ['no object', '[3]', 'the arguments are no JSON object'],
    ['outside the parameters', '{"v":9}', '/v must be at most 5'],
  ])('is made once more, where they are %s', async (_what, wrong, problem) => {
    const server = await serverThat(calls(wrong), calls('{"v":3}'))
    const { output, usage, warnings } = await ask(server.url)
    expect(output.content).toEqual([{ kind: 'tool-call', callId: 'c0-2', name: 'speed', arguments: { v: 3 } }])
    expect(usage.map(({ outcome }) => outcome)).toEqual(['invalid-output', 'ok'])
    expect(warnings).toMatchObject([{ code: 'answer-repaired' }])
    const [, asked, told] = JSON.parse(server.asked[1]!.body).messages
    expect(asked.tool_calls[0].function.arguments).toBe(wrong)
    expect(told).toMatchObject({ role: 'tool', tool_call_id: 'c0', content: expect.stringContaining(problem) })
  })

  it('ends in a fault where they do not fit twice', async () => {
    const server = await serverThat(calls('{"v":9}'))
    expect(await faultOf(ask(server.url))).toMatchObject({
      code: 'invalid-output',
      message: /tiny-7b calls speed with arguments that do not fit: \/v must be at most 5/,
    })
    expect(server.asked).toHaveLength(2)
  })

  it('says that they were cut off, where that is why', async () => {
    const cutOff = { tool_calls: [{ id: 'a', function: { name: 'speed', arguments: '{"v' } }] }
    const server = await serverThat(json(completion(cutOff, 'length')))
    expect((await faultOf(ask(server.url))).message).toMatch(/no JSON, and the answer was cut off at its longest/)
  })

  it('is made again with those beside it, none of which has run', async () => {
    const server = await serverThat(calls('{"v":3}', '{"v":9}'), calls('{"v":3}', '{"v":4}'))
    expect((await ask(server.url)).output.content).toHaveLength(2)
    const told = JSON.parse(server.asked[1]!.body).messages.slice(-2)
    expect(told.map(({ content }: { content: string }) => JSON.parse(content).message)).toEqual([
      expect.stringContaining('not run'),
      '/v must be at most 5',
    ])
  })

  it('may state a measured value with its unit', async () => {
    const server = await serverThat(calls('{"v":{"value":3,"unit":"mm/s"}}'))
    expect((await ask(server.url)).output.content).toMatchObject([{ arguments: { v: { value: 3, unit: 'mm/s' } } }])
    expect(server.asked).toHaveLength(1)
  })
})

describe('bad input is refused before anything is sent', () => {
  it.each([
    ['maxOutputTokens', '4'],
    ['temperature', Number.NaN],
    ['seed', 1.5],
    ['stop', ['']],
  ])('a setting such as %s that is none', async (name, value) => {
    const model = chatModel({ baseUrl: 'http://127.0.0.1:9/v1', model: 'm' })
    expect(await faultOf(invoke(model, { ...hello, [name]: value }, { deadlineMs: 5_000 }))).toMatchObject({
      code: 'invalid-input',
      field: expect.stringContaining(`/input/${name}`),
    })
  })

  it.each([
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, 'invalid-input'],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ kind: 'image', mediaType: 'image/png', data: 'AAAA' }] }] },
      'unsupported',
    ],
  ])('%s', async (_what, input, code) => {
    const server = await serverThat(hi)
    const model = chatModel({ baseUrl: server.url, model: 'm' })
    const fault = await faultOf(invoke(model, input as never, { deadlineMs: 5_000 }))
    expect(fault).toMatchObject({ code, field: expect.stringContaining('/input/messages') })
    expect(server.asked).toEqual([])
  })

  it.each([
    ['no URL', 'plant', /is no URL/],
    ['another protocol', 'ftp://plant/v1', /not with http/],
    ['a password in it', 'http://me:secret@plant/v1', /send it as a header/],
  ])('a base URL with %s', (_what, baseUrl, message) => {
    expect(() => chatModel({ baseUrl, model: 'm' })).toThrow(message)
  })

  it('a base URL with a password is not shown, even where it is no URL', () => {
    const baseUrl = 'http://me:secret@plant:port/v1?key=sk-1234'
    expect(() => chatModel({ baseUrl, model: 'm' })).toThrow(/^(?!.*(?:secret|sk-1234)).*plant:port.*is no URL/)
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
