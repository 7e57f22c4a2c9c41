import { boostRegression, type RegressionBoosting } from '../../training/boosted-regression.ts'
import { type BoostedTrees, treeLogits } from '../../training/boosted-trees.ts'
import { addBand, type ConformalBand } from '../../training/conformal-band.ts'
import { runModel } from '../../training/model-run.ts'
import { encodeOnnx, type OnnxGraph, onnxGraph } from '../../training/onnx-file.ts'
import { addTreeEnsemble, treeOperators } from '../../training/tree-ensemble.ts'
import { SEED } from '../engine-folds.ts'
import { readEngines, remainingLife } from '../engine-records.ts'
import { engineSensors, LONGEST, WINDOW } from '../engine-sensors.ts'
import { addWindowFeatures, featureCount } from './window-features.ts'

/** Set once; see the card for what was tried before. */
export const BOOSTING: RegressionBoosting = {
  rounds: 200,
  learningRate: 0.05,
  leaves: 7,
  leastSamples: 100,
  shrinkage: 1,
  rowShare: 0.5,
  columnShare: 0.3,
  seed: SEED,
}
export const PORTS = { input: 'cycles', output: 'remaining' } as const
export const SHAPE = [WINDOW, engineSensors.length]

/** The last cycles of an engine at one moment, and what it had left. */
export interface EngineWindow {
  readonly unit: number
  readonly cycles: Float32Array
  readonly features: Float32Array
  readonly truth: number
}

export const windowsOf = async (dataDirectory: string): Promise<EngineWindow[]> => {
  const windows = readEngines(dataDirectory, 'train').flatMap((engine) => {
    const rows = engine.cycles.map((cycle) => engineSensors.map(({ name }) => cycle[name]))
    return rows.slice(WINDOW - 1).map((_, start) => ({
      unit: engine.unit,
      cycles: Float32Array.from(rows.slice(start, start + WINDOW).flat()),
      truth: remainingLife(engine, start + WINDOW - 1),
    }))
  })
  const graph = onnxGraph()
  graph.apply('Identity', [addWindowFeatures(graph, PORTS.input)], { output: PORTS.output })
  const features = await runModel(
    fileOf(graph, featureCount),
    PORTS,
    windows.map(({ cycles }) => cycles),
    SHAPE,
  )
  return windows.map((window, index) => ({ ...window, features: Float32Array.from(features[index]!) }))
}

const fileOf = (graph: OnnxGraph, width: number): Uint8Array =>
  encodeOnnx({
    name: 'remaining-life',
    description: 'How many cycles a turbofan engine has left, from its last 30.',
    producer: { name: 'dinrail', version: '1.0.0' },
    operatorSets: { '': 17, ...treeOperators },
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [{ name: PORTS.input, dims: ['batch', ...SHAPE], description: 'the last 30 cycles, oldest first' }],
    outputs: [{ name: PORTS.output, dims: ['batch', width], description: 'low end, estimate and high end' }],
    metadata: { id: 'dinrail/remaining-life', version: '1.0.0', licence: 'Apache-2.0' },
  })

/** The file of the trees: features, trees and interval in one graph. */
export const encode = (trees: BoostedTrees, band: ConformalBand): Uint8Array => {
  const graph = onnxGraph()
  const { apply, floats } = graph
  const sum = addTreeEnsemble(graph, addWindowFeatures(graph, PORTS.input), trees)
  const estimate = apply('Clip', [sum, floats([0], []), floats([LONGEST], [])])
  addBand(graph, estimate, band, { output: PORTS.output })
  return fileOf(graph, 3)
}

export const fitted = (windows: readonly EngineWindow[]): BoostedTrees =>
  boostRegression(
    windows.map(({ features }) => features),
    windows.map(({ truth }) => truth),
    BOOSTING,
  )

export const estimated = (trees: BoostedTrees, { features }: EngineWindow): number =>
  Math.max(0, Math.min(LONGEST, treeLogits(trees, features)[0]!))
