import { type ChatOutput, type Fault, invoke, isFault, type Reply } from '@dinrail/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversation, mergedParts, modelOf, type Read, readAnswer, sending } from './fixtures.test-support.ts'
import { anthropicModel, chatModel, embeddingModel, rerankModel, type Sender } from './index.ts'

type Json = Record<string, unknown>
const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const count = fc.constant(5)
const piece = fc.record({
  index: fc.nat(2),
  id: text,
  function: fc.record({
    name: fc.constantFrom('x', 'constructor'),
    arguments: fc.constantFrom('{}', '{"v":', '', '1'),
  }),
})
const delta = fc.oneof(
  fc.record({ content: fc.oneof(text, fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 2 })) }),
  fc.record({ reasoning_content: text }),
  fc.record({ tool_calls: fc.array(piece, { maxLength: 2 }) }),
)
const completionEvents = fc
  .tuple(fc.array(delta, { maxLength: 4 }), fc.constantFrom('stop', 'length', 'tool_calls', 'constructor'), count)
  .map(([deltas, finish_reason, tokens]): Json[] => [
    ...deltas.map((one) => ({ choices: [{ index: 0, delta: one, finish_reason: null }] })),
    { choices: [{ index: 0, delta: {}, finish_reason }], usage: { prompt_tokens: tokens, completion_tokens: tokens } },
  ])
const said = fc.oneof(
  text.map(
    (one) =>
      [
        { type: 'text', text: '' },
        { type: 'text_delta', text: one },
      ] as const,
  ),
  text.map(
    (one) =>
      [
        { type: 'thinking', thinking: '' },
        { type: 'thinking_delta', thinking: one },
      ] as const,
  ),
  text.map(
    (one) =>
      [
        { type: 'thinking', thinking: '' },
        { type: 'signature_delta', signature: one },
      ] as const,
  ),
  fc.constant([
    { type: 'tool_use', id: 'a', name: 'x', input: {} },
    { type: 'input_json_delta', partial_json: '{"v":1}' },
  ] as const),
)
const messageEvents = fc
  .tuple(fc.array(said, { maxLength: 4 }), fc.constantFrom('end_turn', 'max_tokens', 'constructor'), count)
  .map(([blocks, stop_reason, tokens]): Json[] => [
    { type: 'message_start', message: { model: 'm', content: [], usage: { input_tokens: tokens } } },
    ...blocks.flatMap(([content_block, one], index) => [
      { type: 'content_block_start', index, content_block },
      { type: 'content_block_delta', index, delta: one },
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason },
      usage: { output_tokens: tokens, cache_read_input_tokens: tokens },
    },
    { type: 'message_stop' },
  ])
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 1.5, 1e300, '', 'x', '5', 'constructor', '__proto__', '\ud800', [], {}),
  fc.constantFrom<unknown>([null], { toString: 5, valueOf: 5 }, { code: { toString: 5 } }, { message: 5, code: '429' }),
  fc.jsonValue({ maxDepth: 2 }),
)

const pathsIn = (value: unknown, at: readonly string[] = []): (readonly string[])[] =>
  typeof value !== 'object' || value === null
    ? [at]
    : [at, [...at, 'error'], ...Object.entries(value).flatMap(([name, one]) => pathsIn(one, [...at, name]))]

/** The same events with another value in one place, or nothing there. */
function spoilt(events: readonly Json[], place: number, value: unknown): Json[] {
  const changed = structuredClone(events) as Json[]
  const paths = pathsIn(changed).filter((path) => path.length > 1)
  const path = paths[place % paths.length]!
  let at: unknown = changed
  for (const step of path.slice(0, -1)) at = (at as Json)[step]
  Object.defineProperty(at, path.at(-1)!, { value, enumerable: true, writable: true, configurable: true })
  return changed
}

const protocol = fc.constantFrom('completions', 'anthropic')
const answer = fc.record({
  protocol,
  completionEvents,
  messageEvents,
  spoils: fc.array(fc.tuple(fc.nat(), odd), { maxLength: 2 }),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  before: fc.constantFrom('', '\ufeff', ': comment\n', 'retry: 5\n'),
  done: fc.boolean(),
  cuts: fc.array(fc.nat(), { maxLength: 6 }),
})

const known = ['unavailable', 'overloaded', 'invalid-input', 'invalid-output', 'denied', 'not-found']
const essence = ({ parts, reply, fault }: Read) =>
  JSON.stringify([fault === undefined && mergedParts(parts), reply?.output, fault?.code, fault?.message])

