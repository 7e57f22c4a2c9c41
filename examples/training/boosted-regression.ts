/** Gradient-boosted regression trees for one number: steps on the squared error. */

import type { BoostedTrees } from './boosted-trees.ts'
import { seededRandom } from './random.ts'
import { binColumn, type Growth, growTree, treeValue } from './regression-tree.ts'

export interface RegressionBoosting extends Growth {
  readonly rounds: number
  /** Shares that each tree sees, drawn anew. */
  readonly rowShare: number
  readonly columnShare: number
  readonly seed: number
}

export const boostRegression = (
  samples: readonly Float32Array[],
  targets: readonly number[],
  boosting: RegressionBoosting,
): BoostedTrees => {
  const width = samples[0]?.length
  if (width === undefined) throw new TypeError('Boosting needs samples to train on')
  const random = seededRandom(boosting.seed)
  const columns = Array.from({ length: width }, (_, column) => binColumn(samples, column))
  const everyColumn = columns.map((_, column) => column)
  const everyRow = samples.map((_, row) => row)
  const base = Math.fround(targets.reduce((sum, target) => sum + target, 0) / targets.length)
  const rest = targets.map((target) => target - base)
  const curvature = targets.map(() => 1)
  const trees: BoostedTrees['trees'][number][] = []
  for (let round = 0; round < boosting.rounds; round += 1) {
    const rows = random.shuffled(everyRow).slice(0, Math.ceil(boosting.rowShare * everyRow.length))
    const seen = random.shuffled(everyColumn).slice(0, Math.ceil(boosting.columnShare * width))
    const root = growTree(rows, seen, columns, rest, curvature, boosting)
    trees.push({ output: 0, root })
    for (const [row, sample] of samples.entries()) rest[row] = rest[row]! - treeValue(root, sample)
  }
  return { base: [base], trees }
}
