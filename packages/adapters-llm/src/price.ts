import type { ChatOutput, Spent } from '@dinrail/core'

/** What a million tokens cost. Input that came from a cache, or went into one, costs as much as other input unless stated. */
export interface Price {
  /** ISO 4217, such as `EUR`. */
  readonly currency: string
  readonly input: number
  readonly output: number
  readonly cachedInput?: number | undefined
  readonly cacheWrite?: number | undefined
}

/** By what the server calls the model that answered, or by what it was asked for. */
export type Prices = Readonly<Record<string, Price>>

/** What an answer took, in tokens and, where a price is known, in money. Undefined where the server said nothing. */
export function spentOn(
  { tokens, answeredBy }: Pick<ChatOutput, 'tokens' | 'answeredBy'>,
  model: string,
  prices: Prices = {},
  cacheWrites = 0,
): Spent | undefined {
  const { input, output, cachedInput, reasoning } = tokens
  if (input === undefined && output === undefined) return undefined
  const price = [answeredBy, model].map((name) => ownMember(prices, name)).find(Boolean)
  const cost = price && costOf(tokens, cacheWrites, price)
  return {
    inputTokens: input,
    outputTokens: output,
    cachedInputTokens: cachedInput,
    reasoningTokens: reasoning,
    cost,
  }
}

/** The same where a model only reads, as one that embeds or ranks does. */
export function spentOnReading(input: number | undefined, answeredBy: string, model: string, prices?: Prices) {
  const spent = spentOn({ tokens: { ...(input !== undefined && { input, output: 0 }) }, answeredBy }, model, prices)
  if (spent === undefined) return undefined
  const { outputTokens: _, ...read } = spent
  return read
}

function ownMember(prices: Prices, name: string): Price | undefined {
  return Object.hasOwn(prices, name) ? prices[name] : undefined
}

function costOf(tokens: ChatOutput['tokens'], cacheWrites: number, price: Price): Spent['cost'] {
  const { input, output, cachedInput = 0 } = tokens
  // Half a bill would be taken for the whole.
  if (input === undefined || output === undefined) return undefined
  const { currency, input: perInput, output: perOutput, cachedInput: perCached = perInput } = price
  const plain = input - cachedInput - cacheWrites
  const dear = cacheWrites * (price.cacheWrite ?? perInput)
  const amount = (plain * perInput + cachedInput * perCached + dear + output * perOutput) / 1e6
  // Some servers count what came from a cache beside the input: what they mean by either is not known then.
  return plain >= 0 && dear >= 0 && Number.isFinite(amount) ? { amount, currency } : undefined
}
