import { type ChatInput, invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { type AnthropicModelOptions, anthropicModel } from './index.ts'
import { hello, json, serverThat } from './local-server.test-support.ts'

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
      tool_choice: { type: 'any' },
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
})
