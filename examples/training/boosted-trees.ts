/** Gradient-boosted regression trees for several classes: second-order steps on the softmax's cross-entropy. */
import { softmax } from './network.ts'
import { seededRandom } from './random.ts'
import { binColumn, type Growth, growTree, type TreeNode, treeValue } from './regression-tree.ts'

export interface BoostedTrees {
  /** Logit of each class before any tree. */
  readonly base: readonly number[]
  /** Each tree adds to the logit of one class. */
  readonly trees: readonly { readonly output: number; readonly root: TreeNode }[]
}

export interface Boosting extends Growth {
  readonly classes: number
  readonly rounds: number
  /** Shares that each tree sees, drawn anew. */
  readonly rowShare: number
  readonly columnShare: number
  readonly seed: number
}

export const boostTrees = (
  samples: readonly Float32Array[],
  labels: readonly number[],
  boosting: Boosting,
): BoostedTrees => {
  const width = samples[0]?.length
  if (width === undefined) throw new TypeError('Boosting needs samples to train on')
  const random = seededRandom(boosting.seed)
  const columns = Array.from({ length: width }, (_, column) => binColumn(samples, column))
  const counts = Array.from({ length: boosting.classes }, (_, label) => labels.filter((own) => own === label).length)
  const base = counts.map((count) => Math.fround(Math.log((count + 1) / (labels.length + boosting.classes))))
  const logits = samples.map(() => Float64Array.from(base))
  const everyColumn = columns.map((_, column) => column)
  const everyRow = samples.map((_, row) => row)
  const trees: { output: number; root: TreeNode }[] = []
  for (let round = 0; round < boosting.rounds; round += 1) {
    const probabilities = logits.map((row) => softmax(row))
    const rows = random.shuffled(everyRow).slice(0, Math.ceil(boosting.rowShare * everyRow.length))
    for (let output = 0; output < boosting.classes; output += 1) {
      const gradient = probabilities.map((row, index) => (labels[index] === output ? 1 : 0) - row[output]!)
      const curvature = probabilities.map((row) => Math.max(1e-6, row[output]! * (1 - row[output]!)))
      const seen = random.shuffled(everyColumn).slice(0, Math.ceil(boosting.columnShare * width))
      const root = growTree(rows, seen, columns, gradient, curvature, boosting)
      trees.push({ output, root })
      logits.forEach((row, index) => {
        row[output] = row[output]! + treeValue(root, samples[index]!)
      })
    }
  }
  return { base, trees }
}

export const treeLogits = (model: BoostedTrees, sample: Float32Array): Float64Array => {
  const logits = Float64Array.from(model.base)
  for (const { output, root } of model.trees) logits[output] = logits[output]! + treeValue(root, sample)
  return logits
}
