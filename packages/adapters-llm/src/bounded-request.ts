import { Fault, isFault } from '@dinrail/core'
import type { HttpRequest, HttpResponse, Sender } from './sender.ts'

/** How long a server may take, in milliseconds. What passes is `unavailable`, so that another model can be asked in the time left. */
export interface Timeouts {
  /** One request, from its sending to the end of its answer. */
  readonly attemptMs?: number | undefined
  /** Until the first event of a stream, or the first bytes of a whole answer. */
  readonly firstChunkMs?: number | undefined
  /** Between any bytes and the next; in a stream from its beginning on. */
  readonly idleMs?: number | undefined
  /** All requests of one call together, with the waiting between them. */
  readonly totalMs?: number | undefined
}

type TimeoutName = 'attempt' | 'first-chunk' | 'idle' | 'total'

/** Milliseconds since 1970 at which each timeout passes. */
type Dues = Partial<Record<TimeoutName, number>>

export interface BoundedRequestOptions {
  readonly send: Sender
  readonly request: Omit<HttpRequest, 'signal'>
  readonly host: string
  readonly timeouts: Timeouts
  /** When the call's total timeout passes. */
  readonly totalDue: number | undefined
  /** Of the caller's call; it is listened to and never aborted. */
  readonly signal: AbortSignal
  /** Bytes. */
  readonly longestAnswer: number
}

/** How long a server may leave a connection open after its last word. */
const lingerMs = 100

/** One request and its answer. Whatever its sender does, each wait ends by the timeouts and with the caller's call. */
export class BoundedRequest {
  /** Where something may pass that is not the caller's; making one costs as much as a small answer's reading. */
  private controller: AbortController | undefined
  private readonly dues: Dues = {}
  private timer: ReturnType<typeof setTimeout> | undefined
  private wakeAt = Number.POSITIVE_INFINITY
  private response: HttpResponse | undefined
  private giveUp: ((reason: unknown) => void) | undefined
  private ended: unknown
  private received = 0
  private readonly onAbort = () => this.end(this.options.signal.reason)

  constructor(private readonly options: BoundedRequestOptions) {
    const { signal, timeouts, totalDue } = options
    const { attemptMs, firstChunkMs } = timeouts
    if (Object.keys(timeouts).length > 0) this.controller = new AbortController()
    const now = Date.now()
    if (totalDue !== undefined) this.dues.total = totalDue
    if (attemptMs !== undefined) this.dues.attempt = now + attemptMs
    if (firstChunkMs !== undefined) this.dues['first-chunk'] = now + firstChunkMs
    if (signal.aborted) this.ended = signal.reason
    else signal.addEventListener('abort', this.onAbort)
    this.arm()
  }

  async open(): Promise<HttpResponse> {
    const { send, request, host } = this.options
    // A call that was over before is not sent.
    if (this.ended !== undefined) throw this.ended
    try {
      const { signal } = this.controller ?? this.options
      const opened = send({ ...request, signal }).then((response) => {
        // What comes after the end is nobody's.
        if (this.ended !== undefined) response.close()
        return response
      })
      this.response = await this.bounded(opened)
      return this.response
    } catch (problem) {
      throw this.ended ?? connectionFault(problem, `no connection to ${host}`)
    }
  }

  /** The next bytes of the answer; undefined at its end. A server may think before the first ones of an answer in one piece. */
  async read(inOnePiece = false): Promise<Uint8Array | undefined> {
    const { host, timeouts, longestAnswer } = this.options
    if (timeouts.idleMs !== undefined && (!inOnePiece || this.received > 0)) {
      this.dues.idle = Date.now() + timeouts.idleMs
      if (this.dues.idle < this.wakeAt) this.arm()
    }
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.bounded(this.response!.read())
    } catch (problem) {
      throw this.ended ?? connectionFault(problem, `${host} broke off in the middle of its answer`)
    }
    // From here on it is the reader who takes his time.
    delete this.dues.idle
    this.received += bytes?.length ?? 0
    if (this.received > longestAnswer)
      throw new Fault('invalid-output', `${host} sent more than ${longestAnswer} bytes, its longestAnswer`)
    return bytes
  }

  /** Whoever answered says that nothing more comes: a moment for the connection to say so too, since only then can it be kept. */
  async linger(): Promise<void> {
    const patience = setTimeout(() => this.giveUp?.(undefined), lingerMs)
    await this.bounded(this.response!.read()).catch(() => {})
    clearTimeout(patience)
  }

  /** The server has begun to answer. */
  begun(): void {
    delete this.dues['first-chunk']
  }

  /** The whole answer as text. Throws `unavailable` where it is not UTF-8. */
  async readAll(longest = Number.POSITIVE_INFINITY): Promise<string> {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    let text = ''
    try {
      for (let bytes = await this.read(true); bytes !== undefined; bytes = await this.read(true)) {
        this.begun()
        text += decoder.decode(bytes, { stream: true })
        if (text.length > longest) return text
      }
      return text + decoder.decode()
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem
      throw new Fault('unavailable', `${this.options.host} sent bytes that are not UTF-8`)
    }
  }

  close(): void {
    clearTimeout(this.timer)
    this.options.signal.removeEventListener('abort', this.onAbort)
    this.response?.close()
  }

  /** Settles with the work, or by whatever ends the exchange before it. */
  private bounded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.giveUp = reject
      if (this.ended !== undefined) reject(this.ended)
      work.then(resolve, reject)
    })
  }

  private end(reason: unknown): void {
    if (this.ended !== undefined) return
    this.ended = reason
    this.giveUp?.(reason)
    this.controller?.abort(reason)
  }

  /** One timer for all timeouts, which looks which of them has passed. */
  private arm(): void {
    clearTimeout(this.timer)
    const next = Math.min(...Object.values(this.dues))
    this.wakeAt = next
    if (next !== Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.look(), Math.max(0, next - Date.now()))
  }

  private look(): void {
    const now = Date.now()
    const passed = (Object.keys(this.dues) as TimeoutName[]).find((name) => this.dues[name]! <= now)
    if (passed === undefined) this.arm()
    else this.end(timeoutFault(passed, this.options))
  }
}

const waits: Readonly<Record<TimeoutName, string>> = {
  attempt: 'did not end its answer',
  'first-chunk': 'did not begin to answer',
  idle: 'sent nothing more',
  total: 'did not answer, with all that was tried,',
}

function timeoutFault(name: TimeoutName, { host, timeouts }: Pick<BoundedRequestOptions, 'host' | 'timeouts'>): Fault {
  const ms = timeouts[name === 'first-chunk' ? 'firstChunkMs' : (`${name}Ms` as const)]
  return new Fault('unavailable', `${host} ${waits[name]} within ${ms} ms`, {
    details: { timeout: name, timeoutMs: ms },
  })
}

/** What a connection breaks with is told without its cause, which may quote the request. */
function connectionFault(problem: unknown, what: string): Fault {
  // A sender that says what is wrong, as a replay does, is believed.
  if (isFault(problem)) return problem
  const { cause, message } = (problem ?? {}) as { readonly cause?: unknown; readonly message?: unknown }
  const deeper = (cause as { readonly message?: unknown; readonly code?: unknown } | null | undefined) ?? undefined
  const said = [deeper?.message, deeper?.code, message].find((text) => typeof text === 'string' && text !== '')
  return new Fault('unavailable', `${what}: ${said ?? 'it gave no reason'}`)
}
