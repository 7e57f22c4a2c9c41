/**
 * Protocol buffers, as much of them as an ONNX file needs. A reader never trusts a length: every claim is held against
 * the bytes that are there, so nothing is allocated that the file does not hold.
 */
export interface ProtobufField {
  readonly number: number
  readonly wireType: WireType
  /** Where the field begins, its tag included, and where it ends. */
  readonly start: number
  readonly end: number
  /** The value of a varint or of a fixed field, as unsigned bits; 0 for a field with a length. */
  readonly bits: bigint
  /** The content of a field with a length, a view of the file; empty otherwise. */
  readonly content: Uint8Array
}

type WireType = 0 | 1 | 2 | 5

/** Says where reading stopped and why. */
export class ProtobufError extends Error {
  constructor(
    problem: string,
    readonly offset: number,
  ) {
    super(problem)
    this.name = 'ProtobufError'
  }
}

const nothing = new Uint8Array()

/** Goes through one message's fields in their order. Throws a `ProtobufError` at the first that cannot be. */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0

  function varint(): bigint {
    const start = offset
    let low = 0
    // Seven bits a byte; most values fit the first four bytes and need no big number.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[offset]
      if (byte === undefined) throw new ProtobufError('ends in the middle of a number', start)
      offset += 1
      low |= (byte & 127) << shift
      if (byte < 128) return BigInt(low)
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = bytes[offset]
      if (byte === undefined) throw new ProtobufError('ends in the middle of a number', start)
      offset += 1
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('has a number of more than 64 bits', start)
  }

  function claim(length: number, what: string): number {
    const left = bytes.length - offset
    if (length > left) throw new ProtobufError(`claims ${length} bytes for ${what} where ${left} are left`, offset)
    offset += length
    return offset - length
  }

  while (offset < bytes.length) {
    const start = offset
    const tag = varint()
    const number = Number(tag >> 3n)
    const wireType = Number(tag & 7n)
    if (number === 0 || number > 0x1fffffff) throw new ProtobufError('has a field without a valid number', start)
    if (wireType === 0) yield { number, wireType, start, bits: varint(), end: offset, content: nothing }
    else if (wireType === 1) {
      const at = claim(8, `field ${number}`)
      yield { number, wireType, start, end: offset, bits: view.getBigUint64(at, true), content: nothing }
    } else if (wireType === 5) {
      const at = claim(4, `field ${number}`)
      yield { number, wireType, start, end: offset, bits: BigInt(view.getUint32(at, true)), content: nothing }
    } else if (wireType === 2) {
      const at = claim(Number(varint()), `field ${number}`)
      yield { number, wireType, start, end: offset, bits: 0n, content: bytes.subarray(at, offset) }
    } else throw new ProtobufError(`has a field of the unknown kind ${wireType}`, start)
  }
}

/** The whole numbers of a repeated field, which writers give one by one or packed into one field. */
export function* repeatedIntegers(field: ProtobufField): Generator<bigint> {
  if (field.wireType !== 2) {
    yield BigInt.asIntN(64, field.bits)
    return
  }
  let value = 0n
  let shift = 0n
  for (const byte of field.content) {
    value |= BigInt(byte & 127) << shift
    shift += 7n
    if (byte >= 128) {
      if (shift >= 70n) throw new ProtobufError('has a number of more than 64 bits', field.start)
      continue
    }
    yield BigInt.asIntN(64, value)
    value = 0n
    shift = 0n
  }
  if (shift > 0n) throw new ProtobufError('ends in the middle of a number', field.start)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

export function textOf({ content }: ProtobufField): string {
  return decoder.decode(content)
}

/** A field with a length: bytes, a text or a message of fields that are written already. */
export function lengthDelimited(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? encoder.encode(content) : content
  const head = [...varintBytes((number << 3) | 2), ...varintBytes(bytes.length)]
  return joined([Uint8Array.from(head), bytes])
}

function varintBytes(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return bytes
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
