import { type ChatOutput, Fault } from '@dinrail/core'
import { cut } from './secrets.ts'

/** An event's data as an object. What is none was garbled on its way. */
export function asObject<Shape>(data: string): Shape {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    throw new Fault('unavailable', `the server sent something that is not JSON: ${cut(data, 120)}`)
  }
  if (!isObject(value)) throw new Fault('unavailable', `the server sent no JSON object: ${cut(data, 120)}`)
  return value as Shape
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts where they are counts; anything else is unknown. */
export function knownTokens(
  counts: Readonly<Partial<Record<keyof ChatOutput['tokens'], unknown>>>,
): ChatOutput['tokens'] {
  const known: { -readonly [Name in keyof ChatOutput['tokens']]: ChatOutput['tokens'][Name] } = {}
  for (const name of ['input', 'output', 'cachedInput', 'reasoning'] as const) {
    const count = counts[name]
    if (Number.isSafeInteger(count) && (count as number) >= 0) known[name] = count as number
  }
  return known
}
