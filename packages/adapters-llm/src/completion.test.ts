import type { ChatOutput, ChatPart } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { Completion } from './completion.ts'
import { eventData } from './server-sent-events.ts'

const chunk = (delta: object, finish: string | null = null) => ({
  model: 'm-1',
  choices: [{ index: 0, delta, finish_reason: finish }],
})
const call = (piece: object) => chunk({ tool_calls: [piece] })
const events = (chunks: readonly unknown[], end = 'data: [DONE]\n\n', line = '\n') =>
  chunks.map((one) => `data: ${JSON.stringify(one)}${line}${line}`).join('') + end

async function read(
  pieces: readonly Uint8Array[],
  taken: readonly string[] = [],
): Promise<{ output: ChatOutput; parts: ChatPart[] }> {
  async function* bytes() {
    yield* pieces
  }
  const completion = new Completion('asked-for', new Set(taken))
  const parts: ChatPart[] = []
  for await (const data of eventData(bytes())) {
    if (data === '[DONE]') completion.end()
    else parts.push(...completion.take(JSON.parse(data)))
  }
  const { output, late } = completion.finish()
  return { output, parts: [...parts, ...late] }
}

const speed = { kind: 'tool-call', callId: 'c1', name: 'speed', arguments: { v: 9 } }
const width = { kind: 'tool-call', callId: 'c2', name: 'width', arguments: { w: 1 } }
const said = (text: string) => [{ kind: 'text', text }]

