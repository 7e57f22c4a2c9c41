import { Fault, type FaultCode } from '@dinrail/core'
import { cut } from './secrets.ts'
import type { HttpResponse } from './sender.ts'

/** Those that are not what their class is. */
const codes: Readonly<Record<number, FaultCode>> = {
  401: 'denied',
  402: 'denied',
  403: 'denied',
  404: 'not-found',
  405: 'not-found',
  407: 'denied',
  429: 'overloaded',
  529: 'overloaded',
}

/** What servers say in words or codes of their own, whatever status they say it with. The first that fits decides. */
const sayings: readonly (readonly [RegExp, FaultCode])[] = [
  [/insufficient_quota|billing|credit balance/i, 'denied'],
  [/rate.?limit|overloaded|too many requests|server is busy/i, 'overloaded'],
  [/invalid.?api.?key|incorrect api key|authentication_error|unauthori[sz]ed|expired/i, 'denied'],
  [
    /model\b.{0,80}\b(?:not found|not exist|not a valid|unknown)|model_not_found|not_found_error|\b(?:invalid|unknown|not a valid)[ _]model\b/i,
    'not-found',
  ],
  [/context.?length|maximum context|context (?:size|window)|too long|too large/i, 'invalid-input'],
]
const statusDecides = new Set([401, 402, 403, 404, 407, 413, 429, 529])
/** What is used up for good is no matter of waiting, though some servers say it with a 429. */
const usedUp = /insufficient_quota/i

/** How long the body of a refusal may be before the rest is of no interest. */
export const longestRefusal = 64 * 1024
const longestSaying = 300

const hints: Partial<Record<FaultCode, string>> = {
  denied: ' (is the key right, and has it not expired?)',
  'not-found': ' (is the base URL right, and does the server have this model?)',
}

/** A status above 2xx, with what the server said. `now` is what a date in Retry-After is counted from. */
export function refusal(
  response: Pick<HttpResponse, 'status' | 'header'>,
  body: string,
  host: string,
  now: number,
): Fault {
  const { status } = response
  if (status < 200 || (status >= 300 && status < 400))
    return new Fault('not-found', `${host} redirects elsewhere: give the base URL that it redirects to`, {
      details: { status },
    })
  const said = sayingOf(body)
  const byWords = statusDecides.has(status) && !(status === 429 && usedUp.test(said)) ? undefined : meaningOf(said)
  const code = byWords !== undefined && status < 500 ? byWords : (codes[status] ?? ofClass(status))
  const retryAfterMs = retryAfter(response, now)
  const hint = status === 407 ? ' (are the user and the password of the proxy right?)' : hints[code]
  return new Fault(code, `${host} answers ${status}: ${cut(said, longestSaying)}${hint ?? ''}`, {
    details: { status, retryAfterMs },
  })
}

/** An error that a server hides inside an answer, whose own status is 200. */
export function serverFault(error: unknown): Fault {
  const { code, status } = (error ?? {}) as { readonly code?: unknown; readonly status?: unknown }
  const said = errorText(error)
  const stated = [code, status].map(plainNumber).find((number) => number >= 400 && number < 600)
  const meant =
    stated === undefined ? meaningOf(`${typeof code === 'string' ? code : ''} ${typeOf(error)} ${said}`) : undefined
  const known = stated === undefined ? (meant ?? 'unavailable') : (codes[stated] ?? ofClass(stated))
  return new Fault(known, `the server reports: ${cut(said, longestSaying)}${hints[known] ?? ''}`, {
    details: { status: stated ?? 200 },
  })
}

/** An object of the server's may be none that becomes a number. */
const plainNumber = (value: unknown) => (typeof value === 'object' ? Number.NaN : Number(value))

/** A request that the server cannot read is the caller's; what it does not say is the server's. */
function ofClass(status: number): FaultCode {
  return status === 408 || status === 409 || status === 425 || status >= 500 ? 'unavailable' : 'invalid-input'
}

function meaningOf(said: string): FaultCode | undefined {
  return sayings.find(([pattern]) => pattern.test(said))?.[1]
}

function sayingOf(body: string): string {
  try {
    const { error, message, detail } = JSON.parse(body) as Record<string, unknown>
    const code = (error as { code?: unknown } | null)?.code
    return `${errorText(error ?? message ?? detail ?? body)}${typeof code === 'string' ? ` [${code}]` : ''}`
  } catch {
    return isPage(body) ? 'a web page' : body.trim() || 'nothing'
  }
}

export function pageFault(host: string): Fault {
  return new Fault('unavailable', `${host} answers with a web page: the base URL is not that of such an API`, {
    retryable: false,
  })
}

export function isPage(body: string): boolean {
  return /^\s*(?:<!doctype|<html|<head|<body)/i.test(body)
}

function typeOf(error: unknown): string {
  const type = (error as { type?: unknown } | null)?.type
  return typeof type === 'string' ? type : ''
}

function errorText(error: unknown): string {
  if (typeof error === 'string') return error
  const message = (error as { message?: unknown } | null)?.message
  return typeof message === 'string' ? message : (JSON.stringify(error) ?? 'nothing')
}

/** Milliseconds, from seconds, a date or the milliseconds that some servers state. */
function retryAfter(response: Pick<HttpResponse, 'header'>, now: number): number | undefined {
  const exact = Number(response.header('retry-after-ms') || Number.NaN)
  if (exact >= 0 && exact < Number.POSITIVE_INFINITY) return exact
  const stated = response.header('retry-after')?.trim()
  if (stated === undefined || stated === '') return undefined
  const seconds = Number(stated)
  // Clocks in plants go wrong: a date is counted from the server's own, where it says that.
  const sent = Date.parse(response.header('date') ?? '')
  const ms = Number.isNaN(seconds) ? Date.parse(stated) - (Number.isNaN(sent) ? now : sent) : seconds * 1000
  return ms >= 0 && ms < Number.POSITIVE_INFINITY ? ms : undefined
}
