import type { Attempt } from './model.ts'

/** Every way in which a call can end without an answer. Codes are stable; messages are for people. */
export const faultCodes = [
  'invalid-input',
  'invalid-output',
  'unit-mismatch',
  'stale-input',
  'bad-quality',
  'out-of-limits',
  'interlocked',
  'approval-required',
  'approval-expired',
  'denied',
  'not-found',
  'unsupported',
  'deadline-exceeded',
  'cancelled',
  'overloaded',
  'unavailable',
  'contract-changed',
  'internal',
] as const

export type FaultCode = (typeof faultCodes)[number]

/** A fault as it travels: plain JSON, the same on both sides of every transport. */
export interface FaultRecord {
  readonly code: FaultCode
  readonly message: string
  readonly retryable: boolean
  /** JSON Pointer to what it is about, such as `/input/speed`. */
  readonly field?: string | undefined
  /** Id of the model in which it arose. */
  readonly model?: string | undefined
  readonly origin: 'local' | 'remote'
  readonly details?: unknown
  /**
   * The attempts up to it, so that costs add up through failures. A model states them where it knows what the one took that
   * the fault ends, in place of the one that would be counted.
   */
  readonly usage?: readonly Attempt[] | undefined
}

const brand = Symbol.for('dinrail.fault')
const retryableCodes = new Set<FaultCode>(['overloaded', 'unavailable', 'deadline-exceeded'])

const callersOwnCodes = new Set<FaultCode>([
  'invalid-input',
  'unit-mismatch',
  'stale-input',
  'bad-quality',
  'cancelled',
  'denied',
])

/** Whether a fault came with the call: another model would refuse it just as well, or nobody wants it any more. */
export function isCallersOwn({ code }: { readonly code: FaultCode }): boolean {
  return callersOwnCodes.has(code)
}

/** The one error of the rail. */
export class Fault extends Error implements FaultRecord {
  readonly code: FaultCode
  /** Whether the same call may succeed later without any change to it. */
  readonly retryable: boolean
  readonly field?: string | undefined
  readonly model?: string | undefined
  readonly origin: 'local' | 'remote'
  readonly details?: unknown
  readonly usage?: readonly Attempt[] | undefined

  constructor(
    code: FaultCode,
    message: string,
    more: Partial<Omit<FaultRecord, 'code' | 'message'>> & ErrorOptions = {},
  ) {
    super(message, more)
    this.name = 'Fault'
    this.code = code
    this.retryable = more.retryable ?? retryableCodes.has(code)
    this.origin = more.origin ?? 'local'
    Object.assign(this, knownOf(more))
    Object.defineProperty(this, brand, { value: true })
  }

  /** The same fault with more said about it; nothing already said is lost. */
  with(more: Partial<Omit<FaultRecord, 'code' | 'message'>>): Fault {
    return new Fault(this.code, this.message, { ...this.toJSON(), ...more, cause: this.cause })
  }

  toJSON(): FaultRecord {
    const { code, message, retryable, origin } = this
    return { code, message, retryable, origin, ...knownOf(this) }
  }

  /** Whatever was thrown, as a fault: a fault stays itself, an abort is `cancelled`, all else is `internal`. */
  static from(thrown: unknown): Fault {
    if (isFault(thrown)) return thrown
    const { name, message } =
      thrown instanceof Error ? thrown : { name: '', message: typeof thrown === 'object' ? '' : String(thrown) }
    if (name === 'AbortError') return new Fault('cancelled', message || 'the caller gave up', { cause: thrown })
    const code = name === 'TimeoutError' ? 'deadline-exceeded' : 'internal'
    return new Fault(code, message || 'failed without a message', { cause: thrown })
  }
}

/** The members of a fault that are not always known, where they are. */
function knownOf(fault: Partial<FaultRecord>): Partial<FaultRecord> {
  const names = ['field', 'model', 'details', 'usage'] as const
  return Object.fromEntries(names.flatMap((name) => (fault[name] === undefined ? [] : [[name, fault[name]]])))
}

/** Reads a fault that crossed a transport. An unknown code becomes `internal`, never a crash. */
export function readFault(record: Partial<FaultRecord>): Fault {
  const code = faultCodes.find((known) => known === record.code) ?? 'internal'
  return new Fault(code, String(record.message ?? 'no message'), {
    origin: 'remote',
    ...(typeof record.retryable === 'boolean' && { retryable: record.retryable }),
    ...(typeof record.field === 'string' && { field: record.field }),
    ...(typeof record.model === 'string' && { model: record.model }),
    ...(record.details !== undefined && { details: record.details }),
    ...(Array.isArray(record.usage) && { usage: record.usage }),
  })
}

/** Whether a value is a fault, of this copy of the package or another. */
export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
}
