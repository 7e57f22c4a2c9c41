/** Where text stands in a picture, in its pixels. */
export interface Region {
  readonly top: number
  readonly left: number
  readonly height: number
  readonly width: number
}

/** What counts as text, and how sure its pixels must be on average (DBNet, Liao and others 2020). */
const PIXEL = 0.3
const REGION = 0.6
/** The network marks the core of a text; it is this much larger, relative to its area over its outline. */
const GROWTH = 1.8
const LEAST_SIDE = 4

interface TextMap {
  /** Probability that a pixel belongs to the core of a text. */
  readonly probability: Float32Array
  readonly height: number
  readonly width: number
}

/** Connected pixels of text as upright boxes, from top to bottom and from left to right, and the mean probability of all. */
export function textRegions({ probability, height, width }: TextMap): { regions: Region[]; confidence: number } {
  const seen = new Uint8Array(probability.length)
  const found: { region: Region; score: number }[] = []
  for (let start = 0; start < probability.length; start++) {
    if (seen[start] || probability[start]! < PIXEL) continue
    const blob = flood(start)
    const [tall, wide] = [blob.bottom - blob.top + 1, blob.right - blob.left + 1]
    if (blob.sum / blob.count < REGION || Math.min(tall, wide) < LEAST_SIDE) continue
    const grow = (GROWTH * tall * wide) / (2 * (tall + wide))
    const [top, left] = [Math.max(0, blob.top - grow), Math.max(0, blob.left - grow)]
    found.push({
      score: blob.sum / blob.count,
      region: {
        top: Math.round(top),
        left: Math.round(left),
        height: Math.round(Math.min(height, blob.bottom + 1 + grow) - top),
        width: Math.round(Math.min(width, blob.right + 1 + grow) - left),
      },
    })
  }
  const middle = ({ region: { top, height: tall } }: (typeof found)[number]) => top + tall / 2
  found.sort((a, b) => {
    const isSameLine = Math.abs(middle(a) - middle(b)) < Math.min(a.region.height, b.region.height) / 2
    return isSameLine ? a.region.left - b.region.left : middle(a) - middle(b)
  })
  const confidence = found.reduce((sum, { score }) => sum + score, 0) / Math.max(1, found.length)
  return { regions: found.map(({ region }) => region), confidence }

  function flood(from: number) {
    const blob = { top: height, left: width, bottom: 0, right: 0, sum: 0, count: 0 }
    const open = [from]
    seen[from] = 1
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)]
      blob.top = Math.min(blob.top, y)
      blob.bottom = Math.max(blob.bottom, y)
      blob.left = Math.min(blob.left, x)
      blob.right = Math.max(blob.right, x)
      blob.sum += probability[at]!
      blob.count += 1
      const around = [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width]
      for (const next of around)
        if (next >= 0 && next < probability.length && !seen[next] && probability[next]! >= PIXEL) {
          seen[next] = 1
          open.push(next)
        }
    }
    return blob
  }
}
