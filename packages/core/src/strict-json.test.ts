import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, Fault, parseDescriptor, parseJson, readStructured } from './index.ts'

describe('JSON of others', () => {
  it.each([
    ['a member twice', '{"a":1,"b":{"a":1},"a":2}', /"a" twice/],
    ['a member twice under two spellings', '{"a":1,"\\u0061":2}', /"a" twice/],
    ['a member twice, deep in an array', '[[{"x":[1,{"y":1,"y":1}]}]]', /"y" twice/],
    ['__proto__', '{"a":{"__proto__":{"polluted":true}}}', /__proto__/],
    ['a number beyond a double', '{"a":[1,1e309]}', /\/a\/1/],
    ['half a surrogate pair', '{"a":"\\ud800"}', /surrogate/],
    ['half a surrogate pair in a name', '{"\\udfff":1}', /surrogate/],
    ['nesting of a hundred thousand', '['.repeat(100_000) + ']'.repeat(100_000), /256 deep/],
    ['nesting that never ends', '{"a":'.repeat(100_000), /256 deep/],
    ['a text that is cut', '{"a":1', /not JSON/],
    ['two values', '{} {}', /not JSON/],
    ['nothing', '', /not JSON/],
  ])('is refused with %s', (_, text, problem) => {
    expect(() => parseJson(text)).toThrow(problem)
    expect(() => parseJson(text)).toThrow(Fault)
  })

  it.each([
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":{"b":1},"c":{"b":1}}',
    '[{"a":1},{"a":1}]',
    '"a:a"',
    '{"a,b":1,"b":2}',
    '-0',
  ])('is taken where it only looks strange: %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it('is read as any other reader does, whatever is in it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value)
        if (text.includes('__proto__')) return
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 1_000 },
    )
  })

  it('survives its canonical form, which is the same however the members are ordered', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
        const canonical = canonicalJson(value)
        expect(canonicalJson(JSON.parse(canonical))).toBe(canonical)
        expect(canonicalJson(Object.fromEntries(Object.entries(value).reverse()))).toBe(canonical)
      }),
    )
  })

  it.each([
    [
      'keys by UTF-16 code units',
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    ],
    [
      'numbers as ECMAScript writes them',
      [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0],
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    ],
  ])('has a canonical form after RFC 8785: %s', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  it('has no canonical form with half a surrogate pair', () => {
    expect(() => canonicalJson({ a: '\ud800' })).toThrow(/surrogate/)
  })
})

describe('a descriptor of others', () => {
  const good = {
    specVersion: '0.1',
    id: 'acme/gauge',
    version: '1.0.0',
    kind: 'model',
    title: 'Gauge',
    task: 'process-analysis',
    input: { type: 'object' },
    output: { type: 'object' },
    effect: 'none',
    supports: {},
  }
  it('is read', () => {
    expect(parseDescriptor(JSON.stringify(good))).toEqual(good)
  })

  it.each([
    ['an id that looks like another', { id: 'acme/gаuge' }],
    ['an id with capitals', { id: 'Acme/gauge' }],
    ['another version of the specification', { specVersion: '9.0' }],
    ['a remote $ref', { input: { $ref: 'https://example.com/schema.json' } }],
    ['a $ref that leads nowhere', { input: { $ref: '#/$defs/none' } }],
    ['a unit that nobody knows', { input: { properties: { t: { unit: 'parsec-ish' } } } }],
    ['limits upside down', { input: { properties: { t: { limits: { physical: { min: 2, max: 1 } } } } } }],
    ['a property named __proto__', { input: JSON.parse('{"properties":{"x":{"properties":{"__proto__":{}}}}}') }],
    [
      'a schema that is deeply nested',
      { input: Array.from({ length: 2_000 }).reduce((inner) => ({ items: inner }), {}) },
    ],
  ])('is refused with %s', (_, change) => {
    expect(() => parseDescriptor(JSON.stringify({ ...good, ...change }))).toThrow(Fault)
  })

  it('may refer to itself, and is not followed for ever', () => {
    const input = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    }
    expect(parseDescriptor(JSON.stringify({ ...good, input })).input).toEqual(input)
    const loop = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }
    expect(() => parseDescriptor(JSON.stringify({ ...good, input: loop }))).not.toThrow(RangeError)
  })
})

it.each([
  ['escaped quotes without an end', `{"a":"${'\\"x'.repeat(100_000)}`],
  ['quotes without an end', `"${'\\"'.repeat(100_000)}`],
  ['one very long text', JSON.stringify('"x'.repeat(6_000_000))],
])('reads as long as it is and no longer: %s', (_what, text) => {
  const started = performance.now()
  try {
    parseJson(text)
  } catch (problem) {
    expect(problem).toMatchObject({ code: 'invalid-input' })
  }
  expect(performance.now() - started).toBeLessThan(1_500)
})

it('looks for JSON between fences as long as the answer is, also where a model writes nothing but lines', () => {
  const started = performance.now()
  expect(readStructured([{ kind: 'text', text: `\`\`\`json${'\n'.repeat(200_000)}` }], {})).toHaveProperty('problem')
  expect(performance.now() - started).toBeLessThan(1_000)
})
