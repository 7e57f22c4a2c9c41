import { readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeFrames, encodeFrame, Fault, type Frame, parseDescriptor, parseJson } from '@dinrail/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { projectRoot } from './run-script.ts'

/** Hundreds of thousands of hostile inputs for the readers of what strangers send: never a crash, never a hang, always a `Fault`. */
const cases = 40_000
const slowestMs = 200

const vectors = (file: string) =>
  JSON.parse(readFileSync(path.join(projectRoot, `spec/vectors/${file}.json`), 'utf8')).vectors
const frames: Uint8Array[] = vectors('frames.valid').map(
  ({ hex }: { hex: string }) => new Uint8Array(Buffer.from(hex, 'hex')),
)
const descriptors: string[] = vectors('descriptors.valid').map(({ descriptor }: { descriptor: unknown }) =>
  JSON.stringify(descriptor),
)

/** Reads, and answers with what was read; whatever is thrown must be a fault, and soon. */
function read<T>(reader: () => T): T | undefined {
  const started = performance.now()
  try {
    return reader()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Fault)
    expect(['invalid-input', 'unsupported']).toContain((thrown as Fault).code)
    return undefined
  } finally {
    expect(performance.now() - started).toBeLessThan(slowestMs)
  }
}

const edits = fc.array(
  fc.record({ at: fc.nat(2_000), byte: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'insert', 'double') }),
  { minLength: 1, maxLength: 6 },
)
function edited(bytes: Uint8Array, changes: readonly { at: number; byte: number; kind: string }[]): Uint8Array {
  let result = [...bytes]
  for (const { at, byte, kind } of changes) {
    const place = at % Math.max(result.length, 1)
    if (kind === 'set') result[place] = byte
    if (kind === 'cut') result = result.slice(0, place)
    if (kind === 'insert') result.splice(place, 0, byte)
    if (kind === 'double') result.splice(place, 0, ...result.slice(place, place + 40))
  }
  return Uint8Array.from(result)
}

describe('readers of what strangers send', () => {
  it('survive frames that were changed anywhere', () => {
    fc.assert(
      fc.property(fc.constantFrom(...frames), edits, (frame, changes) => {
        const decoded = read(() => [...decodeFrames(edited(frame, changes))])
        // What is read can be written, so that nobody passes on what he could not have sent.
        for (const one of decoded ?? []) expect([...decodeFrames(encodeFrame(one))]).toHaveLength(1)
      }),
      { numRuns: cases },
    )
  })

  it('survive frames with any header', () => {
    const header = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      fc
        .record({ kind: fc.constantFrom('call', 'part', 'reply', 'x'), tensors: fc.anything({ maxDepth: 3 }) })
        .map((value) => JSON.stringify(value) ?? ''),
    )
    fc.assert(
      fc.property(header, fc.nat(0xffffffff), fc.boolean(), (text, lie, honest) => {
        const body = new TextEncoder().encode(text)
        const length = Math.ceil(body.length / 8) * 8
        const bytes = new Uint8Array(8 + length).fill(0x20)
        bytes.set([0x44, 0x52, 1, 0])
        new DataView(bytes.buffer).setUint32(4, honest ? length : lie, true)
        bytes.set(body, 8)
        read(() => [...decodeFrames(bytes)])
      }),
      { numRuns: cases },
    )
  })

  it('survive any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        read(() => [...decodeFrames(bytes)])
      }),
      { numRuns: cases / 4 },
    )
  })

  it('survive descriptors that were changed anywhere', () => {
    fc.assert(
      fc.property(fc.constantFrom(...descriptors), edits, (text, changes) => {
        const changed = new TextDecoder().decode(edited(new TextEncoder().encode(text), changes))
        const descriptor = read(() => parseDescriptor(changed))
        if (descriptor !== undefined) expect(descriptor).toEqual(JSON.parse(changed))
      }),
      { numRuns: cases },
    )
  })

  it('read JSON only as every other reader does', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((text) => text.replace('1', '1e999')),
        ),
        (text) => {
          const value = read(() => parseJson(text))
          if (value !== undefined) expect(value).toEqual(JSON.parse(text))
        },
      ),
      { numRuns: cases / 4 },
    )
  })

  it('carry every frame that can be written there and back, however many follow each other', () => {
    const frame: fc.Arbitrary<Frame> = fc.record({
      kind: fc.constant('part' as const),
      call: fc.string(),
      sequence: fc.nat(),
      part: fc.oneof(
        fc.jsonValue(),
        fc.float32Array({ maxLength: 9 }).map((data) => ({ dtype: 'float32', shape: [data.length], data })),
        fc
          .float64Array({ maxLength: 9 })
          .map((data) => ({ deep: [{ dtype: 'float64', shape: [1, data.length], data }] })),
      ),
    }) as fc.Arbitrary<Frame>
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (sent) => {
        const written = sent.map((one) => read(() => encodeFrame(one)))
        if (written.some((bytes) => bytes === undefined)) return
        const whole = Buffer.concat(written as Uint8Array[])
        const plain = (value: unknown) =>
          JSON.stringify(value, (_, member) =>
            ArrayBuffer.isView(member) ? Array.from(member as Float32Array, String) : member,
          )
        expect(plain([...decodeFrames(new Uint8Array(whole))])).toBe(plain(sent))
      }),
      { numRuns: 2_000 },
    )
  })
})
