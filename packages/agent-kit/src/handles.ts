import { isTensor } from '@dinrail/core'

/**
 * Keeps the numbers that no language model can read or write. In what the model is shown, each tensor stands as
 * `{ handle, holds }`; where it hands a `{ handle }` to a tool, the tensor goes there in its place, with the unit and
 * time that it came with.
 */
export interface Handles {
  /** A value as the model is shown it. */
  conceal(value: unknown, place: string): unknown
  /** Arguments as the tool gets them. Throws an `Error` for a handle that was never given out. */
  reveal(value: unknown): unknown
}

export function handles(): Handles {
  const kept = new Map<string, unknown>()

  function keep(value: unknown, shown: { dtype: string; shape: readonly number[] }, place: string): unknown {
    kept.set(place, value)
    return { handle: place, holds: `${shown.dtype}[${shown.shape.join('×')}]` }
  }

  function conceal(value: unknown, place: string): unknown {
    if (isTensor(value)) return keep(value, value, place)
    if (typeof value !== 'object' || value === null) return value
    // A sample whose value is a tensor is one thing: its unit must not be lost on the way.
    const inner = (value as { value?: unknown }).value
    if (isTensor(inner)) return keep(value, inner, place)
    if (Array.isArray(value)) return value.map((item, i) => conceal(item, `${place}/${i}`))
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, conceal(member, `${place}/${key}`)]))
  }

  function reveal(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(reveal)
    const { handle } = value as { handle?: unknown }
    if (typeof handle === 'string') {
      if (!kept.has(handle))
        throw new Error(`there is no handle '${handle}'; there are ${[...kept.keys()].join(', ') || 'none'}`)
      return kept.get(handle)
    }
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, reveal(member)]))
  }

  return { conceal, reveal }
}
