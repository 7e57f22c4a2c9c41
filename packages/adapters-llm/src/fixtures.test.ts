import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  conversation,
  type Fixture,
  fixtures,
  mergedParts,
  modelOf,
  type Read,
  readAnswer,
  sending,
} from './fixtures.test-support.ts'

const named = fixtures.map((fixture) => [`${fixture.protocol}: ${fixture.name}`, fixture] as const)
const whole = named.filter(([, { expected }]) => expected.fault === undefined)

const read = (fixture: Fixture, pieces: readonly Uint8Array[]) =>
  readAnswer(modelOf(fixture, sending(pieces)), conversation(fixture.expected.earlier))

/** What must be the same however the bytes were cut, as text, which is compared a hundred times faster. */
const essence = ({ parts, reply, fault }: Read) =>
  JSON.stringify({
    parts: fault === undefined ? mergedParts(parts) : undefined,
    output: reply?.output,
    fault: fault && { code: fault.code, message: fault.message },
  })

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places)].sort((a, b) => a - b)
  return [0, ...ends].map((from, i) => bytes.subarray(from, ends[i] ?? bytes.length))
}

describe('a server’s quirk', () => {
  it.each(named)('%s', async (_, fixture) => {
    const { about: _about, earlier: _earlier, fault, ...output } = fixture.expected
    const { reply, fault: found } = await read(fixture, [fixture.bytes])
    if (fault === undefined) expect(reply?.output).toMatchObject(output)
    else expect(found).toMatchObject({ code: fault.code, message: expect.stringContaining(fault.message) })
    expect(reply?.output.tokens).toEqual(output.tokens)
  })

  it.each(named)('reads the same wherever it is cut: %s', async (_, fixture) => {
    const once = essence(await read(fixture, [fixture.bytes]))
    for (let at = 1; at < fixture.bytes.length; at++)
      expect(essence(await read(fixture, cutAt(fixture.bytes, [at]))), `cut at ${at}`).toBe(once)
    const singly = Array.from(fixture.bytes, (byte) => Uint8Array.of(byte))
    expect(essence(await read(fixture, singly))).toBe(once)
  })

  it.each(named)('reads the same in pieces of any size: %s', async (_, fixture) => {
    const once = essence(await read(fixture, [fixture.bytes]))
    const places = fc.array(fc.nat({ max: Math.max(0, fixture.bytes.length - 1) }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(places, async (cuts) => {
        expect(essence(await read(fixture, cutAt(fixture.bytes, cuts)))).toBe(once)
      }),
      { numRuns: 20 },
    )
  })

  it.each(whole)('gives deltas that add up to its final: %s', async (_, fixture) => {
    const { parts, reply } = await read(fixture, [fixture.bytes])
    const content = reply?.output.content ?? []
    for (const kind of ['text', 'reasoning'] as const) {
      const given = parts
        .flatMap((part) => ('text' in part && part.kind === `${kind}-delta` ? [part.text] : []))
        .join('')
      expect(given).toBe(content.flatMap((part) => (part.kind === kind ? [part.text] : [])).join(''))
    }
    for (const call of content.filter((part) => part.kind === 'tool-call')) {
      const own = parts.filter((part) => 'callId' in part && part.callId === call.callId)
      expect(own[0]).toEqual({ kind: 'tool-call-start', callId: call.callId, name: call.name })
      const text = own.flatMap((part) => (part.kind === 'tool-call-delta' ? [part.text] : [])).join('')
      expect(typeof call.arguments === 'string' ? text : JSON.parse(text || '{}')).toEqual(call.arguments)
    }
    expect(parts.filter((part) => part.kind === 'tool-call').map(({ call }) => call)).toEqual(
      content.filter((part) => part.kind === 'tool-call'),
    )
  })
})

describe('very many pieces of one thing', () => {
  const pieces = (of: object) => `data: ${JSON.stringify({ choices: [{ delta: of }] })}\n\n`.repeat(50_000)
  const end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
  const grown = { tool_calls: [{ id: 'a', function: { name: 'write', arguments: 'abcdefghijklmnopqrst' } }] }

  it.each([
    ['a call', pieces(grown), { name: 'write' }],
    ['blanks', pieces({ content: '\n\n\n\n\n' }), { kind: 'text' }],
    ['a line without end', `:${' '.repeat(8_000_000)}\n${pieces({ content: 'a' })}`, { kind: 'text' }],
  ])('are read in one go: %s', async (_, text, part) => {
    const bytes = new TextEncoder().encode(text + end)
    const send = sending(
      cutAt(
        bytes,
        Array.from({ length: bytes.length / 500 - 1 }, (_, i) => (i + 1) * 500),
      ),
    )
    const { reply } = await readAnswer(modelOf({ protocol: 'completions' }, send), conversation())
    expect(reply?.output.content).toMatchObject([part])
  })
})

it('a quirk has a file of its own, and each file says what it shows', () => {
  expect(fixtures.length).toBeGreaterThan(60)
  const texts = fixtures.map(({ protocol, expected }) => `${protocol} ${expected.about}`)
  expect(new Set(texts).size).toBe(fixtures.length)
})
