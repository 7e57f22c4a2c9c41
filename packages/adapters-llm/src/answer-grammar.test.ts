import { describe, expect, it } from 'vitest'
import { answerForm, formInWords, formSchema, orWords } from './answer-grammar.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]
const schemaOf = (responseSchema: Record<string, unknown>) => formSchema(answerForm({ messages, responseSchema }))
const look = {
  name: 'look',
  description: 'looks',
  parameters: { type: 'object', properties: { at: { type: 'number' } } },
}
const stop = { name: 'stop', description: 'stops', parameters: { type: 'object' } }

describe('the grammar of an answer', () => {
  it.each([
    [
      'a choice by anyOf',
      { anyOf: [{ type: 'number' }, { type: 'null' }] },
      { oneOf: [{ type: 'number' }, { type: 'null' }] },
    ],
    ['one of several types', { type: ['string', 'null'] }, { type: ['string', 'null'] }],
    [
      'a tensor by its handle',
      { tensor: { dtype: 'float32' }, unit: 'm/s2' },
      { type: 'object', properties: { handle: { type: 'string', maxLength: 200 } } },
    ],
    ['a text that never ends', { type: 'string' }, { type: 'string', maxLength: 2_000 }],
    [
      'members, all of them',
      { type: 'object', properties: { a: { const: 1 } }, required: [] },
      { type: 'object', properties: { a: { const: 1 } } },
    ],
    [
      'a map',
      { type: 'object', additionalProperties: { type: 'number' } },
      { type: 'object', properties: {}, additionalProperties: { type: 'number' } },
    ],
    [
      'definitions',
      { $ref: '#/definitions/a', definitions: { a: { type: 'number' } } },
      { $ref: '#/$defs/a', $defs: { a: { type: 'number' } } },
    ],
    ['anything', {}, { type: ['string', 'number', 'boolean', 'null'] }],
  ])('is made of %s', (_, given, made) => {
    expect(schemaOf(given)).toEqual({ schema: made, unenforced: [] })
  })

  it('names the keywords that no grammar enforces, however deep they stand', () => {
    const deep = {
      type: 'array',
      items: { type: 'object', properties: { a: { type: 'string', pattern: 'x', format: 'uri' } } },
      uniqueItems: true,
    }
    expect(schemaOf(deep)?.unenforced).toEqual(['format', 'pattern', 'uniqueItems'])
  })

  it('lets a model call or answer as it was asked to', () => {
    const form = (toolChoice?: 'none' | 'required' | { name: string }, responseSchema?: Record<string, unknown>) =>
      answerForm({
        messages,
        tools: [look, stop],
        ...(toolChoice && { toolChoice }),
        ...(responseSchema && { responseSchema }),
      })
    const answer = { type: 'boolean' }
    expect(form()).toMatchObject({ tools: [look, stop], words: true })
    expect(form('required')).toMatchObject({ tools: [look, stop], words: false })
    expect(form({ name: 'stop' }).tools).toEqual([stop])
    expect(form('none', answer)).toEqual({ tools: [], answer, words: false })
    expect(formSchema(form(undefined, answer))?.schema.oneOf).toEqual([
      {
        type: 'object',
        properties: { tool: { const: 'look' }, arguments: { type: 'object', properties: { at: { type: 'number' } } } },
      },
      {
        type: 'object',
        properties: {
          tool: { const: 'stop' },
          arguments: { type: 'object', properties: {}, additionalProperties: true },
        },
      },
      { type: 'object', properties: { answer } },
    ])
    expect(formInWords(form(undefined, answer))).toContain('- look {"at": number}: looks')
    expect(formInWords(form(undefined, answer))).toContain('{"answer": boolean}')
  })

  it('takes whatever begins with a brace for a call, and all else for words', () => {
    expect(orWords('root ::= "{" rule1\nrule1 ::= "}"')).toBe(
      'root ::= call | words\nwords ::= [^{\\n ] [^\\x00]*\ncall ::= "{" rule1\nrule1 ::= "}"',
    )
  })
})
