import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerCheck } from './answer-schema.ts'
import type { JsonSchema } from './vocabulary.ts'

const name = fc.constantFrom('a', 'b', 'c')
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'a', 'ab'),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
}))
const count = fc.integer({ min: 0, max: 3 })
const { schema } = fc.letrec<{ schema: JsonSchema | boolean }>((tie) => {
  const one = tie('schema')
  const several = fc.array(one, { minLength: 1, maxLength: 2 })
  return {
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.boolean(),
      fc.record(
        {
          type: fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'null', ['string', 'null']),
          enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }),
          const: value,
          minimum: count,
          exclusiveMaximum: count,
          multipleOf: fc.constantFrom(1, 2),
          minLength: count,
          maxItems: count,
          uniqueItems: fc.boolean(),
          items: one,
          prefixItems: several,
          contains: one,
          maxContains: count,
          minProperties: count,
          required: fc.uniqueArray(name, { maxLength: 2 }),
          properties: fc.dictionary(name, one, { maxKeys: 2 }),
          additionalProperties: one,
          propertyNames: one,
          dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
          dependentSchemas: fc.dictionary(name, one, { maxKeys: 1 }),
          anyOf: several,
          oneOf: several,
          allOf: several,
          not: one,
          if: one,
          // biome-ignore lint/suspicious/noThenProperty: the keyword's name
          then: one,
          else: one,
        },
        { requiredKeys: [] },
      ),
    ),
  }
})

describe('an answer held against its schema', () => {
  it('is judged as ajv judges it', () => {
    const judged = { kept: 0, broken: 0 }
    fc.assert(
      fc.property(fc.record({ root: schema }), value, ({ root }, made) => {
        const candidate = JSON.parse(JSON.stringify(made))
        const whole = { allOf: [root] }
        const ours = answerCheck(whole)(candidate)
        const theirs = new Ajv2020({ strict: false }).validate(whole, candidate)
        judged[theirs ? 'kept' : 'broken'] += 1
        expect(ours === undefined, ours).toBe(theirs)
      }),
      { numRuns: 100 },
    )
    // A generator that only makes one verdict would show nothing.
    expect(Math.min(judged.kept, judged.broken)).toBeGreaterThan(10)
  })

  it('is told the place and the reason', () => {
    const check = answerCheck({
      type: 'object',
      properties: { 'a/b': { type: 'array', items: { type: 'number', maximum: 1 } } },
      required: ['a/b'],
    })
    expect(check({ 'a/b': [0, 2] })).toBe('/a~1b/1 must be at most 1')
    expect(check({})).toBe('it needs "a/b"')
  })

  it.each([
    ['an array without end', { $ref: '#' }],
    ['a branching without end', { anyOf: [{ $ref: '#' }, { $ref: '#' }], not: { $ref: '#' } }],
  ])('ends for a schema that is %s', (_, endless) => {
    expect(() => answerCheck(endless)(1)).toThrow(/does not end/)
  })

  it('refuses a type that there is none, which no answer would have', () => {
    expect(() => answerCheck({ properties: { level: { type: ['numbr', 'null'] } } })).toThrow(/"numbr" is no type/)
  })

  it('takes 0.3 for a multiple of 0.1, and 0.35 for none', () => {
    const check = answerCheck({ multipleOf: 0.1 })
    expect(check(0.3)).toBeUndefined()
    expect(check(0.35)).toBe('it must be a multiple of 0.1')
  })

  it('does not look up names in prototypes', () => {
    const check = answerCheck({ properties: { a: {} }, additionalProperties: false, dependentSchemas: {} })
    expect(check({ constructor: 1 })).toBe('/constructor is not allowed')
    expect(check(JSON.parse('{"toString":1}'))).toBe('/toString is not allowed')
  })
})
