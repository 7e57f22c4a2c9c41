import { Fault } from '@dinrail/core'

/** Exchanges with a server as they were on the wire: plain JSON, and no key in it. */
export interface Recording {
  readonly format: 'dinrail-recording/1'
  readonly exchanges: readonly Exchange[]
}

export interface Exchange {
  readonly request: {
    readonly method: string
    /** Without the host, so that a recording says nothing of where it was made. */
    readonly path: string
    /** JSON where it was JSON, else the text. */
    readonly body: unknown
  }
  readonly response: {
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
  /** The bytes between two reads: UTF-8 where they are whole text, base64 where a character was cut in two. */
  readonly text?: string
  readonly base64?: string
}

/** Headers that say how to read a body or when to come again. All others may name people, keys or places. */
const keptHeaders = new Set(['content-type', 'retry-after', 'retry-after-ms'])

export interface RecordOptions {
  readonly fetch?: typeof fetch | undefined
  /** Keys and other words that must not be in the recording, wherever they stand. The bearer token of a request is one without being named. */
  readonly secrets?: readonly string[] | undefined
}

export interface Recorder {
  /** To be handed to a model as `send: fetchSender(fetch)`. */
  readonly fetch: typeof fetch
  /** What was exchanged so far, in the order of the requests; waits for bodies that are still read. */
  recording(): Promise<Recording>
}

interface TimedBytes {
  readonly atMs: number
  readonly bytes: Uint8Array
}

interface RawExchange {
  readonly request: Exchange['request']
  readonly response: Omit<Exchange['response'], 'chunks'> & { readonly chunks: readonly TimedBytes[] }
}

/** Records what goes through `fetch`: every chunk with the moment of its coming, as the server really sent it. */
export function record({ fetch: send = fetch, secrets = [] }: RecordOptions = {}): Recorder {
  const exchanges: Promise<RawExchange>[] = []
  const hidden = new Set(secrets.filter((secret) => secret !== ''))

  const recording: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    for (const name of ['authorization', 'x-api-key', 'api-key']) {
      const value = request.headers.get(name)?.replace(/^\S+ /, '')
      if (value) hidden.add(value)
    }
    const body = typeof init?.body === 'string' ? init.body : await request.clone().text()
    const { pathname, search } = new URL(request.url)
    const asked = { method: request.method, path: pathname + search, body: json(body) }
    const started = performance.now()
    const chunks: TimedBytes[] = []
    let settle: (exchange: RawExchange) => void = () => {}
    exchanges.push(
      new Promise((resolve) => {
        settle = resolve
      }),
    )
    const done = (response?: Response, brokeOff?: string) =>
      settle({
        request: asked,
        response: {
          status: response?.status ?? 0,
          headers: kept(response?.headers ?? new Headers()),
          chunks,
          ...(brokeOff !== undefined && { brokeOff }),
        },
      })
    let response: Response
    try {
      response = await send(input, init)
    } catch (problem) {
      done(undefined, (problem as Error).message)
      throw problem
    }
    if (response.body === null) {
      done(response)
      return response
    }
    const reader = response.body.getReader()
    const passedOn = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const read = await reader.read()
          if (read.done) {
            done(response)
            controller.close()
          } else {
            chunks.push({ atMs: Math.round(performance.now() - started), bytes: read.value.slice() })
            controller.enqueue(read.value)
          }
        } catch (problem) {
          done(response, (problem as Error).message)
          controller.error(problem)
        }
      },
      async cancel(reason) {
        done(response, 'the reader left')
        await reader.cancel(reason)
      },
    })
    return madeBy(response.url, new Response(passedOn, response))
  }
  return {
    fetch: recording,
    async recording() {
      const whole = await Promise.all(exchanges)
      const hide = (text: string) =>
        [...hidden].reduce(
          (rest, secret) => rest.replaceAll(secret, '…').replaceAll(encodeURIComponent(secret), '…'),
          text,
        )
      return {
        format: 'dinrail-recording/1',
        exchanges: whole.map(({ request, response }) => ({
          request: inTexts(request, hide) as Exchange['request'],
          response: {
            ...response,
            ...(response.brokeOff !== undefined && { brokeOff: hide(response.brokeOff) }),
            chunks: blanked(response.chunks, hidden).map(({ atMs, bytes }) => ({ atMs, ...written(bytes) })),
          },
        })),
      }
    },
  }
}

/** Every text inside a JSON value, changed. */
function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => inTexts(item, change))
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [change(key), inTexts(member, change)]))
}

