import type { ChatInput, ChatModel } from '@dinrail/core'
import { chatChecks, modelChecks, throughTransport, toReport } from '@dinrail/core/conformance'
import { afterAll, describe, expect, it } from 'vitest'
import { anthropicModel, chatModel, fetchSender, playbook, scriptedModel } from './index.ts'
import { type Answers, chunk, completion, hello, json, serverThat, streamOf } from './local-server.test-support.ts'
import { nodeSender } from './node.ts'

const calling: ChatInput = {
  ...hello,
  tools: [{ name: 'read', description: 'Reads.', parameters: { type: 'object' } }],
}
const responseSchema = { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] }
const structured: ChatInput = { ...hello, responseSchema }

/** Behaves like a model: calls a tool where there is one, always by the same id, and keeps to a schema. */
const completions: Answers = (request, response, body) => {
  const { stream, tools, messages } = JSON.parse(body)
  const inSchema = body.includes('"level"') || JSON.stringify(messages).includes('level')
  const words = inSchema ? '{"level":1}' : 'hello'
  const call = { index: 0, id: 'c1', function: { name: 'read', arguments: '{"at":1}' } }
  if (stream !== true)
    return json(
      tools ? completion({ content: null, tool_calls: [call] }, 'tool_calls') : completion({ content: words }),
    )(request, response, body)
  const pieces = tools
    ? [
        chunk({ tool_calls: [{ ...call, function: { name: 'read', arguments: '{"at"' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
        chunk({}, 'tool_calls'),
      ]
    : [...words].map((sign) => chunk({ content: sign })).concat(chunk({}, 'stop'))
  streamOf(...pieces)(request, response, body)
}

const messagesApi: Answers = (request, response, body) => {
  const { stream, tools } = JSON.parse(body)
  const name = tools?.[0].name
  const input = name === 'give_answer' ? { level: 1 } : { at: 1 }
  const block = tools ? { type: 'tool_use', id: 'c1', name, input } : { type: 'text', text: 'hello' }
  const head = { type: 'message', model: 'claude-1', usage: { input_tokens: 3, output_tokens: 2 } }
  const stop = { stop_reason: tools ? 'tool_use' : 'end_turn' }
  if (stream !== true) return json({ ...head, content: [block], ...stop })(request, response, body)
  const delta = tools
    ? { type: 'input_json_delta', partial_json: JSON.stringify(input) }
    : { type: 'text_delta', text: 'hello' }
  const events = [
    { type: 'message_start', message: { ...head, content: [] } },
    {
      type: 'content_block_start',
      index: 0,
      content_block: tools ? { ...block, input: {} } : { type: 'text', text: '' },
    },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: stop, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ]
  streamOf(...events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`))(
    request,
    response,
    body,
  )
}

const kept = nodeSender()
afterAll(() => kept.close())
const rules = [
  {
    name: 'call',
    when: ({ tools }: { readonly tools: readonly string[] }) => tools.length > 0,
    do: () => ({ call: [{ name: 'read', arguments: { at: 1 } }] }),
  },
  { name: 'say', when: () => true, do: () => ({ say: { level: 1 } }) },
]

const makers: Record<string, () => Promise<() => ChatModel>> = {
  'chat completions, by fetch': async () => {
    const { url } = await serverThat(completions)
    return () => chatModel({ baseUrl: url, model: 'm', send: fetchSender() })
  },
  'chat completions with a native mode, by Node': async () => {
    const { url } = await serverThat(completions)
    return () => chatModel({ baseUrl: url, model: 'm', server: 'openai', send: kept })
  },
  'Anthropic Messages, by fetch': async () => {
    const { url } = await serverThat(messagesApi)
    return () => anthropicModel({ baseUrl: url, model: 'm' })
  },
  'Anthropic Messages, by Node': async () => {
    const { url } = await serverThat(messagesApi)
    return () => anthropicModel({ baseUrl: url, model: 'm', send: kept })
  },
  'a playbook': async () => () => playbook({ rules }),
}

describe('the chat contract', () => {
  it.each(Object.entries(makers))('is kept by %s, here and through a transport', async (_, make) => {
    const create = await make()
    const subject = { create, input: hello, deadlineMs: 5_000 }
    const chat = { calling, structured }
    const reports = [
      await toReport(await chatChecks({ ...subject, ...chat })),
      await toReport(await modelChecks(subject)),
    ]
    for (const { text } of reports) expect(text).not.toContain('✗')
    const far = throughTransport(subject) as typeof subject
    expect((await toReport(await chatChecks({ ...far, ...chat }))).results).toEqual(reports[0]?.results)
  })

  it('is kept by a scripted model, whose scripts are what is asked for', async () => {
    const said = (text: string) => () =>
      scriptedModel(Array.from({ length: 9 }, () => [{ kind: 'text' as const, text }]))
    const report = await toReport(
      await chatChecks({ create: said('{"level":1}'), input: hello, calling, structured, deadlineMs: 5_000 }),
      { 'calls-apart': 'this script calls no tool' },
    )
    expect(report.text).not.toContain('✗')
  })
})
