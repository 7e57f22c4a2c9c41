import { type ChatInput, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { type AnthropicModelOptions, anthropicModel } from './index.ts'
import { hello, json, serverThat, streamOf } from './local-server.test-support.ts'

const message = (content: readonly object[], stop = 'end_turn') => ({
  type: 'message',
  model: 'claude-1',
  content,
  stop_reason: stop,
  usage: { input_tokens: 5, output_tokens: 2, cache_read_input_tokens: 20 },
})
const said = (text: string) => json(message([{ type: 'text', text }]))

/** What the server was sent for an input. */
async function askedFor(input: ChatInput, options: Partial<AnthropicModelOptions> = {}) {
  const server = await serverThat(said('{"level":1}'))
  const model = anthropicModel({ baseUrl: server.url, model: 'claude', key: 'sk-ant', ...options })
  const reply = await invoke(model, input, { deadlineMs: 5_000 })
  return {
    reply,
    body: JSON.parse(server.asked[0]?.body ?? '{}'),
    headers: server.asked[0]?.headers,
    url: server.asked[0]?.url,
  }
}

describe('a model behind Anthropic Messages', () => {
  it('does not give a call for whole whose input was cut off', async () => {
    const cut = message([{ type: 'tool_use', id: 'a', name: 'speed', input: { v: 1 } }], 'max_tokens')
    const server = await serverThat(json(cut))
    const tools = [{ name: 'speed', description: '', parameters: { type: 'object' } }]
    const asked = invoke(
      anthropicModel({ baseUrl: server.url, model: 'claude' }),
      { ...hello, tools },
      { deadlineMs: 5_000 },
    )
    await expect(asked).rejects.toMatchObject({ code: 'invalid-output', message: /cut off/ })
  })

  it('asks where and as the interface wants it, and counts the cache as input', async () => {
    const { reply, body, headers, url } = await askedFor({
      messages: [{ role: 'system', content: 'Be brief.' }, ...hello.messages],
      stop: ['END'],
      temperature: 0.5,
    })
    expect(url).toBe('/v1/messages')
    expect(headers).toMatchObject({ 'x-api-key': 'sk-ant', 'anthropic-version': '2023-06-01' })
    expect(headers).not.toHaveProperty('authorization')
    expect(body).toEqual({
      model: 'claude',
      max_tokens: 4_096,
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
      stop_sequences: ['END'],
      temperature: 0.5,
    })
    expect(reply.output).toMatchObject({ answeredBy: 'claude-1', tokens: { input: 25, output: 2, cachedInput: 20 } })
  })

  it('carries images, documents, signed reasoning, calls and results, each side in one turn', async () => {
    const { body } = await askedFor({
      messages: [
        {
          role: 'user',
          content: [
            { kind: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' },
            { kind: 'document', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'manual.pdf' },
            { kind: 'document', mediaType: 'text/plain', data: btoa('grease'), name: 'note.txt' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { kind: 'reasoning', text: 'hm', signature: 'sig' },
            { kind: 'reasoning', text: '', signature: 'redacted:abc' },
            { kind: 'reasoning', text: 'of another model' },
            { kind: 'text', text: ' ' },
            { kind: 'tool-call', callId: 'a', name: 'speed', arguments: { v: 1 } },
            { kind: 'tool-call', callId: 'b', name: 'speed', arguments: 'v: 1' },
          ],
        },
        { role: 'tool', content: [{ kind: 'tool-result', callId: 'a', name: 'speed', outcome: 'ok', result: 7 }] },
        {
          role: 'tool',
          content: [
            { kind: 'tool-result', callId: 'b', name: 'speed', outcome: 'fault', result: { code: 'invalid-input' } },
          ],
        },
        { role: 'user', content: 'go on' },
      ],
      tools: [{ name: 'speed', description: 'sets it', parameters: { properties: { v: { type: 'number' } } } }],
      toolChoice: 'required',
    })
    expect(body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
          {
            type: 'document',
            title: 'manual.pdf',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
          },
          { type: 'document', title: 'note.txt', source: { type: 'text', media_type: 'text/plain', data: 'grease' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'sig' },
          { type: 'redacted_thinking', data: 'abc' },
          { type: 'tool_use', id: 'a', name: 'speed', input: { v: 1 } },
          { type: 'tool_use', id: 'b', name: 'speed', input: { unreadable: 'v: 1' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: '7' },
          { type: 'tool_result', tool_use_id: 'b', content: '{"code":"invalid-input"}', is_error: true },
          { type: 'text', text: 'go on' },
        ],
      },
    ])
    expect(body.tools).toEqual([
      {
        name: 'speed',
        description: 'sets it',
        input_schema: { type: 'object', properties: { v: { type: 'number' } } },
      },
    ])
    expect(body.tool_choice).toEqual({ type: 'any' })
  })

  const responseSchema = { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] }

  it('is held to a schema by a tool, whose input is the answer', async () => {
    const answer = message(
      [
        { type: 'text', text: 'Here.' },
        { type: 'tool_use', id: 't', name: 'give_answer', input: { level: 3 } },
      ],
      'tool_use',
    )
    const server = await serverThat(json(answer))
    const model = anthropicModel({ baseUrl: server.url, model: 'claude' })
    const { output } = await invoke(model, { ...hello, responseSchema }, { deadlineMs: 5_000 })
    expect(output).toMatchObject({
      content: [{ kind: 'text', text: '{"level":3}' }],
      finishReason: 'stop',
      structured: { value: { level: 3 }, by: 'tool-call', repaired: false },
    })
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
      tools: [{ name: 'give_answer', input_schema: responseSchema }],
      tool_choice: { type: 'tool', name: 'give_answer' },
    })
  })

  it('is held to it by the server itself where its card says so', async () => {
    const { reply, body } = await askedFor({ ...hello, responseSchema }, { chat: { structuredOutput: 'native' } })
    expect(body.output_config).toEqual({ format: { type: 'json_schema', schema: responseSchema } })
    expect(reply.output.structured).toEqual({ value: { level: 1 }, by: 'native', repaired: false })
  })

  it('is not made to call a tool while it thinks, which the server would refuse', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1_024 }
    const { body } = await askedFor({ ...hello, responseSchema }, { extra: { thinking } })
    expect(body).toMatchObject({ thinking, tools: [{ name: 'give_answer' }] })
    expect(body).not.toHaveProperty('tool_choice')
  })

  it('marks what is to be kept in the cache, and warns of what it cannot carry', async () => {
    const { reply, body } = await askedFor(
      { messages: [{ role: 'system', content: 'Long.' }, ...hello.messages], seed: 1 },
      { cache: true },
    )
    const mark = { cache_control: { type: 'ephemeral' } }
    expect(body.system).toEqual([{ type: 'text', text: 'Long.', ...mark }])
    expect(body.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'hello', ...mark }] }])
    expect(reply.warnings).toMatchObject([{ code: 'setting-ignored', field: '/input/seed' }])
  })

  const thinking = { type: 'thinking', thinking: 'hm', signature: 'c2ln' }
  const speed = { name: 'speed', description: 'Sets it.', parameters: { type: 'object', required: ['v'] } }

  it('is asked again with its own thinking before the call that does not fit, as the server wants it', async () => {
    const call = (id: string, input: object) =>
      json(message([thinking, { type: 'tool_use', id, name: 'speed', input }], 'tool_use'))
    const server = await serverThat(call('a', {}), call('b', { v: 1 }))
    const model = anthropicModel({ baseUrl: server.url, model: 'claude' })
    const { output } = await invoke(model, { ...hello, tools: [speed] }, { deadlineMs: 5_000 })
    expect(output.content).toMatchObject([{ kind: 'reasoning' }, { kind: 'tool-call', arguments: { v: 1 } }])
    expect(JSON.parse(server.asked[1]?.body ?? '').messages[1]).toEqual({
      role: 'assistant',
      content: [thinking, { type: 'tool_use', id: 'a', name: 'speed', input: {} }],
    })
  })

  it('keeps each signature with its own thinking, also where nothing of the thinking is shown', async () => {
    const blocks = [
      thinking,
      { type: 'thinking', thinking: '', signature: 'c2Vjb25k' },
      { type: 'redacted_thinking', data: 'abc' },
      { type: 'thinking', thinking: '', signature: 'dGhpcmQ=' },
    ]
    const events = blocks.flatMap((block, index) => [
      {
        type: 'content_block_start',
        index,
        content_block: 'signature' in block ? { ...block, thinking: '', signature: '' } : block,
      },
      ...('signature' in block
        ? [
            { type: 'content_block_delta', index, delta: { type: 'thinking_delta', thinking: block.thinking } },
            { type: 'content_block_delta', index, delta: { type: 'signature_delta', signature: block.signature } },
          ]
        : []),
      { type: 'content_block_stop', index },
    ])
    const streamed = streamOf(
      ...[
        { type: 'message_start', message: {} },
        ...events,
        { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
      ].map((event) => `data: ${JSON.stringify(event)}\n\n`),
    )
    for (const answers of [json(message(blocks)), streamed]) {
      const server = await serverThat(answers)
      const { output } = await stream(anthropicModel({ baseUrl: server.url, model: 'claude' }), hello, {
        deadlineMs: 5_000,
      }).finish()
      expect(output.content).toEqual([
        { kind: 'reasoning', text: 'hm', signature: 'c2ln' },
        { kind: 'reasoning', text: '', signature: 'c2Vjb25k' },
        { kind: 'reasoning', text: '', signature: 'redacted:abc' },
        { kind: 'reasoning', text: '', signature: 'dGhpcmQ=' },
      ])
    }
  })

  it.each([
    ['says nothing of what was said before', { output_tokens: 7, cache_read_input_tokens: null }],
    ['says it again', { input_tokens: 5, output_tokens: 7, cache_read_input_tokens: 20 }],
    ['says that it is none any more', { input_tokens: 0, output_tokens: 7, cache_read_input_tokens: 0 }],
  ])('counts tokens once where the end of a stream %s', async (_what, usage) => {
    const start = { ...message([]), stop_reason: null }
    const events = [
      { type: 'message_start', message: start },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
    ]
    const server = await serverThat(streamOf(...events.map((event) => `data: ${JSON.stringify(event)}\n\n`)))
    const { output } = await stream(anthropicModel({ baseUrl: server.url, model: 'claude' }), hello, {
      deadlineMs: 5_000,
    }).finish()
    expect(output.tokens).toEqual({ input: 25, output: 7, cachedInput: 20 })
  })

  it('counts what the server asks for writing to its cache', async () => {
    const usage = {
      input_tokens: 100,
      output_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 400,
    }
    const server = await serverThat(json({ ...message([{ type: 'text', text: 'hi' }]), usage }))
    const price = { currency: 'USD', input: 4, output: 10, cachedInput: 0.4, cacheWrite: 5 }
    const cost = async (prices: object) =>
      (
        await invoke(
          anthropicModel({ baseUrl: server.url, model: 'claude', prices: { claude: { ...price, ...prices } } }),
          hello,
          { deadlineMs: 5_000 },
        )
      ).usage[0]?.spent?.cost?.amount
    expect(await cost({})).toBeCloseTo((100 * 4 + 200 * 0.4 + 400 * 5 + 10 * 10) / 1e6, 12)
    expect(await cost({ cacheWrite: undefined })).toBeCloseTo((500 * 4 + 200 * 0.4 + 10 * 10) / 1e6, 12)
  })

  it('gets results before all else of their turn, and ids that it takes, the same in a call and its result', async () => {
    const callId = 'functions.speed:0'
    const { body } = await askedFor({
      messages: [
        ...hello.messages,
        { role: 'assistant', content: [{ kind: 'tool-call', callId, name: 'speed', arguments: {} }] },
        { role: 'user', content: 'Well?' },
        { role: 'tool', content: [{ kind: 'tool-result', callId, name: 'speed', outcome: 'ok', result: 7 }] },
      ],
    })
    const [call] = body.messages[1].content
    expect(call.id).toMatch(/^[a-zA-Z0-9_-]+$/)
    expect(body.messages[2].content).toMatchObject([
      { type: 'tool_result', tool_use_id: call.id },
      { type: 'text', text: 'Well?' },
    ])
  })

  it('is shown no mark of another provider as its own', async () => {
    const content = [{ kind: 'reasoning', text: 'so', signature: '{"lab":{"mark":"abc"}}' }] as const
    const { body } = await askedFor({ messages: [...hello.messages, { role: 'assistant', content }] })
    expect(body.messages).toHaveLength(1)
  })

  it('may think as long as it was told to, and answer after it', async () => {
    const extra = { thinking: { type: 'enabled', budget_tokens: 10_000 } }
    expect((await askedFor(hello, { extra })).body.max_tokens).toBe(14_096)
    expect((await askedFor({ ...hello, maxOutputTokens: 12_000 }, { extra })).body.max_tokens).toBe(12_000)
  })

  it.each([
    ['that must be called', { toolChoice: 'required' }, ['speed'], { type: 'any' }],
    ['that must be called by name', { toolChoice: { name: 'speed' } }, ['speed'], { type: 'tool', name: 'speed' }],
    ['that may not be called', { toolChoice: 'none' }, ['give_answer'], { type: 'tool', name: 'give_answer' }],
    ['that may be called', {}, ['speed', 'give_answer'], { type: 'any' }],
  ] as const)('is held to a schema beside a tool %s', async (_what, choice, offered, wanted) => {
    const { body } = await askedFor({ ...hello, responseSchema, tools: [speed], ...choice })
    expect(body.tools.map(({ name }: { name: string }) => name)).toEqual(offered)
    expect(body.tool_choice).toEqual(wanted)
  })

  it('gives an answer that is no object, which no tool takes as it is', async () => {
    const list = { type: 'array', items: { $ref: '#/$defs/part' }, $defs: { part: { type: 'string' } } }
    const input = { answer: ['seal', 'bearing'] }
    const server = await serverThat(
      json(message([{ type: 'tool_use', id: 't', name: 'give_answer', input }], 'tool_use')),
    )
    const model = anthropicModel({ baseUrl: server.url, model: 'claude' })
    const { output } = await invoke(model, { ...hello, responseSchema: list }, { deadlineMs: 5_000 })
    expect(output.structured).toEqual({ value: ['seal', 'bearing'], by: 'tool-call', repaired: false })
    expect(JSON.parse(server.asked[0]?.body ?? '').tools[0].input_schema).toEqual({
      type: 'object',
      properties: { answer: { type: 'array', items: { $ref: '#/$defs/part' } } },
      required: ['answer'],
      $defs: { part: { type: 'string' } },
    })
  })
})
