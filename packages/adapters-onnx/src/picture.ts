/** Rows of pixels, channel after channel, 0 to 255. */
export interface Picture {
  readonly data: Uint8Array | Float32Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** A part of a picture, in its pixels; need not be whole ones. */
export interface Region {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

export type Resize = 'bilinear' | 'nearest' | 'area'

/**
 * A part of a picture at another size; pixels have their centres at halves, and edges go on as they end. Rows that are needed
 * are brought to their length one after the other, so that memory is needed for what comes out and not for what came in.
 */
export function resized(
  { data, height, width, channels }: Picture,
  region: Region,
  [tall, wide]: readonly [height: number, width: number],
  how: Resize,
): Float32Array {
  const across = tapsOf(how, region.left, region.width, width, wide)
  const down = tapsOf(how, region.top, region.height, height, tall)
  const length = wide * channels
  const out = new Float32Array(tall * length)
  const known = new Map<number, Float32Array>()

  function rowAt(y: number): Float32Array {
    const row = new Float32Array(length)
    for (let x = 0; x < wide; x++) {
      const { first, weights } = across[x]!
      const to = x * channels
      const from = (y * width + first) * channels
      for (let tap = 0; tap < weights.length; tap++)
        for (let channel = 0; channel < channels; channel++)
          row[to + channel]! += weights[tap]! * data[from + tap * channels + channel]!
    }
    return row
  }

  for (let y = 0; y < tall; y++) {
    const { first, weights } = down[y]!
    for (let tap = 0; tap < weights.length; tap++) {
      const row = known.get(first + tap) ?? rowAt(first + tap)
      for (let i = 0; i < length; i++) out[y * length + i]! += weights[tap]! * row[i]!
      // The next new row may look at the last of these again, or at both where there are two.
      if (tap === weights.length - 1 || weights.length === 2) known.set(first + tap, row)
    }
    const next = down[y + 1]?.first ?? 0
    for (const at of known.keys()) if (at < next) known.delete(at)
  }
  return out
}

/** Which pixels in a row make one new pixel, and how much of each. */
interface Taps {
  readonly first: number
  readonly weights: readonly number[]
}

function tapsOf(how: Resize, start: number, length: number, size: number, count: number): Taps[] {
  const step = length / count
  const inside = (at: number) => Math.min(size - 1, Math.max(0, at))
  return Array.from({ length: count }, (_, i): Taps => {
    if (how === 'nearest') return { first: inside(Math.floor(start + (i + 0.5) * step)), weights: [1] }
    // Enlarging has no area to average.
    if (how === 'area' && step > 1) return areaTaps(start + i * step, start + (i + 1) * step, size)
    const at = start + (i + 0.5) * step - 0.5
    const before = Math.floor(at)
    const share = at - before
    const [one, other] = [inside(before), inside(before + 1)]
    return one === other ? { first: one, weights: [1] } : { first: one, weights: [1 - share, share] }
  })
}

function areaTaps(from: number, to: number, size: number): Taps {
  const first = Math.min(size - 1, Math.max(0, Math.floor(from)))
  const end = Math.min(size, Math.max(first + 1, Math.ceil(to)))
  const covered = Array.from({ length: end - first }, (_, i) =>
    Math.max(0, Math.min(to, first + i + 1) - Math.max(from, first + i)),
  )
  const all = covered.reduce((sum, one) => sum + one, 0)
  return { first, weights: all > 0 ? covered.map((one) => one / all) : covered.map(() => 1 / covered.length) }
}
