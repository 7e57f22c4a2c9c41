import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type {
  LanguageModelV2,
  LanguageModelV2Content,
  LanguageModelV2StreamPart,
  LanguageModelV3,
  LanguageModelV4,
} from '@ai-sdk/provider'
import { type ChatInput, type ChatModel, type ChatPart, type Fault, invoke, stream } from '@dinrail/core'
import { chatChecks, modelChecks, toReport } from '@dinrail/core/conformance'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { type AiSdkModel, fromAiSdk } from './index.ts'

const bounds = { deadlineMs: 5_000 }
const hello: ChatInput = { messages: [{ role: 'user', content: 'hello' }] }
const key = 'sk-very-secret'
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )
async function partsOf(model: ReturnType<typeof fromAiSdk>, input: ChatInput) {
  const parts: ChatPart[] = []
  const answer = stream(model, input, bounds)
  for await (const part of answer) parts.push(part)
  return { parts, reply: await answer.finish() }
}

it('takes the provider’s own types of all three specifications', () => {
  expectTypeOf<LanguageModelV2>().toExtend<AiSdkModel>()
  expectTypeOf<LanguageModelV3>().toExtend<AiSdkModel>()
  expectTypeOf<LanguageModelV4>().toExtend<AiSdkModel>()
})

describe('a real provider (OpenAI-compatible, third specification) over HTTP', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })
  async function modelAt(answers: (body: never, response: ServerResponse, request: IncomingMessage) => unknown) {
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      answers(JSON.parse(body) as never, response, request)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const provider = createOpenAICompatible({
      name: 'plant',
      baseURL,
      apiKey: key,
      supportsStructuredOutputs: true,
      includeUsage: true,
    })
    return fromAiSdk(provider('tiny-7b'), { secrets: [key] })
  }
  const json = (response: ServerResponse, body: unknown, status = 200, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  const completion = (message: object, finish = 'stop') => ({
    id: 'x',
    created: 1,
    model: 'tiny-7b-really',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
    usage: {
      prompt_tokens: 9,
      completion_tokens: 4,
      total_tokens: 13,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  })
  const events = (response: ServerResponse, chunks: readonly object[], end = 'data: [DONE]\n\n') =>
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + end)
  const chunk = (delta: object, finish: string | null = null, usage?: object) => ({
    id: 'x',
    created: 1,
    model: 'tiny-7b-really',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(usage && { usage }),
  })

  it('answers with what the server calls the model and what it used', async () => {
    const model = await modelAt((_, response) => json(response, completion({ content: 'hi', reasoning_content: 'hm' })))
    const { output, usage } = await invoke(model, hello, bounds)
    expect(model.descriptor.id).toBe('plant/tiny-7b')
    expect(output).toMatchObject({
      content: expect.arrayContaining([
        { kind: 'text', text: 'hi' },
        { kind: 'reasoning', text: 'hm' },
      ]),
      finishReason: 'stop',
      answeredBy: 'tiny-7b-really',
      tokens: { input: 9, output: 4, cachedInput: 3, reasoning: 2 },
    })
    expect(usage[0]?.spent).toEqual({ inputTokens: 9, outputTokens: 4, cachedInputTokens: 3, reasoningTokens: 2 })
  })

  it('carries pictures, tools, results and settings there', async () => {
    let asked: Record<string, unknown> | undefined
    const model = await modelAt((body, response) => {
      asked = body
      json(
        response,
        completion(
          {
            content: null,
            tool_calls: [{ id: 'b', type: 'function', function: { name: 'look', arguments: '{"at":2}' } }],
          },
          'tool_calls',
        ),
      )
    })
    const { output } = await invoke(
      model,
      {
        messages: [
          { role: 'system', content: 'Be short.' },
          {
            role: 'user',
            content: [
              { kind: 'text', text: 'What is this?' },
              { kind: 'image', mediaType: 'image/png', data: 'aGk=' },
            ],
          },
          { role: 'assistant', content: [{ kind: 'tool-call', callId: 'a', name: 'look', arguments: { at: 1 } }] },
          {
            role: 'tool',
            content: [{ kind: 'tool-result', callId: 'a', name: 'look', outcome: 'fault', result: { code: 'denied' } }],
          },
        ],
        tools: [
          {
            name: 'look',
            description: 'looks',
            parameters: { type: 'object', properties: { at: { type: 'number' } } },
          },
        ],
        toolChoice: { name: 'look' },
        temperature: 0.5,
        maxOutputTokens: 7,
        stop: ['.'],
        seed: 3,
      },
      bounds,
    )
    expect(output.content).toEqual([{ kind: 'tool-call', callId: 'b', name: 'look', arguments: { at: 2 } }])
    expect(output.finishReason).toBe('tool-calls')
    expect(asked).toMatchObject({
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          content: [{ type: 'text' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }],
        },
        { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'look', arguments: '{"at":1}' } }] },
        { role: 'tool', tool_call_id: 'a', content: '{"code":"denied"}' },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      temperature: 0.5,
      max_tokens: 7,
      stop: ['.'],
      seed: 3,
    })
  })

  it('streams text and growing tool calls, and ends in one final', async () => {
    const model = await modelAt((_, response) =>
      events(response, [
        chunk({ role: 'assistant', content: 'Let ' }),
        chunk({ content: 'me.' }),
        chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'look', arguments: '' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"at"' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: ':2} ' } }] }),
        chunk({}, 'tool_calls', { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }),
      ]),
    )
    const { parts, reply } = await partsOf(model, {
      ...hello,
      tools: [{ name: 'look', description: '', parameters: { type: 'object' } }],
    })
    const call = { kind: 'tool-call', callId: 'c', name: 'look', arguments: { at: 2 } }
    expect(parts.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['text-delta', 'tool-call-start', 'tool-call-delta', 'tool-call']),
    )
    expect(parts.filter(({ kind }) => kind === 'tool-call')).toEqual([{ kind: 'tool-call', call }])
    expect(reply.output).toMatchObject({
      content: [{ kind: 'text', text: 'Let me.' }, call],
      finishReason: 'tool-calls',
      tokens: { input: 5, output: 2 },
    })
  })

  it('holds an answer to its schema', async () => {
    const responseSchema = {
      type: 'object',
      properties: { level: { type: 'number' } },
      required: ['level'],
      additionalProperties: false,
    }
    let asked: Record<string, unknown> | undefined
    const answering = (content: string) =>
      modelAt((body, response) => {
        asked = body
        json(response, completion({ content }))
      })
    const { output } = await invoke(await answering('{"level":7}'), { ...hello, responseSchema }, bounds)
    expect(output.structured).toEqual({ value: { level: 7 }, by: 'native', repaired: false })
    expect(asked).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
    })
    expect(
      await faultOf(invoke(await answering('{"level":"high"}'), { ...hello, responseSchema }, bounds)),
    ).toMatchObject({ code: 'invalid-output' })
  })

  it.each([
    [401, 'denied', false],
    [404, 'not-found', false],
    [429, 'overloaded', true],
    [500, 'unavailable', true],
  ])('turns status %d into %s and says no key', async (status, code, retryable) => {
    const model = await modelAt((_, response) =>
      json(response, { error: { message: `bad key ${key}` } }, status, { 'retry-after': '2' }),
    )
    const fault = await faultOf(invoke(model, hello, bounds))
    expect(fault).toMatchObject({ code, retryable, message: /plant/, details: { status, retryAfterMs: 2_000 } })
    expect(JSON.stringify(fault)).not.toContain(key)
  })

  it('gives up the connection when its caller does', async () => {
    let left: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      left = resolve
    })
    const model = await modelAt((_, response, request) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(chunk({ content: 'a' }))}\n\n`)
      request.socket.once('close', left)
    })
    for await (const _ of stream(model, hello, bounds)) break
    await closed
    expect((await faultOf(invoke(model, hello, { deadlineMs: 50 }))).code).toBe('deadline-exceeded')
  })
})

describe('models of the other specifications', () => {
  const inParts = (parts: readonly LanguageModelV2StreamPart[]) =>
    new ReadableStream<LanguageModelV2StreamPart>({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
  const usage = { inputTokens: 3, outputTokens: Number.NaN, totalTokens: undefined }
  const second = (
    parts: readonly LanguageModelV2StreamPart[],
    asked: (options: unknown) => void = () => {},
  ): LanguageModelV2 => ({
    specificationVersion: 'v2',
    provider: 'lab.chat',
    modelId: 'Old One',
    supportedUrls: {},
    doGenerate: async () => {
      throw new Error('not asked')
    },
    doStream: async (options) => {
      asked(options)
      return { stream: inParts(parts) }
    },
  })

  it('keeps warnings as typed ones without secrets, drops no part unseen, and leaves unknown tokens unknown', async () => {
    const { parts, reply } = await partsOf(
      fromAiSdk(
        second([
          {
            type: 'stream-start',
            warnings: [{ type: 'unsupported-setting', setting: 'seed', details: `no seed for ${key}` }],
          },
          { type: 'reasoning-start', id: '0' },
          { type: 'reasoning-delta', id: '0', delta: 'so' },
          { type: 'reasoning-end', id: '0', providerMetadata: { lab: { mark: 'abc' } } },
          { type: 'text-start', id: '1' },
          { type: 'text-delta', id: '1', delta: 'hi' },
          { type: 'text-end', id: '1' },
          { type: 'source', sourceType: 'url', id: 's', url: 'http://x' },
          { type: 'tool-call', toolCallId: 't', toolName: 'search', input: '{}', providerExecuted: true },
          { type: 'finish', finishReason: 'unknown', usage },
        ]),
        { secrets: [key] },
      ),
      hello,
    )
    expect(parts.map(({ kind }) => kind)).toEqual(['reasoning-delta', 'text-delta'])
    expect(reply.output).toEqual({
      content: [
        { kind: 'reasoning', text: 'so', signature: '{"lab":{"mark":"abc"}}' },
        { kind: 'text', text: 'hi' },
      ],
      finishReason: 'other',
      answeredBy: 'Old One',
      tokens: { input: 3 },
    })
    expect(reply.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'unsupported-setting: seed: no seed for …',
      "part-dropped: the model sent a part of the type 'source', which no chat answer holds",
      "tool-ran-elsewhere: the provider itself ran its tool 'search': it is not in the answer",
    ])
  })

  it('keeps each mark with its own reasoning, also where nothing of the reasoning is shown', async () => {
    const mark = (of: string) => ({ lab: { mark: of } })
    const marked = (of: string) => ({ kind: 'reasoning', text: '', signature: JSON.stringify(mark(of)) })
    const wanted = [{ kind: 'reasoning', text: 'so', signature: JSON.stringify(mark('a')) }, marked('b'), marked('c')]
    const streamed = second([
      { type: 'reasoning-start', id: '0' },
      { type: 'reasoning-delta', id: '0', delta: 'so' },
      { type: 'reasoning-delta', id: '0', delta: '', providerMetadata: mark('a') },
      { type: 'reasoning-end', id: '0' },
      { type: 'reasoning-start', id: '1', providerMetadata: mark('b') },
      { type: 'reasoning-end', id: '1' },
      { type: 'reasoning-start', id: '2' },
      { type: 'reasoning-end', id: '2', providerMetadata: mark('c') },
      { type: 'reasoning-start', id: '3' },
      { type: 'reasoning-end', id: '3' },
      { type: 'finish', finishReason: 'stop', usage },
    ])
    expect((await partsOf(fromAiSdk(streamed), hello)).reply.output.content).toEqual(wanted)
    const whole: LanguageModelV2 = {
      ...streamed,
      doGenerate: async () => ({
        content: [
          { type: 'reasoning', text: 'so', providerMetadata: mark('a') },
          { type: 'reasoning', text: '', providerMetadata: mark('b') },
          { type: 'reasoning', text: '', providerMetadata: mark('c') },
        ],
        finishReason: 'stop',
        usage,
        warnings: [],
      }),
    }
    expect((await invoke(fromAiSdk(whole), hello, bounds)).output.content).toEqual(wanted)
  })

  it('takes a conversation over whose reasoning another model has signed', async () => {
    const finish = { type: 'finish', finishReason: 'stop', usage } as const
    let options: { prompt?: unknown } = {}
    const model = fromAiSdk(
      second([{ type: 'text-delta', id: '1', delta: 'on' }, finish], (given) => {
        options = given as typeof options
      }),
    )
    const content = [
      { kind: 'reasoning', text: 'so', signature: 'RXFRQg==' },
      { kind: 'reasoning', text: '', signature: 'redacted:abc' },
      { kind: 'tool-call', callId: 'a', name: 'look', arguments: undefined },
    ] as const
    await partsOf(model, { messages: [...hello.messages, { role: 'assistant', content }] })
    expect(options.prompt).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'hello' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'so' },
          { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: {} },
        ],
      },
    ])
  })

  it.each([
    ['in an object', { type: 'overloaded_error', message: 'Overloaded' }, 'overloaded', /Overloaded/],
    ['in a word', 'no memory', 'unavailable', /no memory/],
    ['in an error with a status', Object.assign(new Error('bad key'), { statusCode: 401 }), 'denied', /401: bad key/],
  ])('knows what a provider means that streams an error %s', async (_, error, code, message) => {
    const parts: LanguageModelV2StreamPart[] = [{ type: 'error', error }]
    expect(await faultOf(stream(fromAiSdk(second(parts)), hello, bounds).finish())).toMatchObject({ code, message })
  })

  it('is let go of by its deadline, though its provider heeds no signal', async () => {
    let left = () => {}
    const leaving = new Promise<void>((resolve) => {
      left = resolve
    })
    const silent: LanguageModelV2 = {
      ...second([]),
      doStream: async () => ({ stream: new ReadableStream({ cancel: left }) }),
    }
    const fault = await faultOf(stream(fromAiSdk(silent), hello, { deadlineMs: 50 }).finish())
    expect(fault.code).toBe('deadline-exceeded')
    await leaving
  })

  it('takes arguments in which a member stands twice for no JSON', async () => {
    const { reply } = await partsOf(
      fromAiSdk(
        second([
          { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: '{"at":1,"at":2}' },
          { type: 'finish', finishReason: 'tool-calls', usage },
        ]),
      ),
      hello,
    )
    expect(reply.output.content).toMatchObject([{ arguments: '{"at":1,"at":2}' }])
  })

  describe('that answers outside what was asked for', () => {
    const responseSchema = { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] }
    const tools = [{ name: 'look', description: '', parameters: { type: 'object', required: ['at'] } }]
    function saying(...answers: readonly LanguageModelV2Content[]) {
      const asked: { prompt: unknown; responseFormat?: unknown; tools?: unknown }[] = []
      const model: LanguageModelV2 = {
        ...second([]),
        doGenerate: async (options) => {
          const content = answers[Math.min(asked.push(options), answers.length) - 1]!
          return { content: [content], finishReason: 'stop', usage: { ...usage, outputTokens: 1 }, warnings: [] }
        },
      }
      return { model, asked }
    }
    const text = (said: string) => ({ type: 'text', text: said }) as const
    const call = (input: string) => ({ type: 'tool-call', toolCallId: 'a', toolName: 'look', input }) as const

    it.each([
      ['its schema', { ...hello, responseSchema }, text('{"level":"high"}'), text('{"level":7}')],
      ['a tool’s parameters', { ...hello, tools }, call('{}'), call('{"at":1}')],
    ])('is asked once more: %s', async (_, input, wrong, right) => {
      const { model, asked } = saying(wrong, right)
      const { output, usage } = await invoke(fromAiSdk(model), input, bounds)
      if ('responseSchema' in input) expect(output.structured).toMatchObject({ value: { level: 7 }, repaired: true })
      else expect(output.content).toMatchObject([{ arguments: { at: 1 } }])
      expect(asked).toHaveLength(2)
      expect(usage.map(({ outcome }) => outcome)).toEqual(['invalid-output', 'ok'])
      const twice = saying(wrong)
      const fault = await faultOf(invoke(fromAiSdk(twice.model), input, bounds))
      expect(fault).toMatchObject({ code: 'invalid-output' })
      expect(twice.asked).toHaveLength(2)
      expect(fault.usage?.map(({ outcome }) => outcome)).toEqual(['invalid-output', 'invalid-output'])
    })

    it.each([
      ['at once', (model: ChatModel) => invoke(model, hello, bounds)],
      ['in parts', (model: ChatModel) => stream(model, hello, bounds).finish()],
    ])('is refused where it says a key, %s', async (_, ask) => {
      const secret = 'sk-proj-0123456789abcdef'
      const said = `The gateway refuses ${secret}.`
      const parts: LanguageModelV2StreamPart[] = [
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: said },
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason: 'stop', usage },
      ]
      const model: AiSdkModel = { ...saying(text(said)).model, doStream: second(parts).doStream }
      const fault = await faultOf(ask(fromAiSdk(model, { secrets: [secret] })))
      expect(fault).toMatchObject({ code: 'invalid-output', message: /says a key/ })
      expect(JSON.stringify(fault)).not.toContain(secret)
    })

    it('is told of the schema in words where its card says that only words hold it', async () => {
      const { model, asked } = saying(text('{"level":7}'))
      const { output } = await invoke(
        fromAiSdk(model, { chat: { structuredOutput: 'prompt' } }),
        { ...hello, responseSchema },
        bounds,
      )
      expect(output.structured).toEqual({ value: { level: 7 }, by: 'prompt', repaired: false })
      expect(asked[0]).not.toHaveProperty('responseFormat')
      expect(JSON.stringify(asked[0]?.prompt)).toContain('JSON Schema')
    })

    it('is held to it by a tool where its card says so', async () => {
      const { model, asked } = saying({
        type: 'tool-call',
        toolCallId: 'a',
        toolName: 'give_answer',
        input: '{"level":7}',
      })
      const { output } = await invoke(
        fromAiSdk(model, { chat: { structuredOutput: 'tool-call' } }),
        { ...hello, responseSchema },
        bounds,
      )
      expect(output.structured).toEqual({ value: { level: 7 }, by: 'tool-call', repaired: false })
      expect(asked[0]?.tools).toMatchObject([{ name: 'give_answer' }])
    })
  })

  it('hands a provider its own mark back', async () => {
    let options: { prompt?: unknown } = {}
    const finish = { type: 'finish', finishReason: 'stop', usage } as const
    const model = fromAiSdk(
      second([{ type: 'text-delta', id: '1', delta: 'on' }, finish], (given) => {
        options = given as typeof options
      }),
    )
    const content = [{ kind: 'reasoning', text: 'so', signature: '{"lab":{"mark":"abc"}}' }] as const
    await partsOf(model, { messages: [...hello.messages, { role: 'assistant', content }] })
    expect(options.prompt).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'reasoning', text: 'so', providerOptions: { lab: { mark: 'abc' } } }] },
    ])
  })

  it.each([
    ['breaks off without a finish', [{ type: 'text-delta', id: '1', delta: 'a' }], /stopped in the middle/],
    [
      'streams an error',
      [
        { type: 'text-delta', id: '1', delta: 'a' },
        { type: 'error', error: new Error('no memory') },
      ],
      /no memory/,
    ],
    ['finishes with an error', [{ type: 'finish', finishReason: 'error', usage }], /broke off/],
  ] as [string, LanguageModelV2StreamPart[], RegExp][])('faults a stream that %s', async (_, parts, message) => {
    expect(await faultOf(stream(fromAiSdk(second(parts)), hello, bounds).finish())).toMatchObject({
      code: 'unavailable',
      message,
    })
  })

  it('speaks the fourth: files by kind of data, usage by kind of token', async () => {
    let prompt: unknown
    const fourth: LanguageModelV4 = {
      specificationVersion: 'v4',
      provider: 'lab',
      modelId: 'new-one',
      supportedUrls: {},
      doGenerate: async (options) => {
        prompt = options.prompt
        return {
          content: [
            { type: 'text', text: 'hi' },
            { type: 'custom', kind: 'lab.chart' },
          ],
          finishReason: { unified: 'length', raw: 'max' },
          usage: {
            inputTokens: { total: 8, noCache: 6, cacheRead: 2, cacheWrite: undefined },
            outputTokens: { total: 3, text: 2, reasoning: 1 },
          },
          warnings: [{ type: 'compatibility', feature: 'stop' }],
          response: { modelId: 'new-one-7' },
        }
      },
      doStream: () => Promise.reject(new Error('not asked')),
    }
    const { output, warnings } = await invoke(
      fromAiSdk(fourth),
      { messages: [{ role: 'user', content: [{ kind: 'image', mediaType: 'image/png', data: 'aGk=' }] }] },
      bounds,
    )
    expect(prompt).toEqual([
      { role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' } }] },
    ])
    expect(output).toMatchObject({
      finishReason: 'length',
      answeredBy: 'new-one-7',
      tokens: { input: 8, output: 3, cachedInput: 2, reasoning: 1 },
    })
    expect(warnings.map(({ code }) => code)).toEqual(['compatibility', 'part-dropped'])
  })

  it('passes the conformance kit', async () => {
    const answering = (asked: {
      tools?: unknown
      responseFormat?: { type: string } | undefined
    }): LanguageModelV2StreamPart[] => {
      const spoken = asked.responseFormat?.type === 'json' ? '{"state":"good"}' : 'Good day.'
      const content: LanguageModelV2StreamPart[] = asked.tools
        ? [{ type: 'tool-call', toolCallId: 'a', toolName: 'look', input: '{}' }]
        : [{ type: 'text-delta', id: '1', delta: spoken }]
      return [
        ...content,
        { type: 'finish', finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } },
      ]
    }
    const whole: LanguageModelV2 = {
      ...second([]),
      async doGenerate(asked) {
        const [first] = answering(asked as never)
        const content = first?.type === 'text-delta' ? ({ type: 'text', text: first.delta } as const) : (first as never)
        return {
          content: [content],
          finishReason: 'stop',
          usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
          warnings: [],
        }
      },
      doStream: async (asked) => ({ stream: inParts(answering(asked as never)) }),
    }
    const tools = [{ name: 'look', description: 'looks', parameters: { type: 'object' } }]
    const responseSchema = { type: 'object', properties: { state: { enum: ['good', 'bad'] } }, required: ['state'] }
    const subject = { create: () => fromAiSdk(whole), input: hello }
    const reports = [
      await toReport(await modelChecks(subject)),
      await toReport(
        await chatChecks({ ...subject, calling: { ...hello, tools }, structured: { ...hello, responseSchema } }),
      ),
    ]
    for (const { text } of reports) expect(text).not.toContain('✗')
  })

  it.each([
    ['a provider', Object.assign(() => {}, { specificationVersion: 'v3' })],
    ['the name of a model', 'openai/gpt-5'],
    ['nothing', undefined],
  ])('refuses %s in place of a model', (_what, given) => {
    expect(() => fromAiSdk(given as never)).toThrow(/no model of a provider/)
  })

  it('refuses an option that it does not have', () => {
    expect(() => fromAiSdk(second([]), { key: 'sk' } as never)).toThrow(/no option 'key'; .*secrets/)
  })

  it('refuses a specification that it does not know', () => {
    expect(() => fromAiSdk({ ...second([]), specificationVersion: 'v9' })).toThrow(/v9/)
  })
})
