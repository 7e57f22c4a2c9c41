/**
 * One regression tree of a boosted model, grown leaf by leaf on gradients and curvatures (Friedman 2001; Ke et al., LightGBM,
 * 2017). Samples and thresholds are float32, so that a runtime that compares in float32 takes every branch alike.
 */
export type TreeNode =
  | { readonly kind: 'leaf'; readonly value: number }
  /** Goes left when the feature is at most the threshold. */
  | {
      readonly kind: 'branch'
      readonly feature: number
      readonly threshold: number
      readonly left: TreeNode
      readonly right: TreeNode
    }

/** How a tree is grown, whatever it is grown on. */
export interface Growth {
  readonly learningRate: number
  readonly leaves: number
  readonly leastSamples: number
  /** Added to the curvature of a leaf; larger values pull leaves towards zero. */
  readonly shrinkage: number
}

export const treeValue = (root: TreeNode, sample: Float32Array): number => {
  let node = root
  while (node.kind === 'branch') node = sample[node.feature]! <= node.threshold ? node.left : node.right
  return node.value
}

/** A column cut into at most `BINS` bins of similar count: `bins[row] <= bin` is `sample <= thresholds[bin]`. */
export interface BinnedColumn {
  readonly thresholds: Float32Array
  readonly bins: Uint8Array
}

const BINS = 128

export const binColumn = (samples: readonly Float32Array[], column: number): BinnedColumn => {
  const values = samples.map((sample) => sample[column]!)
  const distinct = [...new Set(values)].sort((a, b) => a - b)
  const middles = distinct
    .slice(1)
    .map((value, index) => Math.fround(distinct[index]! + (value - distinct[index]!) / 2))
  const sorted = values.slice().sort((a, b) => a - b)
  const wanted =
    middles.length < BINS
      ? middles
      : Array.from({ length: BINS - 1 }, (_, cut) => {
          const value = sorted[Math.floor(((cut + 1) * sorted.length) / BINS)]!
          return middles[Math.min(middles.length - 1, distinct.indexOf(value))]!
        })
  const thresholds = Float32Array.from([...new Set(wanted)].sort((a, b) => a - b))
  const bins = Uint8Array.from(values, (value) => {
    const bin = thresholds.findIndex((threshold) => value <= threshold)
    return bin < 0 ? thresholds.length : bin
  })
  return { thresholds, bins }
}

interface Split {
  readonly gain: number
  readonly column: number
  readonly bin: number
}

interface Leaf {
  readonly rows: readonly number[]
  readonly split: Split | undefined
  readonly path: { become(node: Growing): void }
}

/** A node whose children are still decided on. */
type Growing =
  | { kind: 'leaf'; value: number }
  | { kind: 'branch'; feature: number; threshold: number; left: Growing; right: Growing }

export const growTree = (
  rows: readonly number[],
  seen: readonly number[],
  columns: readonly BinnedColumn[],
  gradient: readonly number[],
  curvature: readonly number[],
  growth: Growth,
): TreeNode => {
  const holder: { root: Growing } = { root: { kind: 'leaf', value: 0 } }
  const leafOf = (own: readonly number[], become: (node: Growing) => void): Leaf => {
    let slope = 0
    let bend = growth.shrinkage
    for (const row of own) {
      slope += gradient[row]!
      bend += curvature[row]!
    }
    become({ kind: 'leaf', value: Math.fround((growth.learningRate * slope) / bend) })
    return { rows: own, split: bestSplit(own, seen, columns, gradient, curvature, growth), path: { become } }
  }
  const leaves = [
    leafOf(rows, (node) => {
      holder.root = node
    }),
  ]
  while (leaves.length < growth.leaves) {
    let best = -1
    leaves.forEach((leaf, index) => {
      if (leaf.split !== undefined && leaf.split.gain > (leaves[best]?.split?.gain ?? 0)) best = index
    })
    const leaf = leaves[best]
    if (leaf?.split === undefined) break
    const { column, bin } = leaf.split
    const { bins, thresholds } = columns[column]!
    const branch: Growing & { kind: 'branch' } = {
      kind: 'branch',
      feature: column,
      threshold: thresholds[bin]!,
      left: { kind: 'leaf', value: 0 },
      right: { kind: 'leaf', value: 0 },
    }
    leaf.path.become(branch)
    const left = leafOf(
      leaf.rows.filter((row) => bins[row]! <= bin),
      (node) => {
        branch.left = node
      },
    )
    const right = leafOf(
      leaf.rows.filter((row) => bins[row]! > bin),
      (node) => {
        branch.right = node
      },
    )
    leaves.splice(best, 1, left, right)
  }
  return holder.root
}

const bestSplit = (
  rows: readonly number[],
  seen: readonly number[],
  columns: readonly BinnedColumn[],
  gradient: readonly number[],
  curvature: readonly number[],
  { leastSamples, shrinkage }: Growth,
): Split | undefined => {
  if (rows.length < 2 * leastSamples) return undefined
  const slopes = new Float64Array(BINS)
  const bends = new Float64Array(BINS)
  const counts = new Int32Array(BINS)
  let slope = 0
  let bend = 0
  for (const row of rows) {
    slope += gradient[row]!
    bend += curvature[row]!
  }
  const parent = slope ** 2 / (bend + shrinkage)
  let best: Split | undefined
  for (const column of seen) {
    const { bins, thresholds } = columns[column]!
    slopes.fill(0)
    bends.fill(0)
    counts.fill(0)
    for (const row of rows) {
      const bin = bins[row]!
      slopes[bin] = slopes[bin]! + gradient[row]!
      bends[bin] = bends[bin]! + curvature[row]!
      counts[bin] = counts[bin]! + 1
    }
    let leftSlope = 0
    let leftBend = 0
    let leftCount = 0
    for (let bin = 0; bin < thresholds.length; bin += 1) {
      leftSlope += slopes[bin]!
      leftBend += bends[bin]!
      leftCount += counts[bin]!
      if (leftCount < leastSamples || counts[bin] === 0) continue
      if (rows.length - leftCount < leastSamples) break
      const gain =
        leftSlope ** 2 / (leftBend + shrinkage) + (slope - leftSlope) ** 2 / (bend - leftBend + shrinkage) - parent
      if (gain > 1e-9 && gain > (best?.gain ?? 0)) best = { gain, column, bin }
    }
  }
  return best
}