describe('whatever a server streams', () => {
  it('ends in an answer that its parts add up to, or in a fault that is the server’s', async () => {
    await fc.assert(
      fc.asyncProperty(answer, async (one) => {
        const events = one.spoils.reduce(
          (before, [place, value]) => spoilt(before, place, value),
          one.protocol === 'anthropic' ? one.messageEvents : one.completionEvents,
        )
        const lines = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
        const stream = `${one.before}${lines}${one.done ? 'data: [DONE]\n\n' : ''}`.replaceAll('\n', one.lineEnd)
        const bytes = new TextEncoder().encode(stream)
        const ends = one.cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b)
        const pieces = [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
        const read = await readAnswer(modelOf(one, sending(pieces)), conversation())
        expect(essence(await readAnswer(modelOf(one, sending([bytes])), conversation()))).toBe(essence(read))
        if (read.fault !== undefined) return void expect(known, read.fault.message).toContain(read.fault.code)
        const { content, finishReason, tokens } = read.reply!.output
        expect(['stop', 'length', 'tool-calls', 'content-filter', 'other']).toContain(finishReason)
        expect(Object.values(tokens).every((one) => Number.isSafeInteger(one) && Number(one) >= 0)).toBe(true)
        const given = read.parts.flatMap((part) => (part.kind.endsWith('t-delta') && 'text' in part ? [part.text] : []))
        expect(given.join('')).toBe(content.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join(''))
        expect(JSON.stringify(content)).not.toContain('[object Object]')
      }),
      { numRuns: 1_500 },
    )
  })
})

const key = 'sk-very-secret-0123456789'

