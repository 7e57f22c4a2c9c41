import { Fault } from '@dinrail/core'
import { secretForms, secretHider, secretsOf } from './secrets.ts'
import { fetchSender, type HttpRequest, type HttpResponse, type Sender } from './sender.ts'
import { checkSecrets, refuseUnknown } from './stated-options.ts'
import { isObject } from './wire-json.ts'

/** Exchanges with a server as they were on the wire: plain JSON, and no key in it. */
export interface Recording {
  readonly format: 'dinrail-recording/1'
  readonly exchanges: readonly RecordedExchange[]
}

export interface RecordedExchange {
  readonly request: {
    /** Without the host, so that a recording says nothing of where it was made. */
    readonly path: string
    /** JSON where it was JSON, else the text. */
    readonly body: unknown
  }
  readonly response: {
    /** 0 where there was no answer at all. */
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly chunks: readonly RecordedChunk[]
    /** How the body ended where it did not end well. */
    readonly brokeOff?: string
  }
}

export interface RecordedChunk {
  /** Since the request was sent, in milliseconds. */
  readonly atMs: number
  /** The bytes of one read: UTF-8 where they are whole text, base64 where a character was cut in two. */
  readonly text?: string
  readonly base64?: string
}

/** Headers that say how to read a body or when to come again. All others may name people, keys or places. */
const keptHeaders = ['content-type', 'retry-after', 'retry-after-ms']

export interface RecordOptions {
  /** `fetchSender()` unless stated. */
  readonly send?: Sender | undefined
  /** Words that must not be in the recording, wherever they stand. The keys in a request's headers and URL are such without being named. */
  readonly secrets?: readonly string[] | undefined
}

export interface Recorder {
  /** To be handed to a model as its `send`. */
  readonly send: Sender
  /** What was exchanged so far, in the order of the requests. */
  recording(): Recording
}

interface Noted {
  readonly request: HttpRequest
  status: number
  headers: Record<string, string>
  readonly chunks: { readonly atMs: number; readonly bytes: Uint8Array }[]
  brokeOff: string | undefined
}

/** Records what goes through a sender: every chunk with the moment of its coming, as the server really sent it. */
export function record(options: RecordOptions = {}): Recorder {
  refuseUnknown('record', options, 'send secrets')
  const { send = fetchSender(), secrets = [] } = options
  checkSecrets('record', secrets)
  const noted: Noted[] = []
  return {
    async send(request) {
      const started = performance.now()
      const one: Noted = { request, status: 0, headers: {}, chunks: [], brokeOff: undefined }
      noted.push(one)
      const response = await send(request).catch((problem: unknown) => {
        one.brokeOff = messageOf(problem)
        throw problem
      })
      one.status = response.status
      for (const name of keptHeaders) {
        const value = response.header(name)
        if (value !== undefined) one.headers[name] = value
      }
      let ended = false
      return {
        ...response,
        async read() {
          try {
            const bytes = await response.read()
            ended = bytes === undefined
            if (bytes !== undefined)
              one.chunks.push({ atMs: Math.round(performance.now() - started), bytes: bytes.slice() })
            return bytes
          } catch (problem) {
            ended = true
            one.brokeOff = messageOf(problem)
            throw problem
          }
        },
        close() {
          if (!ended) one.brokeOff ??= 'the reader left'
          ended = true
          response.close()
        },
      }
    },
    recording() {
      const hidden = [
        ...secrets,
        ...noted.flatMap(({ request: { url, headers } }) => secretsOf({ url: new URL(url), headers })),
      ]
      const hide = secretHider(hidden)
      return {
        format: 'dinrail-recording/1',
        exchanges: noted.map(({ request, status, headers, chunks, brokeOff }) => ({
          request: inTexts(askedOf(request), hide) as RecordedExchange['request'],
          response: {
            status,
            headers: inTexts(headers, hide) as Record<string, string>,
            chunks: blanked(chunks, hidden).map(({ atMs, bytes }) => ({ atMs, ...written(bytes) })),
            ...(brokeOff !== undefined && { brokeOff: hide(brokeOff) }),
          },
        })),
      }
    },
  }
}

export interface ReplayOptions {
  /** With the pauses of the recording, or without any, which is what tests want. `at-once` unless stated. */
  readonly speed?: 'recorded' | 'at-once' | undefined
}

export interface Replay extends Disposable {
  /** To be handed to a model as its `send`. */
  readonly send: Sender
  /** Throws an `Error` where exchanges of the recording were never asked for. */
  assertConsumed(): void
}

/**
 * Answers from a recording, chunk for chunk. Each request must be the one that was recorded next, member for member, or it
 * ends in `invalid-input` that says where they differ: a changed program must not be tested against the answers to another.
 * With `using`, an exchange that was never asked for fails the test at its end.
 */