/** The same chunks with stars where a secret stood, also where it was cut in two: boundaries and lengths stay. */
function blanked(chunks: readonly TimedBytes[], secrets: ReadonlySet<string>): TimedBytes[] {
  const all = new Uint8Array(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0))
  let at = 0
  for (const { bytes } of chunks) {
    all.set(bytes, at)
    at += bytes.length
  }
  const text = Array.from(all, (byte) => String.fromCharCode(byte)).join('')
  for (const secret of secrets) {
    const needle = Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join('')
    for (let found = text.indexOf(needle); found >= 0; found = text.indexOf(needle, found + 1))
      all.fill('*'.charCodeAt(0), found, found + needle.length)
  }
  at = 0
  return chunks.map(({ atMs, bytes }) => {
    at += bytes.length
    return { atMs, bytes: all.slice(at - bytes.length, at) }
  })
}

/** A response that says where it came from, as those of the network do. */
function madeBy(url: string, response: Response): Response {
  return Object.defineProperty(response, 'url', { value: url })
}

export interface ReplayOptions {
  /** With the pauses of the recording, or without any, which is what tests want. `at-once` unless stated. */
  readonly speed?: 'recorded' | 'at-once' | undefined
}

export interface Replay extends Disposable {
  /** To be handed to a model as `send: fetchSender(fetch)`. */
  readonly fetch: typeof fetch
  /** Throws an `Error` where exchanges of the recording were never asked for. */
  assertConsumed(): void
}

/**
 * Answers from a recording, chunk for chunk. Each request must be the one that was recorded next, member for member, or it
 * ends in `invalid-input` that says where they differ: a changed program must not be tested against the answers to another.
 * With `using`, an exchange that was never asked for fails the test at its end.
 */
export function replay(recording: Recording, { speed = 'at-once' }: ReplayOptions = {}): Replay {
  if (recording.format !== 'dinrail-recording/1')
    throw new Fault(
      'invalid-input',
      `a recording has the format dinrail-recording/1, not ${JSON.stringify(recording.format)}`,
    )
  const { exchanges } = recording
  let next = 0
  const assertConsumed = () => {
    if (next < exchanges.length)
      throw new Error(`${exchanges.length - next} of ${exchanges.length} recorded exchanges were never asked for`)
  }
  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      const exchange = exchanges[next]
      if (exchange === undefined)
        throw new Fault('invalid-input', `the recording has ${exchanges.length} exchanges and was asked for one more`)
      const { pathname, search } = new URL(request.url)
      const body = json(typeof init?.body === 'string' ? init.body : await request.clone().text())
      const asked = { method: request.method, path: pathname + search, body }
      const difference = differenceOf(exchange.request, asked, '')
      if (difference !== undefined)
        throw new Fault('invalid-input', `request ${next + 1} is not the recorded one: ${difference}`)
      next += 1
      return play(exchange.response, speed, request)
    },
    assertConsumed,
    [Symbol.dispose]: assertConsumed,
  }
}

async function play(
  { status, headers, chunks, brokeOff }: Exchange['response'],
  speed: 'recorded' | 'at-once',
  { signal, url }: Request,
): Promise<Response> {
  const started = performance.now()
  signal.throwIfAborted()
  if (status === 0) throw new TypeError(brokeOff ?? 'fetch failed')
  let next = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks[next++]
      if (chunk === undefined) {
        if (brokeOff === undefined) controller.close()
        else controller.error(new TypeError(brokeOff))
        return
      }
      if (speed === 'recorded') await until(started + chunk.atMs, signal)
      if (signal.aborted) controller.error(signal.reason)
      else controller.enqueue(bytesOf(chunk))
    },
  })
  return madeBy(url, new Response([204, 205, 304].includes(status) ? null : body, { status, headers }))
}

function until(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, time - performance.now()))
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

function kept(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => keptHeaders.has(name)))
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

function bytesOf({ text, base64 }: RecordedChunk): Uint8Array {
  if (text !== undefined) return new TextEncoder().encode(text)
  return Uint8Array.from(atob(base64 ?? ''), (character) => character.charCodeAt(0))
}

/** Where two JSON values differ first, in words. */
function differenceOf(recorded: unknown, asked: unknown, at: string): string | undefined {
  if (typeof recorded !== 'object' || typeof asked !== 'object' || recorded === null || asked === null)
    return recorded === asked ? undefined : `${at || 'it'} is ${brief(asked)}, recorded was ${brief(recorded)}`
  const keys = new Set([...Object.keys(recorded), ...Object.keys(asked)])
  for (const key of keys) {
    const difference = differenceOf(
      (recorded as Record<string, unknown>)[key],
      (asked as Record<string, unknown>)[key],
      `${at}/${key}`,
    )
    if (difference !== undefined) return difference
  }
  return undefined
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 80)
}
