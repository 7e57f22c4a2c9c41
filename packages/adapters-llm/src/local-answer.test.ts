import type { ChatPart } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { answerForm } from './answer-grammar.ts'
import { answerReader } from './local-answer.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]
const tools = [{ name: 'look', description: '', parameters: { type: 'object' } }]

/** What is told of a text that comes in these pieces, and what it is in the end; the engine trims its end. */
function read(
  pieces: readonly string[],
  { wasCut = false, offered = tools }: { wasCut?: boolean; offered?: typeof tools } = {},
) {
  const input = { messages, tools: offered }
  const parts: ChatPart[] = []
  const reader = answerReader(answerForm(input), input, (part) => parts.push(part))
  for (const piece of pieces) reader.take('text', piece)
  const content = reader.end([pieces.join('').trimEnd()], wasCut)
  return { parts, content }
}
const said = (parts: readonly ChatPart[]) => parts.map((part) => (part.kind === 'text-delta' ? part.text : '')).join('')
const grown = (parts: readonly ChatPart[]) =>
  parts.map((part) => (part.kind === 'tool-call-delta' ? part.text : '')).join('')
/** A text in all its pieces of so many signs. */
const pieces = (text: string, size: number) => text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []

describe('the answer of a model in process', () => {
  it.each([1, 2, 3, 7])('is told in deltas that add up to it, blanks at its end too: pieces of %d', (size) => {
    for (const offered of [tools, []])
      for (const text of ['Two  words \n\n', ' a', 'a \n b\n']) {
        const { parts, content } = read(pieces(text, size), { offered })
        expect(content).toEqual([{ kind: 'text', text: said(parts) }])
        expect(said(parts)).toBe(text.trimEnd())
      }
  })

  it.each([1, 2, 5, 100])('is a call, announced, grown and whole: pieces of %d', (size) => {
    const text = '{"tool": "look", "arguments": {"at": {"x": "}"}} }'
    const { parts, content } = read(pieces(text, size))
    const call = { kind: 'tool-call', callId: 'call-1', name: 'look', arguments: { at: { x: '}' } } }
    expect(content).toEqual([call])
    expect(parts[0]).toEqual({ kind: 'tool-call-start', callId: 'call-1', name: 'look' })
    expect(JSON.parse(grown(parts))).toEqual(call.arguments)
    expect(parts.at(-1)).toEqual({ kind: 'tool-call', call })
  })

  it('is a call with the text of its arguments where it was cut in them, since it was announced', () => {
    const { parts, content } = read(pieces('{"tool":"look","arguments":{"at":{"x":1}', 4), { wasCut: true })
    expect(content).toEqual([{ kind: 'tool-call', callId: 'call-1', name: 'look', arguments: '{"at":{"x":1}' }])
    expect(grown(parts)).toBe('{"at":{"x":1}')
    expect(parts.at(-1)).toEqual({ kind: 'tool-call', call: content[0] })
  })

  it('is what was written of it where it was cut before it was a call', () => {
    const { parts, content } = read(['{"tool":"lo'], { wasCut: true })
    expect(content).toEqual([{ kind: 'text', text: '{"tool":"lo' }])
    expect(said(parts)).toBe('{"tool":"lo')
  })
})
