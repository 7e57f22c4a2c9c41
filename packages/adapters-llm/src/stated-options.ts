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
}

const common = 'baseUrl model key headers id version title send timeouts retries prices longestAnswer'

/** Throws a `TypeError` for options that would be ignored, or mean something else than they say. Shows no key. */
export function checkOptions(factory: string, options: StatedOptions, own: string): void {
  const { model, key = '', headers = {}, retries = 0, longestAnswer = 1, send, timeouts = {}, prices = {} } = options
  const refuse = (problem: string) => {
    throw new TypeError(`${factory}: ${problem}`)
  }
  refuseUnknown(factory, options, `${common} ${own}`)
  if (typeof model !== 'string' || model === '') refuse('model is missing: what the server calls it')
  if (send !== undefined && typeof send !== 'function') refuse('send is no function')
  for (const [name, count] of Object.entries({ retries, longestAnswer }))
    if (!(count >= 0)) refuse(`${name} is ${count}, no number from 0 on`)
  for (const [name, value] of [['key', key ?? ''], ...Object.entries(headers)] as const)
    if (!/^[\w!#-'*+.^`|~-]+$/.test(name) || typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      refuse(`${name} is no text, or holds a sign that no header can carry, such as a line's end`)
  checkTimeouts(factory, timeouts)
  refuseUnknown(`${factory}: quota`, options.quota ?? {}, 'requestsPerMinute tokensPerMinute')
  for (const [name, { currency, input, output }] of Object.entries(prices))
    if (typeof currency !== 'string' || typeof input !== 'number' || typeof output !== 'number')
      refuse(`the price of ${name} needs its currency, input and output`)
}

/** What is longer passes at once in every runtime, and so does what is no number: again and again, for ever. */
const longestTimer = 2 ** 31 - 1

/** Throws a `TypeError` for a timeout that no timer keeps. */
function checkTimeouts(factory: string, timeouts: Timeouts): void {
  refuseUnknown(`${factory}: timeouts`, timeouts, 'firstChunkMs idleMs attemptMs totalMs')
  for (const [name, ms] of Object.entries(timeouts))
    if (ms !== undefined && !(typeof ms === 'number' && ms > 0 && ms <= longestTimer))
      throw new TypeError(`${factory}: ${name} is ${ms}, which is no timeout: state milliseconds, or leave it out`)
}

/** Throws a `TypeError` where there is another option than these. */
export function refuseUnknown(factory: string, options: object, known: string): void {
  const names = typeof options === 'object' ? Object.keys(options) : ['(no object)']
  const unknown = names.find((name) => !known.split(' ').includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${factory}: there is no option '${unknown}'; there are ${known.replaceAll(' ', ', ')}`)
}
