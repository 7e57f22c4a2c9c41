import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readModelFile, withMetadata } from './model-file.ts'
import { autoencoder, cnn, counter, mlp } from './networks.test-support.ts'
import { joined, lengthDelimited } from './protobuf.ts'

const text = (words: string) => new TextEncoder().encode(words)

describe('what an ONNX file says of itself', () => {
  it('is its inputs and outputs, with symbols, what it is made of and what it costs', () => {
    expect(readModelFile(mlp())).toMatchObject({
      irVersion: 8,
      graph: 'mlp',
      opsets: { 'ai.onnx': 13 },
      operators: { Gemm: 2, Relu: 1 },
      inputs: [{ name: 'features', kind: 'tensor', type: 'float32', dims: ['batch', 64] }],
      outputs: [{ name: 'answer', kind: 'tensor', type: 'float32', dims: ['batch', 1] }],
      parameters: 64 * 32 + 32 + 32 + 1,
      externalData: [],
    })
    expect(readModelFile(cnn()).parameters).toBeGreaterThan(980_000)
  })

  it('counts what is inside of loops, and reads inputs of other types', () => {
    const { operators, inputs } = readModelFile(counter())
    expect(operators).toEqual({ Add: 1, Identity: 1, Loop: 1 })
    expect(inputs).toMatchObject([
      { type: 'float32', dims: ['n'] },
      { name: 'trips', type: 'int64', dims: [] },
    ])
  })
})

describe('weights outside of the file', () => {
  const outside = (location: string) =>
    joined([
      Uint8Array.of(8, 1, 16, 1),
      lengthDelimited(13, joined([lengthDelimited(1, 'location'), lengthDelimited(2, location)])),
      Uint8Array.of(0x70, 1),
    ])
  const attribute = (field: number, content: Uint8Array) => lengthDelimited(5, lengthDelimited(field, content))
  const graph = (...parts: Uint8Array[]) => lengthDelimited(7, joined(parts))

  it.each([
    ['a tensor', graph(lengthDelimited(5, outside('w')))],
    ['the values of a sparse tensor', graph(lengthDelimited(15, lengthDelimited(1, outside('w'))))],
    ['the places of a sparse tensor', graph(lengthDelimited(15, lengthDelimited(2, outside('w'))))],
    ['a constant', graph(lengthDelimited(1, attribute(5, outside('w'))))],
    ['one of several constants', graph(lengthDelimited(1, attribute(10, outside('w'))))],
    ['a sparse constant', graph(lengthDelimited(1, attribute(22, lengthDelimited(1, outside('w')))))],
    ['one of several sparse constants', graph(lengthDelimited(1, attribute(23, lengthDelimited(2, outside('w')))))],
    ['a node of a function', joined([graph(), lengthDelimited(25, lengthDelimited(7, attribute(5, outside('w'))))])],
    [
      'the default of a function’s attribute',
      joined([graph(), lengthDelimited(25, lengthDelimited(11, lengthDelimited(5, outside('w'))))]),
    ],
  ])('are seen in %s', (_, file) => {
    expect(readModelFile(file).externalData).toEqual(['w'])
  })
})

describe('words in a file', () => {
  it('come back, replace those of the same key and leave all else byte for byte', () => {
    const file = mlp()
    const once = withMetadata(file, { card: '{"unit":"°C"}', other: 'stays' })
    const twice = withMetadata(once, { card: 'new' })
    expect(readModelFile(twice).metadata).toEqual({ card: 'new', other: 'stays' })
    expect(once.subarray(0, file.length)).toEqual(file)
    expect(readModelFile(twice)).toMatchObject({ ...readModelFile(file), metadata: {} })
  })

  it('keep a byte order mark', () => {
    const words = { card: '\ufeff{}' }
    expect(readModelFile(withMetadata(mlp(), words)).metadata).toEqual(words)
  })

  it('may be anything', () => {
    const words = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', maxLength: 2_000 }))
    fc.assert(
      fc.property(words, (entries) => {
        expect(Object.entries(readModelFile(withMetadata(autoencoder(), entries)).metadata).sort()).toEqual(
          Object.entries(entries).sort(),
        )
      }),
      { numRuns: 50 },
    )
  })
})

describe('what is no ONNX file is refused by a sentence that says what it is', () => {
  const claim = (length: number[]) => Uint8Array.of(8, 8, 0x3a, ...length, 1, 2, 3)
  const weightsThatClaim = (...dims: number[]) =>
    lengthDelimited(7, lengthDelimited(5, joined([Uint8Array.of(8, ...dims, 16, 1), lengthDelimited(9, text('abcd'))])))

  it.each([
    ['nothing', new Uint8Array(), /empty/],
    ['a text', text('{"not": "a model"}'), /it is text and begins with "\{/],
    ['a page that says that it was not found', text('<!doctype html><title>404</title>'), /it is text/],
    ['a pointer of Git LFS', text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'), /git lfs pull/],
    ['an archive', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), /zip/],
    ['a file in ORT format', text('\u0018\u0000\u0000\u0000ORTM\u0000\u0000'), /ORT format/],
    ['a truncated file', mlp().slice(0, 4_000), /truncated/],
    [
      'a claim of 2 GB in a header',
      claim([0xff, 0xff, 0xff, 0xff, 0x07]),
      /claims 2147483647 bytes .* where 3 are left/,
    ],
    ['a claim of 2^63 bytes', claim([255, 255, 255, 255, 255, 255, 255, 255, 127]), /claims 922337203685477\d+ bytes/],
    ['a number without an end', new Uint8Array(20).fill(255), /number of more than 64 bits/],
    [
      'weights that claim more than they hold',
      weightsThatClaim(0x80, 0x80, 0x80, 0x80, 0x08),
      /claims 2147483648 numbers .* holds 4 bytes/,
    ],
    ['a message without a graph', Uint8Array.of(8, 8), /no graph/],
  ])('%s', (_, bytes, message) => {
    expect(() => readModelFile(bytes)).toThrow(message)
    expect(() => readModelFile(bytes)).toThrow(expect.objectContaining({ code: 'invalid-input', field: '/model' }))
    expect(() => withMetadata(bytes, { a: 'b' })).toThrow(message)
  })

  it('never crashes, whatever the bytes', () => {
    const outcome = (bytes: Uint8Array) => {
      try {
        readModelFile(bytes)
      } catch (problem) {
        expect(problem).toMatchObject({ code: 'invalid-input' })
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), outcome), { numRuns: 3_000 })
    const file = counter()
    const damaged = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(damaged, fc.nat(file.length), (changes, length) => {
        const bytes = file.slice()
        for (const [at, value] of changes) bytes[at] = value
        outcome(bytes)
        outcome(bytes.subarray(0, length))
      }),
      { numRuns: 3_000 },
    )
  })

  it('graphs inside of graphs without end', () => {
    let graph = new Uint8Array()
    for (let depth = 0; depth < 5_000; depth++) {
      const node = lengthDelimited(1, lengthDelimited(5, lengthDelimited(6, graph)))
      graph = joined([node])
    }
    expect(() => readModelFile(lengthDelimited(7, graph))).toThrow(/over 64 deep/)
  })
})