function sent(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Sender {
  return async () => {
    const pieces = [new TextEncoder().encode(JSON.stringify(body))]
    return {
      status,
      header: (name) => (name === 'content-type' ? 'application/json' : headers[name]),
      read: async () => pieces.shift(),
      close() {},
    }
  }
}
const prices = { m: { currency: 'EUR', input: 1, output: 2, cachedInput: 0.5, cacheWrite: 3 } }
const options = (send: Sender) => ({ baseUrl: 'http://plant/v1', model: 'm', key, send, retries: 0, prices })
const bounds = { deadlineMs: 5_000 }
/** What comes of it, by every model that asks with one request and is answered with one body. */
const endings = (send: Sender) => [
  invoke(chatModel(options(send)), conversation(), bounds),
  invoke(anthropicModel(options(send)), conversation(), bounds),
  invoke(embeddingModel(options(send)), { texts: ['a', 'b'] }, bounds),
  invoke(rerankModel(options(send)), { query: 'q', documents: ['a', 'b'] }, bounds),
]
const bodies = fc.constantFrom(
  {
    choices: [{ message: { content: 'x' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 5 },
  },
  {
    type: 'message',
    content: [{ type: 'tool_use', id: 'a', name: 'x', input: {} }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 5, output_tokens: 5, cache_creation_input_tokens: 2 },
  },
  {
    model: 'e',
    data: [
      { index: 0, embedding: [1] },
      { index: 1, embedding: [2] },
    ],
    usage: { prompt_tokens: 5 },
  },
  {
    model: 'r',
    results: [
      { index: 0, score: 1 },
      { index: 1, relevance_score: 2 },
    ],
    usage: { total_tokens: 5 },
  },
)
const waits = fc.constantFrom('', '-1', '1e99', 'Infinity', 'soon', '0', 'Wed, 21 Oct 2015 07:28:00 GMT', '1, 2')

describe('whatever a server answers in one piece', () => {
  it('is an answer or the server’s fault, says no key, and costs what is known or nothing', async () => {
    const status = fc.oneof({ weight: 3, arbitrary: fc.constant(200) }, fc.integer({ min: 100, max: 599 }))
    await fc.assert(
      fc.asyncProperty(
        bodies,
        fc.nat(),
        fc.oneof(odd, fc.constant(key)),
        status,
        waits,
        async (body, at, value, ...of) => {
          const [code, retryAfter] = of
          const [changed] = spoilt([body], at, value)
          const headers = { 'retry-after': retryAfter, 'retry-after-ms': retryAfter }
          for (const ending of endings(sent(changed, code, headers))) {
            const end = await ending.catch((thrown: Fault) => thrown)
            expect(JSON.stringify(end)).not.toContain(key)
            if (isFault(end)) expect(known, end.message).toContain(end.code)
            else expect(code >= 200 && code < 300).toBe(true)
            for (const { spent } of (end as Fault | Reply<unknown>).usage ?? [])
              if (spent?.cost !== undefined) expect(spent.cost.amount).toBeGreaterThanOrEqual(0)
          }
        },
      ),
      { numRuns: 600 },
    )
  })

  it.each<readonly [string, unknown]>([
    ['its code', { message: 'no', code: { toString: 5, valueOf: 5 } }],
    ['its status', { message: 'no', status: { toString: 5, valueOf: 5 } }],
  ])('is its fault where the error says no number: %s', async (_what, error) => {
    for (const ending of endings(sent({ error })))
      await expect(ending).rejects.toMatchObject({ code: 'unavailable', message: /the server reports: no/ })
  })

  it.each<readonly [string, unknown]>([
    ['a content that is a number', { content: 42 }],
    ['a content that is an object', { content: { text: 'half' } }],
    ['a message that is text', 'half'],
    [
      'calls that are no list',
      { content: 'half', tool_calls: { id: 'a', function: { name: 'stop', arguments: '{}' } } },
    ],
  ])('%s is not left out of it', async (_what, message) => {
    const model = chatModel({
      baseUrl: 'http://plant-gpu:8000/v1',
      model: 'm',
      retries: 0,
      send: sent({ choices: [{ index: 0, message, finish_reason: 'stop' }] }),
    })
    await expect(invoke(model, { messages: [{ role: 'user', content: 'hello' }] }, bounds)).rejects.toMatchObject({
      code: 'unavailable',
      message: /in no form of chat completions/,
    })
  })

  it('waits as long as Retry-After says where its other form is empty', async () => {
    const headers = { 'retry-after-ms': '', 'retry-after': '7' }
    for (const ending of endings(sent({}, 503, headers)))
      await expect(ending).rejects.toMatchObject({ details: { retryAfterMs: 7_000 } })
  })
})

describe('an answer of Anthropic Messages', () => {
  const ask = async (content: readonly object[], usage: object = {}, stop_reason = 'end_turn') =>
    await invoke(
      anthropicModel(options(sent({ type: 'message', model: 'm', content, stop_reason, usage }))),
      conversation(),
      bounds,
    )

  it.each([
    { type: 'text', text: { a: 1 } },
    { type: 'thinking', thinking: 5 },
  ])('is garbled where a piece is no text, and not shorter: %j', async (block) => {
    await expect(ask([{ type: 'text', text: 'a' }, block])).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('keeps the input of a call that comes as text', async () => {
    const { output } = await ask([{ type: 'tool_use', id: 'a', name: 'x', input: '{"v":1}' }])
    expect(output.content).toMatchObject([{ arguments: { v: 1 } }])
  })

  it('knows no count that is none, nor what it is a part of', async () => {
    const { output, usage } = await ask([], { input_tokens: 5, output_tokens: 5, cache_read_input_tokens: -2 })
    expect(output.tokens).toEqual({ output: 5 })
    expect(usage[0]?.spent?.cost).toBeUndefined()
  })
})

it('a reason to finish that only every object has is no known one', async () => {
  const choices = [{ message: { content: 'x' }, finish_reason: 'constructor' }]
  const { output }: Reply<ChatOutput> = await invoke(chatModel(options(sent({ choices }))), conversation(), bounds)
  expect(output.finishReason).toBe('other')
})

it('thousands of calls by one id are read in no time', async () => {
  const tool_calls = Array.from({ length: 10_000 }, (_, i) => ({
    id: 'a',
    function: { name: i % 2 === 0 ? 'x' : 'y', arguments: '{}' },
  }))
  const send = sent({ choices: [{ message: { tool_calls }, finish_reason: 'tool_calls' }] })
  const { output, elapsedMs } = await invoke(chatModel(options(send)), conversation(), bounds)
  const ids = output.content.flatMap((part) => (part.kind === 'tool-call' ? [part.callId] : []))
  expect(new Set(ids).size).toBe(10_000)
  expect(elapsedMs).toBeLessThan(1_500)
})

describe('a key that a server says back', () => {
  const embed = (body: object) => invoke(embeddingModel(options(sent(body))), { texts: ['a'] }, bounds)
  const rank = (body: object) => invoke(rerankModel(options(sent(body))), { query: 'q', documents: ['a'] }, bounds)

  it.each([
    ['as a number of a row', () => embed({ data: [{ embedding: [key] }] })],
    ['as the model that embeds', () => embed({ model: key, data: [{ embedding: [1] }] })],
    ['as a score', () => rank({ results: [{ index: 0, score: key }] })],
    ['as a place', () => rank({ results: [{ index: key, score: 1 }] })],
    ['as the model that ranks', () => rank({ model: key, results: [{ index: 0, score: 1 }] })],
  ])('is in no fault and no answer: %s', async (_what, ask) => {
    const fault: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(fault).toMatchObject({ code: 'invalid-output' })
    expect(JSON.stringify(fault)).not.toContain(key)
  })
})