const quirks: Record<string, { stream: string; content: unknown; finishReason?: string; tokens?: object }> = {
  'plain text, usage in an empty last chunk': {
    stream: events([
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Lager ' }),
      chunk({ content: 'läuft 轴承' }),
      chunk({}, 'stop'),
      { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } },
    ]),
    content: said('Lager läuft 轴承'),
    tokens: { input: 7, output: 3 },
  },
  'an empty list of choices first, comments, CRLF': {
    stream: `: keep-alive\r\n\r\n${events([{ choices: [] }, chunk({ content: 'ok' }), chunk({}, 'stop')], 'data: [DONE]\r\n\r\n', '\r\n')}`,
    content: said('ok'),
  },
  'no [DONE] and no last empty line': {
    stream: events([chunk({ content: 'ok' }), chunk({}, 'stop')], '').trimEnd(),
    content: said('ok'),
  },
  'the finish reason twice': {
    stream: events([chunk({ content: 'ok' }, 'stop'), chunk({}, 'length')]),
    content: said('ok'),
  },
  'content as a list': {
    stream: events([
      chunk({
        content: [
          { type: 'text', text: 'o' },
          { type: 'text', text: 'k' },
        ],
      }),
      chunk({}, 'stop'),
    ]),
    content: said('ok'),
  },
  'reasoning in a field of its own': {
    stream: events([chunk({ reasoning_content: 'hm' }), chunk({ content: 'ok' }), chunk({}, 'stop')]),
    content: [{ kind: 'reasoning', text: 'hm' }, ...said('ok')],
  },
  'reasoning in tags that are cut in two': {
    stream: events([
      chunk({ content: '<thi' }),
      chunk({ content: 'nk>hm</th' }),
      chunk({ content: 'ink>a < b' }),
      chunk({}, 'stop'),
    ]),
    content: [{ kind: 'reasoning', text: 'hm' }, ...said('a < b')],
  },
  'usage that is not a number': {
    stream: events([
      chunk({ content: 'ok' }, 'stop'),
      { choices: [], usage: { prompt_tokens: null, completion_tokens: 'NaN' } },
    ]),
    content: said('ok'),
    tokens: {},
  },
  'two calls with indices from 1': {
    stream: events([
      call({ index: 1, id: 'c1', function: { name: 'speed', arguments: '' } }),
      call({ index: 1, function: { arguments: '{"v"' } }),
      call({ index: 1, function: { arguments: ':9}' } }),
      call({ index: 2, id: 'c2', function: { name: 'width', arguments: '{"w":1}' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [speed, width],
    finishReason: 'tool-calls',
  },
  'calls without an index, whole in one chunk': {
    stream: events([
      call({ id: 'c1', function: { name: 'speed', arguments: '{"v":9}' } }),
      call({ id: 'c2', function: { name: 'width', arguments: '{"w":1}' } }),
      chunk({}, 'stop'),
    ]),
    content: [speed, width],
    finishReason: 'tool-calls',
  },
  'an index that is used again': {
    stream: events([
      call({ index: 0, id: 'c1', function: { name: 'speed', arguments: '{"v":9}' } }),
      call({ index: 0, id: 'c2', function: { name: 'width', arguments: '{"w":1}' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [speed, width],
    finishReason: 'tool-calls',
  },
  'an empty id on continuations, the name later': {
    stream: events([
      call({ index: 0, id: 'c1', function: {} }),
      call({ index: 0, id: '', function: { name: 'speed' } }),
      call({ index: 0, id: '', function: { arguments: '{"v":9}' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [speed],
    finishReason: 'tool-calls',
  },
  'ids that rotate': {
    stream: events([
      call({ index: 0, id: 'c1', function: { name: 'speed', arguments: '{"v":' } }),
      call({ index: 0, id: 'c9', function: { arguments: '9}' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [speed],
    finishReason: 'tool-calls',
  },
  'arguments whose beginning already parses': {
    stream: events([
      call({ index: 0, id: 'c1', function: { name: 'speed', arguments: '{}' } }),
      call({ index: 0, function: { arguments: '' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [{ ...speed, arguments: {} }],
    finishReason: 'tool-calls',
  },
  'arguments that are no JSON': {
    stream: events([
      call({ index: 0, id: 'c1', function: { name: 'speed', arguments: '{v: nine}' } }),
      chunk({}, 'tool_calls'),
    ]),
    content: [{ ...speed, arguments: '{v: nine}' }],
    finishReason: 'tool-calls',
  },
}

describe('a stream reads the same however it is cut', () => {
  it.each(Object.entries(quirks))('%s', async (_, { stream, content, finishReason = 'stop', tokens = {} }) => {
    const bytes = new TextEncoder().encode(stream)
    const whole = await read([bytes])
    expect(whole.output).toMatchObject({ content, finishReason })
    expect(whole.output.tokens).toEqual(tokens)
    for (let at = 1; at < bytes.length; at++)
      expect((await read([bytes.subarray(0, at), bytes.subarray(at)])).output).toEqual(whole.output)
    const singly = await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))
    expect(singly.output).toEqual(whole.output)
  })

  it('gives the text in deltas that add up to it', async () => {
    const { parts } = await read([new TextEncoder().encode(quirks['reasoning in tags that are cut in two']!.stream)])
    expect(parts.map((part) => ('text' in part ? `${part.kind}:${part.text}` : part.kind))).toEqual([
      'reasoning-delta:hm',
      'text-delta:a < b',
    ])
  })
})

describe('a stream that breaks', () => {
  const whole = new TextEncoder().encode(
    events([chunk({ content: 'All ' }), chunk({ content: 'clear' }), chunk({}, 'stop')]),
  )
  const finishAt = new TextDecoder().decode(whole).indexOf('"finish_reason":"stop"')

  it('is never a short answer, wherever it is cut', async () => {
    for (let at = 0; at < finishAt; at++) await expect(read([whole.subarray(0, at)]), `cut at ${at}`).rejects.toThrow()
  })

  it('reports the error that a server hides inside it', async () => {
    const stream = events([chunk({ content: 'All ' }), { error: { message: 'out of memory' } }])
    await expect(read([new TextEncoder().encode(stream)])).rejects.toMatchObject({
      code: 'unavailable',
      message: /out of memory/,
    })
  })
})

it('makes a call id that was used in an earlier turn unique', async () => {
  const stream = events([
    call({ index: 0, id: 'c1', function: { name: 'speed', arguments: '{"v":9}' } }),
    chunk({}, 'tool_calls'),
  ])
  expect((await read([new TextEncoder().encode(stream)], ['c1'])).output.content).toMatchObject([{ callId: 'c1-2' }])
})