export function replay(recording: Recording, { speed = 'at-once' }: ReplayOptions = {}): Replay {
  if (recording?.format !== 'dinrail-recording/1')
    throw new Fault(
      'invalid-input',
      `a recording has the format dinrail-recording/1, not ${JSON.stringify(recording?.format)}`,
    )
  const { exchanges } = recording
  const broken = Array.isArray(exchanges) ? exchanges.findIndex((one) => !isWhole(one)) : 0
  if (broken >= 0)
    throw new Fault('invalid-input', `exchange ${broken + 1} of the recording is not whole: record it again`)
  let next = 0
  const assertConsumed = () => {
    if (next < exchanges.length)
      throw new Error(`${exchanges.length - next} of ${exchanges.length} recorded exchanges were never asked for`)
  }
  return {
    async send(request) {
      const exchange = exchanges[next]
      if (exchange === undefined)
        throw new Fault('invalid-input', `the recording has ${exchanges.length} exchanges and was asked for one more`)
      const difference = differenceOf(exchange.request, askedOf(request), '')
      if (difference !== undefined)
        throw new Fault('invalid-input', `request ${next + 1} is not the recorded one: ${difference}`)
      next += 1
      return play(exchange.response, speed, request.signal)
    },
    assertConsumed,
    [Symbol.dispose]: assertConsumed,
  }
}

/** What a hand or a merge may have spoilt. */
function isWhole(exchange: Partial<RecordedExchange> | null): boolean {
  const { status, headers, chunks } = exchange?.response ?? {}
  const isBytes = ({ text, base64, atMs }: Partial<RecordedChunk>) =>
    typeof (text ?? base64) === 'string' && /^[\w+/]*={0,2}$/.test(base64 ?? '') && typeof atMs === 'number'
  const hasBytes = Array.isArray(chunks) && chunks.every((chunk) => isObject(chunk) && isBytes(chunk))
  return isObject(exchange?.request) && typeof status === 'number' && isObject(headers) && hasBytes
}

function play(
  { status, headers, chunks, brokeOff }: RecordedExchange['response'],
  speed: 'recorded' | 'at-once',
  signal: AbortSignal,
): HttpResponse {
  const started = performance.now()
  signal.throwIfAborted()
  if (status === 0) throw new TypeError(brokeOff ?? 'no answer was recorded')
  let next = 0
  return {
    status,
    header: (name) => headers[name],
    async read() {
      const chunk = chunks[next++]
      if (chunk === undefined) {
        if (brokeOff === undefined) return undefined
        throw new TypeError(brokeOff)
      }
      if (speed === 'recorded') await until(started + chunk.atMs, signal)
      signal.throwIfAborted()
      return bytesOf(chunk)
    },
    close() {},
  }
}

function until(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.max(0, time - performance.now()))
    signal.addEventListener('abort', end)
  })
}

function askedOf({ url, body }: HttpRequest): RecordedExchange['request'] {
  const { pathname, searchParams } = new URL(url)
  const names = [...searchParams.keys()].map((name) => `${name}=…`).join('&')
  return { path: names === '' ? pathname : `${pathname}?${names}`, body: json(body) }
}

/** Every text inside a JSON value, changed. */
function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => inTexts(item, change))
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inTexts(member, change)]))
}

/** The same chunks with stars where a secret stood, also where it was cut in two: boundaries and lengths stay. */
function blanked(chunks: Noted['chunks'], secrets: readonly string[]): Noted['chunks'] {
  // One byte is one sign here, so that places in the text are places in the bytes.
  const text = chunks.map(({ bytes }) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).join('')
  const signs = [...text]
  for (const form of secrets.flatMap(wireForms))
    for (let found = text.indexOf(form); found >= 0; found = text.indexOf(form, found + 1))
      signs.fill('*', found, found + form.length)
  let at = 0
  return chunks.map(({ atMs, bytes }) => {
    at += bytes.length
    return { atMs, bytes: Uint8Array.from(signs.slice(at - bytes.length, at), (sign) => sign.charCodeAt(0)) }
  })
}

/** A secret as it stands in a body, one sign for each byte. */
function wireForms(secret: string): string[] {
  return secretForms(secret).map((form) =>
    Array.from(new TextEncoder().encode(form), (byte) => String.fromCharCode(byte)).join(''),
  )
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function written(bytes: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) }
  }
}

function bytesOf({ text, base64 = '' }: RecordedChunk): Uint8Array {
  if (text !== undefined) return new TextEncoder().encode(text)
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem)
}

/** Where two JSON values differ first, in words. */
function differenceOf(recorded: unknown, asked: unknown, at: string): string | undefined {
  if (typeof recorded !== 'object' || typeof asked !== 'object' || recorded === null || asked === null)
    return fits(recorded, asked) ? undefined : `${at || 'it'} is ${brief(asked)}, recorded was ${brief(recorded)}`
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(asked)])) {
    const [before, now] = [recorded, asked].map((holder) => (holder as Record<string, unknown>)[key])
    const difference = differenceOf(before, now, `${at}/${key}`)
    if (difference !== undefined) return difference
  }
  return undefined
}

/** Where a secret was taken out of the recording, anything may stand. */
function fits(recorded: unknown, asked: unknown): boolean {
  if (recorded === asked) return true
  if (typeof recorded !== 'string' || typeof asked !== 'string' || !recorded.includes('…')) return false
  const pieces = recorded.split('…').map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${pieces.join('.*')}$`, 's').test(asked)
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 80)
}
