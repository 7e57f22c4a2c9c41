import { Fault, type ModelReference, type RunContext } from '@dinrail/core'
import { readBaseUrl } from './base-url.ts'
import { BoundedRequest, type Timeouts } from './bounded-request.ts'
import type { Prices } from './price.ts'
import { isPage, longestRefusal, pageFault, refusal, serverFault } from './refusal.ts'
import { cut, keyFinder, secretHider, secretsOf } from './secrets.ts'
import { fetchSender, type Sender } from './sender.ts'
import { keyFromEnvironment, keyHeader, serverAt } from './servers.ts'
import { hasTime, pause, pauseBefore } from './waiting.ts'
import { asObject } from './wire-json.ts'

/** A server that is asked with one JSON body and answers with one. */
export interface JsonEndpointOptions {
  /** Where the API begins, such as `http://127.0.0.1:8080/v1`. */
  readonly baseUrl: string
  /** What the server calls the model. */
  readonly model: string
  /** Goes to the server and appears nowhere else; from the environment where it is left out and the address is the maker's own. */
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** `maker/name` on the rail; made of the model's name unless stated. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
  /** `fetchSender()` unless stated. */
  readonly send?: Sender | undefined
  readonly timeouts?: Timeouts | undefined
  /** How often a request that failed is sent again: after lost connections, 429 and 5xx. 2 unless stated. */
  readonly retries?: number | undefined
  /** By what the server calls the model; only what it reads is paid for. */
  readonly prices?: Prices | undefined
  /** Bytes; 256 MiB unless stated. */
  readonly longestAnswer?: number | undefined
}

export interface JsonEndpoint {
  readonly host: string
  /** Throws the fault that the server's refusal is, and `unavailable` for what is no JSON object. */
  ask(body: object, context: RunContext): Promise<Record<string, unknown>>
  /** What the server calls the model that answered. Throws `invalid-output` where it says a key in its place. */
  answeredBy(answer: Record<string, unknown>): string
  /** The fault of an answer that is none, with what stands in its place. */
  unreadable(answer: Record<string, unknown>, missing: string): Fault
}

/** `self` is the model that a request is counted for which is sent again. The options have been checked. */
export function jsonEndpoint(
  factory: string,
  path: string,
  options: JsonEndpointOptions,
  self: ModelReference,
): JsonEndpoint {
  const { headers: own = {}, send = fetchSender(), timeouts = {}, retries = 2 } = options
  const url = readBaseUrl(factory, options.baseUrl)
  const server = serverAt(url)
  const key = options.key ?? keyFromEnvironment(server, url)
  const before = url.pathname.replace(/\/+$/, '')
  url.pathname = before.endsWith(path) ? before : `${before || '/v1'}${path}`
  const secrets = secretsOf({ key, url, headers: own })
  const hide = secretHider(secrets)
  const saysKey = keyFinder(secrets)
  const { host } = url
  const headers = { 'content-type': 'application/json', ...keyHeader(server, key), ...own }

  async function once(body: string, totalDue: number | undefined, { signal }: RunContext) {
    const exchange = new BoundedRequest({
      send,
      request: { url: url.href, headers, body },
      host,
      timeouts,
      totalDue,
      signal,
      longestAnswer: options.longestAnswer ?? 256 * 1024 * 1024,
    })
    try {
      const response = await exchange.open()
      if (response.status < 200 || response.status >= 300)
        throw refusal(response, hide(await exchange.readAll(longestRefusal).catch(() => '')), host, Date.now())
      const text = await exchange.readAll()
      if (isPage(text) || /html/i.test(response.header('content-type') ?? '')) throw pageFault(host)
      const answer = asObject<Record<string, unknown>>(text)
      if (answer.error) throw serverFault(answer.error)
      return answer
    } finally {
      exchange.close()
    }
  }

  return {
    host,
    answeredBy({ model }) {
      if (typeof model !== 'string' || model === '') return options.model
      if (saysKey([model])) throw new Fault('invalid-output', `${host} says a key in its answer`)
      return model
    },
    unreadable: (answer, missing) =>
      new Fault('unavailable', `${host} answered without ${missing}: ${cut(hide(JSON.stringify(answer)), 200)}`),
    async ask(body, context) {
      const text = JSON.stringify(body)
      const totalDue = timeouts.totalMs === undefined ? undefined : Date.now() + timeouts.totalMs
      const call = { context, totalDue }
      for (let attempt = 0; ; attempt++) {
        const started = performance.now()
        try {
          return await once(text, totalDue, context)
        } catch (thrown) {
          if (context.signal.aborted) throw context.signal.reason
          const { code, message, retryable, details } = Fault.from(thrown)
          const waitMs = (details as { retryAfterMs?: number } | undefined)?.retryAfterMs ?? pauseBefore(attempt)
          if (!retryable || attempt >= retries || !hasTime(call, waitMs))
            throw new Fault(code, hide(message), { retryable, details })
          context.count({ model: self, outcome: code, elapsedMs: performance.now() - started })
          await pause(waitMs, context.signal)
        }
      }
    },
  }
}
