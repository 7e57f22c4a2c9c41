import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame, type Frame, isFault, tensor } from './index.ts'

const cancel: Frame = { kind: 'cancel', call: 'c1', replyTo: 'replies/r1' }
const callWith = (input: unknown): Frame => ({
  kind: 'call',
  call: 'c1',
  model: 'acme/gauge',
  replyTo: 'replies/r1',
  deadline: 1_800_000_000_000,
  caller: { id: 'tester' },
  priority: 5,
  trace: '00-00000000000000000000000000000001-0000000000000001-01',
  idempotencyKey: 'k1',
  digest: 'sha256:0',
  input,
})
const decodeOne = (bytes: Uint8Array) => [...decodeFrames(bytes)][0] as Frame & { input: unknown }
const faultOf = (bytes: Uint8Array) => {
  try {
    return [...decodeFrames(bytes)]
  } catch (fault) {
    return fault
  }
}

describe('a frame', () => {
  it('carries any JSON and any tensors there and back', () => {
    const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 20 })
    const tensors = fc.oneof(
      numbers.map((n) => tensor(Float32Array.from(n))),
      numbers.map((n) => tensor(Float64Array.from(n))),
      fc.uint8Array({ maxLength: 9 }).map((n) => tensor(n)),
      fc.bigInt64Array({ maxLength: 5 }).map((n) => tensor(n)),
    )
    const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__'))
    const input = fc.record({ plain: json, a: tensors, list: fc.array(fc.record({ b: tensors })) })
    fc.assert(
      fc.property(input, (value) => {
        // −0 has no JSON form of its own; everything else is the same.
        expect(decodeOne(encodeFrame(callWith(value))).input).toEqual(
          JSON.parse(JSON.stringify({ plain: value.plain })).plain === undefined
            ? value
            : { ...value, plain: JSON.parse(JSON.stringify(value.plain)) },
        )
      }),
    )
  })

  it('gives tensors as views of the buffer, without copying', () => {
    const bytes = encodeFrame(callWith({ window: tensor(Float32Array.of(1, 2, 3)) }))
    const { window } = decodeOne(bytes).input as { window: { data: Float32Array } }
    expect(window.data.buffer).toBe(bytes.buffer)
  })

  it('is read from a misaligned buffer too', () => {
    const bytes = encodeFrame(callWith({ window: tensor(Float64Array.of(1.5, 2.5)) }))
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift)
      moved.set(bytes, shift)
      expect((decodeOne(moved.subarray(shift)).input as { window: { data: Float64Array } }).window.data).toEqual(
        Float64Array.of(1.5, 2.5),
      )
    }
  })

  it('may follow others in one buffer', () => {
    const frames = [encodeFrame(cancel), encodeFrame(callWith({ t: tensor(Uint8Array.of(7)) })), encodeFrame(cancel)]
    const all = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const frame of frames) {
      all.set(frame, at)
      at += frame.length
    }
    expect([...decodeFrames(all)].map(({ kind }) => kind)).toEqual(['cancel', 'call', 'cancel'])
  })

  it('refuses to send what has no form', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1n, JSON.parse('{"__proto__":1}')])
      expect(() => encodeFrame(callWith({ bad }))).toThrow(expect.objectContaining({ code: 'invalid-input' }))
  })
})

describe('bytes that are no frame', () => {
  const whole = encodeFrame(callWith({ window: tensor(Float32Array.of(1, 2, 3)), speed: 5 }))

  it('end in a fault wherever they are cut', () => {
    for (let length = 1; length < whole.length; length++) {
      const outcome = faultOf(whole.subarray(0, length))
      if (!isFault(outcome)) expect.fail(`cut at ${length}: ${JSON.stringify(outcome)}`)
    }
  })

  it('end in a fault or a frame whatever is flipped in them, never in a crash', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = whole.slice()
        bytes[at]! ^= flip
        const outcome = faultOf(bytes)
        expect(isFault(outcome) || Array.isArray(outcome)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('end in a fault whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (noise) => {
        expect(isFault(faultOf(Uint8Array.from([0x44, 0x52, 1, 0, ...noise])))).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it.each([
    ['another version', (b: Uint8Array) => b.fill(9, 2, 3), 'unsupported'],
    ['a header longer than the frame', (b: Uint8Array) => b.fill(0xff, 4, 8), 'invalid-input'],
  ])('with %s are refused by name', (_, change, code) => {
    expect(faultOf(change(whole.slice()))).toMatchObject({ code })
  })

  it('cannot reach a prototype', () => {
    const header = '{"kind":"cancel","call":"c","replyTo":"r","x":{"\\u005f_proto__":{"polluted":1}}}'
    const bytes = new Uint8Array(8 + Math.ceil(header.length / 8) * 8).fill(0x20)
    bytes.set([0x44, 0x52, 1, 0, bytes.length - 8, 0, 0, 0])
    bytes.set(new TextEncoder().encode(header), 8)
    expect(faultOf(bytes)).toMatchObject({ code: 'invalid-input' })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})
