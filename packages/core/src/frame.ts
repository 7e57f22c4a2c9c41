import { Fault, type FaultRecord } from './fault.ts'
import type { Caller, Reply } from './model.ts'
import { deepestNesting } from './nesting.ts'
import { parseJson } from './strict-json.ts'
import { arrayOf, elementCount, isDataType, isTensor, type Tensor } from './tensor.ts'

/** What travels between two sides of a transport. */
export type Frame = CallFrame | PartFrame | ReplyFrame | FaultFrame | CancelFrame | CreditFrame

export interface CallFrame {
  readonly kind: 'call'
  /** Unique for its `replyTo`; a retry keeps it, so that the other side can join and replay. */
  readonly call: string
  readonly model: string
  /** Address that the answer is sent to. */
  readonly replyTo: string
  /** Absolute, milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
  readonly caller: Caller
  readonly priority: number
  readonly trace: string
  readonly idempotencyKey: string
  /** Digest of the descriptor that the caller planned against. */
  readonly digest: string
  /** Asks for an answer in parts: how many may be sent before a `credit` frame allows more. */
  readonly credit?: number
  readonly input: unknown
}

/** One part of an answer. Parts are numbered from 0, so that a lost one is noticed. */
export interface PartFrame {
  readonly kind: 'part'
  readonly call: string
  readonly sequence: number
  readonly part: unknown
}

/** Allows so many parts more. */
export interface CreditFrame {
  readonly kind: 'credit'
  readonly call: string
  readonly replyTo: string
  readonly grant: number
}

export interface ReplyFrame {
  readonly kind: 'reply'
  readonly call: string
  /** How many parts were sent before. */
  readonly parts?: number
  readonly reply: Reply<unknown>
}

export interface FaultFrame {
  readonly kind: 'fault'
  readonly call: string
  readonly fault: FaultRecord
}

export interface CancelFrame {
  readonly kind: 'cancel'
  readonly call: string
  readonly replyTo: string
}

const magic = [0x44, 0x52] as const // "DR"
const frameVersion = 1
const prefixBytes = 8
const longestHeader = 16 * 1024 * 1024
/** Where a tensor was taken out of the header, and its form; its bytes follow in the same order. */
type TensorEntry = readonly [path: readonly (string | number)[], dtype: string, shape: readonly number[]]

const align = (bytes: number) => Math.ceil(bytes / 8) * 8

/**
 * `[0x44 0x52][version u8][0][header length u32 LE][JSON header, padded with spaces to 8][tensor data, each padded to 8]`.
 * Frames may follow each other in one buffer. Tensors are copied once, as they are.
 */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const tensors: Tensor[] = []
  const entries: TensorEntry[] = []
  const bare = takeTensors(frame, [], tensors, entries)
  const header = new TextEncoder().encode(
    JSON.stringify(entries.length === 0 ? bare : { ...(bare as object), tensors: entries }),
  )
  const headerBytes = align(header.length)
  let total = prefixBytes + headerBytes
  for (const tensor of tensors) total += align(tensor.data.byteLength)
  const bytes = new Uint8Array(total)
  bytes.set(magic, 0)
  bytes[2] = frameVersion
  new DataView(bytes.buffer).setUint32(4, headerBytes, true)
  bytes.set(header, prefixBytes)
  bytes.fill(0x20, prefixBytes + header.length, prefixBytes + headerBytes)
  let offset = prefixBytes + headerBytes
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += align(data.byteLength)
  }
  return bytes
}

function takeTensors(value: unknown, path: (string | number)[], tensors: Tensor[], entries: TensorEntry[]): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Fault('invalid-input', `${value} at /${path.join('/')} has no JSON form`, { field: `/${path.join('/')}` })
  if (typeof value === 'bigint')
    throw new Fault('invalid-input', `a bigint at /${path.join('/')} has no JSON form: use a tensor of int64`)
  if (typeof value !== 'object' || value === null) return value
  if (isTensor(value)) {
    tensors.push(value)
    entries.push([path, value.dtype, value.shape])
    return null
  }
  if (path.length > deepestNesting) throw new Fault('invalid-input', `nested more than ${deepestNesting} deep`)
  if (Array.isArray(value)) return value.map((item, i) => takeTensors(item, [...path, i], tensors, entries))
  const bare: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    if (key === '__proto__') throw new Fault('invalid-input', 'a member named __proto__ cannot travel')
    bare[key] = takeTensors(member, [...path, key], tensors, entries)
  }
  return bare
}

/** Reads the frames of a buffer one after another. Tensors view the buffer wherever it is aligned. Throws a `Fault`. */
export function* decodeFrames(bytes: Uint8Array): Generator<Frame> {
  let offset = 0
  while (offset < bytes.length) {
    const { frame, end } = decodeFrame(bytes, offset)
    yield frame
    offset = end
  }
}

/** The frames of a buffer up to the first that cannot be read: for receivers who could not tell anybody. */
export function readableFrames(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = []
  try {
    for (const frame of decodeFrames(bytes)) frames.push(frame)
  } catch {
    return frames
  }
  return frames
}

