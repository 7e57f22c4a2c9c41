import { type ChatInput, type ChatModel, invoke, isFault, type Reply, stream } from '@dinrail/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropicModel, chatModel, fromAiSdk, type Sender, scriptedModel } from './index.ts'

const key = 'sk-very-secret-0123456789'
const answering =
  (body: object): Sender =>
  async () => {
    const pieces = [new TextEncoder().encode(JSON.stringify(body))]
    return {
      status: 200,
      header: (name) => (name === 'content-type' ? 'application/json' : undefined),
      read: async () => pieces.shift(),
      close() {},
    }
  }
const completion = answering({ choices: [{ message: { content: '{}' }, finish_reason: 'stop' }] })
const message = answering({ type: 'message', content: [{ type: 'text', text: '{}' }], stop_reason: 'end_turn' })
const generated = { content: [{ type: 'text', text: '{}' }], finishReason: 'stop' }
const provider = {
  specificationVersion: 'v3',
  provider: 'lab',
  modelId: 'm',
  doGenerate: async () => generated,
  doStream: async () => ({
    stream: new ReadableStream({
      start(parts) {
        parts.enqueue({ type: 'text-delta', id: '0', delta: '{}' })
        parts.enqueue({ type: 'finish', finishReason: 'stop' })
        parts.close()
      },
    }),
  }),
}

const options = { baseUrl: 'http://plant/v1', model: 'm', key, retries: 0 }
const all = { tools: true, modalities: ['text', 'image', 'document'] } as const
const models: readonly ChatModel[] = [
  chatModel({ ...options, send: completion, chat: { ...all, structuredOutput: 'native' } }),
  chatModel({ ...options, send: completion, chat: { ...all, structuredOutput: 'prompt' }, server: 'deepseek' }),
  chatModel({ ...options, send: completion, chat: { ...all, structuredOutput: 'tool-call' } }),
  anthropicModel({ ...options, send: message }),
  fromAiSdk(provider, { chat: all, secrets: [key] }),
  scriptedModel(Array.from({ length: 10_000 }, () => [{ kind: 'text', text: '{}' }] as const)),
]

const schema = () => ({
  type: 'object',
  properties: { a: { type: ['number', 'null'] }, b: { items: { $ref: '#/$defs/c' } } },
  required: [],
  $defs: { c: { anyOf: [{ const: 5 }, { enum: ['x'] }] } },
})
const whole = () => ({
  messages: [
    { role: 'system', content: 's' },
    {
      role: 'user',
      content: [
        { kind: 'text', text: 'x' },
        { kind: 'image', mediaType: 'image/png', data: 'AAAA' },
        { kind: 'document', mediaType: 'application/pdf', data: 'AAAA', name: 'n' },
      ],
    },
    {
      role: 'assistant',
      content: [
        { kind: 'reasoning', text: 'r', signature: 's' },
        { kind: 'tool-call', callId: 'a', name: 'x', arguments: { v: [1] } },
      ],
    },
    { role: 'tool', content: [{ kind: 'tool-result', callId: 'a', name: 'x', outcome: 'ok', result: { v: 1 } }] },
  ],
  tools: [{ name: 'x', description: 'd', parameters: schema() }],
  toolChoice: { name: 'x' } as unknown,
  responseSchema: schema(),
  temperature: 0.5,
  maxOutputTokens: 5,
  stop: ['END'],
  seed: 5,
})

type Path = readonly string[]
const pathsIn = (value: unknown, at: Path = []): Path[] =>
  typeof value !== 'object' || value === null
    ? [at]
    : [at, [...at, 'other'], ...Object.entries(value).flatMap(([name, member]) => pathsIn(member, [...at, name]))]

function put(root: object, path: Path, value: unknown): unknown {
  const last = path.at(-1)
  if (last === undefined) return value
  let at: unknown = root
  for (const step of path.slice(0, -1)) at = (at as Record<string, unknown>)[step]
  Object.defineProperty(at, last, { value, enumerable: true, writable: true, configurable: true })
  return root
}

