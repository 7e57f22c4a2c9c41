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
    ['what is said in another place', { allOf: [{ type: 'number' }] }, { type: 'number' }],
    [
      'a list of so many',
      { type: 'array', prefixItems: [{ type: 'number' }, { type: 'boolean' }], items: false },
      { type: 'array', prefixItems: [{ type: 'number' }, { type: 'boolean' }], minItems: 2, maxItems: 2 },
    ],
    [
      'a text that must be long',
      { type: 'string', minLength: 3_000 },
      { type: 'string', minLength: 3_000, maxLength: 3_000 },
    ],
    ['anything', {}, { type: ['string', 'number', 'boolean', 'null'] }],
  ])('is made of %s', (_, given, made) => {
    expect(schemaOf(given)).toEqual({ schema: made, unenforced: [] })
  })

  it('keeps the members of an object that only its requirements choose between', () => {
    const a = { type: 'number' }
    expect(
      schemaOf({ type: 'object', properties: { a, b: a }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
    ).toEqual({
      schema: { type: 'object', properties: { a, b: a } },
      unenforced: [],
    })
    expect(
      schemaOf({ type: 'object', properties: { a }, allOf: [{ required: ['a'] }, { required: ['b'] }] })?.unenforced,
    ).toEqual(['allOf'])
  })

  it('keeps the definitions of each tool apart, though they have one name', () => {
    const tool = (name: string, part: object) => ({
      name,
      description: '',
      parameters: { type: 'object', properties: { at: { $ref: '#/$defs/part' } }, $defs: { part } },
    })
    const tools = [tool('mill', { type: 'number' }), tool('saw', { enum: ['in', 'out'] })]
    const responseSchema = { $ref: '#/definitions/part', definitions: { part: { type: 'boolean' } } }
    const made = formSchema(answerForm({ messages, tools, responseSchema }))?.schema as {
      oneOf: { properties: { arguments?: { properties: { at: { $ref: string } } }; answer?: { $ref: string } } }[]
      $defs: Record<string, unknown>
    }
    const referred = made.oneOf.map(
      ({ properties: { arguments: given, answer } }) => given?.properties.at.$ref ?? answer?.$ref,
    )
    expect(referred.map((ref) => made.$defs[String(ref).replace('#/$defs/', '')])).toEqual([
      { type: 'number' },
      { enum: ['in', 'out'] },
      { type: 'boolean' },
    ])
  })

  it('refuses a schema that no answer would come to the end of', () => {
    const next = { type: 'object', properties: { next: { $ref: '#/$defs/next' } } }
    expect(() => schemaOf({ $ref: '#/$defs/next', $defs: { next } })).toThrow(/next.* never ends/)
    const list = { type: 'object', properties: { all: { type: 'array', items: { $ref: '#/$defs/list' } } } }
    expect(schemaOf({ $ref: '#/$defs/list', $defs: { list } })?.unenforced).toEqual([])
    const either = { anyOf: [{ type: 'null' }, { type: 'object', properties: { next: { $ref: '#/$defs/either' } } }] }
    expect(schemaOf({ $ref: '#/$defs/either', $defs: { either } })?.unenforced).toEqual([])
  })

  it.each(['#', '#/properties/a', '#/$defs/none'])('refuses a reference that it cannot follow: %s', ($ref) => {
    expect(() => schemaOf({ type: 'object', properties: { a: { $ref } } })).toThrow(/no grammar can follow/)
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