function decodeFrame(bytes: Uint8Array, start: number): { frame: Frame; end: number } {
  if (bytes.length - start < prefixBytes) throw malformed('is shorter than its prefix')
  if (bytes[start] !== magic[0] || bytes[start + 1] !== magic[1]) throw malformed('does not begin with DR')
  if (bytes[start + 2] !== frameVersion)
    throw new Fault('unsupported', `frame version ${bytes[start + 2]} is not known here, only ${frameVersion}`)
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset + start + 4, 4).getUint32(0, true)
  const body = start + prefixBytes
  if (headerBytes % 8 !== 0 || headerBytes > longestHeader || body + headerBytes > bytes.length)
    throw malformed(`claims a header of ${headerBytes} bytes`)
  const header = parseHeader(bytes.subarray(body, body + headerBytes))
  let offset = body + headerBytes
  const { tensors, ...frame } = header
  for (const entry of tensors === undefined ? [] : checkEntries(tensors)) {
    const [path, dtype, shape] = entry
    if (!isDataType(dtype)) throw malformed(`holds a tensor of unknown type ${JSON.stringify(dtype)}`)
    const array = arrayOf[dtype]
    const count = elementCount(shape)
    const byteLength = count * array.BYTES_PER_ELEMENT
    if (!(align(byteLength) <= bytes.length - offset)) throw malformed(`ends inside the tensor at /${path.join('/')}`)
    const at = bytes.byteOffset + offset
    const data =
      at % 8 === 0
        ? new array(bytes.buffer as ArrayBuffer, at, count)
        : new array(bytes.slice(offset, offset + byteLength).buffer, 0, count)
    putTensor(frame, path, { dtype, shape, data } as Tensor)
    offset += align(byteLength)
  }
  return { frame: checkFrame(frame), end: offset }
}

interface Header {
  readonly tensors?: unknown
  readonly [member: string]: unknown
}

function parseHeader(bytes: Uint8Array): Header {
  let value: unknown
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (problem) {
    throw malformed(
      `has a header that cannot be read: it ${problem instanceof Fault ? problem.message : 'is not UTF-8'}`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('has a header that is not a JSON object')
  return value as Header
}

function checkEntries(tensors: unknown): TensorEntry[] {
  const well =
    Array.isArray(tensors) &&
    tensors.every(
      (entry) =>
        Array.isArray(entry) &&
        entry.length === 3 &&
        Array.isArray(entry[0]) &&
        entry[0].length > 0 &&
        Array.isArray(entry[2]),
    )
  if (!well) throw malformed('has a table of tensors that is none')
  return tensors
}

function putTensor(frame: Record<string, unknown>, path: readonly (string | number)[], tensor: Tensor): void {
  let holder: unknown = frame
  for (const step of path.slice(0, -1)) holder = isMember(holder, step) ? holder[step] : undefined
  const last = path[path.length - 1]!
  if (!isMember(holder, last) || holder[last] !== null)
    throw malformed(`has no place for a tensor at /${path.join('/')}`)
  holder[last] = tensor
}

function isMember(holder: unknown, step: string | number): holder is Record<string | number, unknown> {
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, step)
}

type MemberType = 'string' | 'number' | 'count' | 'object' | 'caller' | 'any'

/** What each kind of frame must have; a name ending in `?` may be absent. */
const members: Readonly<Record<Frame['kind'], Readonly<Record<string, MemberType>>>> = {
  call: {
    call: 'string',
    model: 'string',
    replyTo: 'string',
    deadline: 'number',
    caller: 'caller',
    priority: 'number',
    trace: 'string',
    idempotencyKey: 'string',
    digest: 'string',
    'credit?': 'count',
    input: 'any',
  },
  part: { call: 'string', sequence: 'count', part: 'any' },
  reply: { call: 'string', 'parts?': 'count', reply: 'object' },
  fault: { call: 'string', fault: 'object' },
  cancel: { call: 'string', replyTo: 'string' },
  credit: { call: 'string', replyTo: 'string', grant: 'count' },
}

function checkFrame(frame: Record<string, unknown>): Frame {
  const { kind } = frame
  if (typeof kind !== 'string' || !Object.hasOwn(members, kind))
    throw new Fault('unsupported', `frame kind ${JSON.stringify(kind)} is not known here`)
  for (const [stated, type] of Object.entries(members[kind as Frame['kind']])) {
    const name = stated.replace('?', '')
    const value = Object.hasOwn(frame, name) ? frame[name] : undefined
    if (value === undefined && name !== stated) continue
    if (value === undefined || !isOf(type, value)) throw malformed(`is a ${kind} without a right ${name}`)
  }
  return frame as unknown as Frame
}

function isOf(type: MemberType, value: unknown): boolean {
  switch (type) {
    case 'any':
      return true
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'caller':
      return isCaller(value)
    case 'string':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
  }
}

function isCaller(value: unknown): boolean {
  const { id, roles } = (value ?? {}) as { readonly id?: unknown; readonly roles?: unknown }
  const listed = roles === undefined || (Array.isArray(roles) && roles.every((role) => typeof role === 'string'))
  return typeof id === 'string' && listed
}

function malformed(problem: string): Fault {
  return new Fault('invalid-input', `the frame ${problem}`)
}