const endless: Record<string, unknown> = { type: 'object' }
Object.assign(endless, { anyOf: [endless, endless], self: endless })
const deep = (levels: number) => Array.from({ length: levels }).reduce((inner) => ({ items: inner }), {})
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    ...[undefined, null, true, -1, Number.NaN, Number.POSITIVE_INFINITY, 5n, Symbol('s'), () => 1, '', '\ud800'],
    ...['__proto__', [], [null], [5n], {}, Object.create(null), endless, deep(300), deep(20_000), new Date(Number.NaN)],
    ...[new Map([['a', 1]]), new Float32Array(2), { toString: 5, valueOf: 5 }, { value: 'x', unit: 'mm' }, ['x']],
    ...[{ $ref: '#/%' }, { $ref: 5 }, { $ref: '#' }, { type: [] }, { type: 5n }, { pattern: '(' }, { required: [{}] }],
    ...[JSON.parse('{"__proto__":{"a":1}}'), Object.defineProperty({}, 'length', { get: () => 1, enumerable: true })],
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

describe('whatever stands in a conversation', () => {
  it('ends in a reply, or in a fault that says where, which nobody takes for the model’s own', async () => {
    const place = fc.constantFrom(...pathsIn(whole()))
    await fc.assert(
      fc.asyncProperty(place, odd, fc.nat(models.length - 1), fc.boolean(), async (path, value, which, inParts) => {
        const model = models[which]!
        const input = put(whole(), path, value) as ChatInput
        const bounds = { deadlineMs: 2_000 }
        const ending = inParts ? stream(model, input, bounds).finish() : invoke(model, input, bounds)
        const end: unknown = await ending.catch((thrown: unknown) => thrown)
        expect(JSON.stringify(end)).not.toContain(key)
        if (isFault(end)) {
          expect(['invalid-input', 'unsupported', 'unit-mismatch', 'invalid-output']).toContain(end.code)
          expect(end.field, end.message).toMatch(/^\/(?:input|output)/)
        } else expect((end as Reply<unknown>).output).toBeDefined()
      }),
      { numRuns: 3_000 },
    )
  })

  it.each<readonly [string, Path, unknown, string]>([
    ['a role that is a BigInt', ['messages', '0', 'role'], 5n, '/input/messages/0'],
    ['a signature that is no text', ['messages', '2', 'content', '0', 'signature'], 5, '/input/messages/2'],
    ['a call id in a list', ['messages', '3', 'content', '0', 'callId'], ['a'], '/input/messages/3'],
    ['a tool that is null', ['tools', '0'], null, '/input/tools/0/name'],
    ['a tool’s name in a list', ['tools', '0', 'name'], ['x'], '/input/tools/0/name'],
    ['parameters that hold themselves', ['tools', '0', 'parameters'], endless, '/input/tools/0/parameters'],
    ['a schema with a BigInt', ['responseSchema', 'other'], 5n, '/input/responseSchema'],
    ['a schema of 300 levels', ['responseSchema', 'other'], deep(300), '/input/responseSchema'],
    ['a member that no JSON has, beside a tool’s own', ['tools', '0', 'other'], 5n, '/input/tools/0'],
    ['a member named __proto__', ['messages', '0'], JSON.parse('{"__proto__":1}'), '/input/messages/0'],
  ])('is refused by its place: %s', async (_what, path, value, field) => {
    for (const model of models)
      await expect(invoke(model, put(whole(), path, value) as ChatInput, { deadlineMs: 2_000 })).rejects.toMatchObject({
        code: 'invalid-input',
        field,
      })
  })

  it.each([
    ['a reference that cannot be read', { $ref: '#/%' }],
    ['a reference that is no text', { $ref: { toString: 5 } }],
    ['a type that is none', { type: { toString: 5, valueOf: 5 } }],
    ['a member that is required by no name', { required: [{ toString: 5 }] }],
  ])('is unsupported where it is a schema with %s', async (_what, responseSchema) => {
    for (const model of models)
      await expect(
        invoke(model, { ...(whole() as ChatInput), responseSchema }, { deadlineMs: 2_000 }),
      ).rejects.toMatchObject({ code: 'unsupported', field: '/input/responseSchema' })
  })
})
