import type { Scale } from './contract.ts'

/** A scale that is a straight line: scaled = (value − shift) × factor. */
export interface Line {
  readonly shift: number
  readonly factor: number
}

const unscaled: Line = { shift: 0, factor: 1 }

/** Throws a `TypeError` that names the place where a scale makes no sense or is no straight line. */
export function lineOf(scale: Scale | undefined, at: string): Line {
  if (scale === undefined) return unscaled
  const [shift, width] = endsOf(scale, at)
  if (!Number.isFinite(shift) || !(width > 0 && width < Number.POSITIVE_INFINITY && Number.isFinite(1 / width)))
    throw new TypeError(`${at}.scale is ${JSON.stringify(scale)}: it needs finite numbers, and a width above 0`)
  return { shift, factor: 1 / width }
}

function endsOf(scale: Scale, at: string): readonly [shift: number, width: number] {
  if ('mean' in scale) return [scale.mean, scale.deviation]
  if ('median' in scale) return [scale.median, scale.spread]
  if ('min' in scale) return [scale.min, scale.max - scale.min]
  throw new TypeError(
    `${at}.scale is ${JSON.stringify(scale)}: use { mean, deviation }, { min, max } or { median, spread } here`,
  )
}

export function isCyclic(scale: Scale | undefined): scale is { readonly period: number } {
  return scale !== undefined && 'period' in scale
}
