import type { BoostedTrees } from './boosted-trees.ts'
import type { OnnxGraph } from './onnx-file.ts'
import type { TreeNode } from './regression-tree.ts'

/** Operator set of the classical models, and the version of it whose trees the runtimes read. */
export const treeOperators = { 'ai.onnx.ml': 3 } as const

/** Adds boosted trees over features [batch, width]; returns the name of their sums [batch, outputs]. */
export const addTreeEnsemble = (graph: OnnxGraph, features: string, model: BoostedTrees): string => {
  const nodes: { tree: number; id: number; feature: number; value: number; leaf: boolean; yes: number; no: number }[] =
    []
  const leaves: { tree: number; id: number; output: number; weight: number }[] = []
  model.trees.forEach(({ output, root }, tree) => {
    let count = 0
    const add = (node: TreeNode): number => {
      const id = count
      count += 1
      const own = { tree, id, feature: 0, value: 0, leaf: node.kind === 'leaf', yes: 0, no: 0 }
      nodes.push(own)
      if (node.kind === 'leaf') leaves.push({ tree, id, output, weight: node.value })
      else {
        own.feature = node.feature
        own.value = node.threshold
        own.yes = add(node.left)
        own.no = add(node.right)
      }
      return id
    }
    add(root)
  })
  const integers = (value: readonly number[]) => ({ kind: 'integers', value }) as const
  const numbers = (value: readonly number[]) => ({ kind: 'floats', value }) as const
  return graph.apply('TreeEnsembleRegressor', [features], {
    domain: Object.keys(treeOperators)[0]!,
    attributes: {
      n_targets: { kind: 'integer', value: model.base.length },
      base_values: numbers(model.base),
      nodes_treeids: integers(nodes.map(({ tree }) => tree)),
      nodes_nodeids: integers(nodes.map(({ id }) => id)),
      nodes_featureids: integers(nodes.map(({ feature }) => feature)),
      nodes_values: numbers(nodes.map(({ value }) => value)),
      nodes_modes: { kind: 'texts', value: nodes.map(({ leaf }) => (leaf ? 'LEAF' : 'BRANCH_LEQ')) },
      nodes_truenodeids: integers(nodes.map(({ yes }) => yes)),
      nodes_falsenodeids: integers(nodes.map(({ no }) => no)),
      target_treeids: integers(leaves.map(({ tree }) => tree)),
      target_nodeids: integers(leaves.map(({ id }) => id)),
      target_ids: integers(leaves.map(({ output }) => output)),
      target_weights: numbers(leaves.map(({ weight }) => weight)),
    },
  })
}
