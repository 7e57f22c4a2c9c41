import type { ChatCard } from '@dinrail/core'
import type { Timeouts } from './bounded-request.ts'
import type { Prices } from './price.ts'
import type { Quota } from './quota.ts'

/** What every model behind an endpoint may be given, as a program without types may state it. */
interface StatedOptions {
  readonly model: string
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly retries?: number | undefined
  readonly longestAnswer?: number | undefined
  readonly send?: unknown
  readonly timeouts?: Timeouts | undefined
  readonly quota?: Quota | undefined
  readonly prices?: Prices | undefined
  readonly chat?: Partial<ChatCard> | undefined
  readonly extra?: object | undefined
}

const common = 'baseUrl model key headers id version title send timeouts retries prices longestAnswer'
/** What is longer passes at once in every runtime, and so does what is no number: again and again, for ever. */
const longestTimer = 2 ** 31 - 1

/** Throws a `TypeError` for options that would be ignored, or mean something else than they say. Shows no key. */
export function checkOptions(factory: string, options: StatedOptions, own: string): void {
  const { model, key, headers = {}, retries, longestAnswer, send, timeouts, quota, extra } = options
  const refuse = (problem: string) => {
    throw new TypeError(`${factory}: ${problem}`)
  }
  refuseUnknown(factory, options, `${common} ${own}`)
  if (typeof model !== 'string' || model === '') refuse('model is missing: what the server calls it')
  if (send !== undefined && typeof send !== 'function') refuse('send is no function')
  checkNumbers(factory, { retries, longestAnswer }, 'retries longestAnswer', (count) => count >= 0)
  for (const [name, value] of [['key', key ?? ''], ...membersOf(`${factory}: headers`, headers)] as const)
    if (!/^[\w!#-'*+.^`|~-]+$/.test(name) || typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      refuse(`${name} is no text, or holds a sign that no header can carry`)
  const timeoutNames = 'firstChunkMs idleMs attemptMs totalMs'
  checkNumbers(`${factory}: timeouts`, timeouts, timeoutNames, (ms) => ms > 0 && ms <= longestTimer)
  checkNumbers(`${factory}: quota`, quota, 'requestsPerMinute tokensPerMinute', (most) => most > 0)
  if (!hasJson(extra)) refuse('extra has no JSON form')
  checkCardAndPrices(factory, options)
}

/** The same for what models have that are asked in another way. */
export function checkCardAndPrices(
  factory: string,
  { chat = {}, prices = {} }: Pick<StatedOptions, 'chat' | 'prices'>,
): void {
  refuseUnknown(`${factory}: chat`, chat, 'tools structuredOutput contextTokens modalities')
  for (const [model, price] of membersOf(`${factory}: prices`, prices)) {
    const place = `${factory}: the price of ${model}`
    const { currency, ...amounts } = (price ?? {}) as Prices[string]
    if (typeof currency !== 'string' || amounts.input === undefined || amounts.output === undefined)
      throw new TypeError(`${place} needs its currency, input and output`)
    checkNumbers(place, amounts, 'input output cachedInput cacheWrite', (amount) => amount >= 0 && amount < Infinity)
  }
}

function hasJson(extra: unknown = {}): boolean {
  try {
    return JSON.stringify(extra).startsWith('{')
  } catch {
    return false
  }
}

/** Throws a `TypeError` where there is another member than these, or one that is stated and no such number. */
function checkNumbers(place: string, numbers: object = {}, known: string, isRight: (value: number) => boolean): void {
  refuseUnknown(place, numbers, known)
  for (const [name, value] of Object.entries(numbers))
    if (value !== undefined && !(typeof value === 'number' && isRight(value)))
      throw new TypeError(`${place}: ${name} is ${String(value)}: state another number, or leave it out`)
}

/** Throws a `TypeError` for one that is no count. */
export function checkCounts(place: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts))
    if (!(Number.isInteger(count) && count > 0))
      throw new TypeError(`${place}: ${name} is ${count}, no whole number above 0`)
}

/** Throws a `TypeError` where there is another option than these. */
export function refuseUnknown(factory: string, options: object, known: string): void {
  for (const [name] of membersOf(factory, options))
    if (!known.split(' ').includes(name))
      throw new TypeError(`${factory}: there is no option '${name}'; there are ${known.replaceAll(' ', ', ')}`)
}

function membersOf(place: string, value: object): [string, unknown][] {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${place} is no object`)
  return Object.entries(value)
}

/** Throws a `TypeError` where secrets are no list of texts: of a text alone each letter would be one, and nothing hidden. */
export function checkSecrets(factory: string, secrets: unknown): void {
  if (secrets === undefined || (Array.isArray(secrets) && secrets.every((one) => typeof one === 'string'))) return
  throw new TypeError(`${factory}: secrets are no list of texts`)
}
