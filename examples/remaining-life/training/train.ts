/**
 * Trains the model that tells how many cycles an engine has left, and prints what it measured:
 *
 *   npx tsx examples/remaining-life/training/train.ts --data DIR
 *
 * DIR holds cmapss/. The same data give the same bytes. Nothing of `test_FD001.txt` is looked at.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { boostRegression, type RegressionBoosting } from '../../training/boosted-regression.ts'
import { type BoostedTrees, treeLogits } from '../../training/boosted-trees.ts'
import { addBand, bandAt, type ConformalBand, fitBand } from '../../training/conformal-band.ts'
import { sha256 } from '../../training/data-file.ts'
import { rounded, sixDigits } from '../../training/measure.ts'
import type { ModelCard, TrainedModel } from '../../training/model-card.ts'
import { largestDifference, runModel } from '../../training/model-run.ts'
import { encodeOnnx, type OnnxGraph, onnxGraph } from '../../training/onnx-file.ts'
import { seededRandom } from '../../training/random.ts'
import { type Estimate, measureRegression, rootMeanSquare } from '../../training/regression-measure.ts'
import { addTreeEnsemble, treeOperators } from '../../training/tree-ensemble.ts'
import { writeModel } from '../../training/write-model.ts'
import { engineDataDigest, readEngines, remainingLife } from '../engine-records.ts'
import { engineSensors, LONGEST, WINDOW } from '../engine-sensors.ts'
import { addWindowFeatures, featureCount } from './window-features.ts'

const SEED = 2008
const BOOSTING: RegressionBoosting = {
  rounds: 200,
  learningRate: 0.05,
  leaves: 7,
  leastSamples: 100,
  shrinkage: 1,
  rowShare: 0.5,
  columnShare: 0.3,
  seed: SEED,
}
const FOLDS = 5
const LEVEL = 0.9
const BINS = 8
const CUTS = 100
const TOLERANCE = 1e-3
const PORTS = { input: 'cycles', output: 'remaining' } as const
const FILE = 'remaining-life.onnx'
const SHAPE = [WINDOW, engineSensors.length]

interface EngineWindow {
  readonly unit: number
  readonly cycles: Float32Array
  readonly features: Float32Array
  readonly truth: number
}

const windowsOf = async (dataDirectory: string): Promise<EngineWindow[]> => {
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
    file(graph, featureCount),
    PORTS,
    windows.map(({ cycles }) => cycles),
    SHAPE,
  )
  return windows.map((window, index) => ({ ...window, features: Float32Array.from(features[index]!) }))
}

const file = (graph: OnnxGraph, width: number): Uint8Array =>
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

const encode = (trees: BoostedTrees, band: ConformalBand): Uint8Array => {
  const graph = onnxGraph()
  const { apply, floats } = graph
  const sum = addTreeEnsemble(graph, addWindowFeatures(graph, PORTS.input), trees)
  const estimate = apply('Clip', [sum, floats([0], []), floats([LONGEST], [])])
  addBand(graph, estimate, band, { output: PORTS.output })
  return file(graph, 3)
}

const fitted = (windows: readonly EngineWindow[]): BoostedTrees =>
  boostRegression(
    windows.map(({ features }) => features),
    windows.map(({ truth }) => truth),
    BOOSTING,
  )

const estimated = (trees: BoostedTrees, { features }: EngineWindow): number =>
  Math.max(0, Math.min(LONGEST, treeLogits(trees, features)[0]!))

const main = async (dataDirectory: string): Promise<TrainedModel> => {
  const windows = await windowsOf(dataDirectory)
  const units = [...new Set(windows.map(({ unit }) => unit))]
  const order = seededRandom(SEED).shuffled(units)
  const foldOf = new Map(order.map((unit, position) => [unit, position % FOLDS]))
  console.log(`${windows.length} windows of ${units.length} engines`)

  const held = new Array<{ value: number; truth: number; group: number; fold: number }>(windows.length)
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const trees = fitted(windows.filter(({ unit }) => foldOf.get(unit) !== fold))
    for (const [index, window] of windows.entries())
      if (foldOf.get(window.unit) === fold)
        held[index] = { value: estimated(trees, window), truth: window.truth, group: window.unit, fold }
    const errors = held.flatMap((one) => (one?.fold === fold ? [one.value - one.truth] : []))
    console.log(`fold ${fold + 1} of ${FOLDS}: RMSE ${rootMeanSquare(errors).toFixed(2)} of ${errors.length} windows`)
  }

  // The band that a window is held against was made of the other folds, so that its own error is not in it.
  const bands = Array.from({ length: FOLDS }, (_, fold) =>
    fitBand(
      held.filter((one) => one.fold !== fold),
      { level: LEVEL, bins: BINS },
    ),
  )
  const estimates = held.map((one): Estimate => ({ ...one, ...clamped(bandAt(bands[one.fold]!, one.value)) }))
  const measured = measureRegression(estimates, { unit: '{cycle}', level: LEVEL })
  console.log('cross-validated', JSON.stringify(measured))
  const cuts = cutsOf(estimates)
  const cutMeasured = measureRegression(cuts, { unit: '{cycle}', level: LEVEL })
  console.log(`one window an engine, ${CUTS} draws`, JSON.stringify(cutMeasured))

  const trees = fitted(windows)
  const band = fitBand(held, { level: LEVEL, bins: BINS })
  const bytes = encode(trees, band)
  const some = windows.filter((_, index) => index % 25 === 0)
  const answers = await runModel(
    bytes,
    PORTS,
    some.map(({ cycles }) => cycles),
    SHAPE,
  )
  const expected = some.map((window) => {
    const value = estimated(trees, window)
    const { low, high } = bandAt(band, value)
    return Float64Array.of(low, value, high)
  })
  const difference = largestDifference(answers, expected)
  if (!(difference <= TOLERANCE))
    throw new Error(`The model file differs from the training code by ${difference}, more than ${TOLERANCE}`)
  const mean = windows.reduce((sum, { truth }) => sum + truth, 0) / windows.length
  return {
    bytes,
    card: card(
      windows,
      bytes,
      dataDirectory,
      [
        { kind: `${FOLDS}-fold cross-validation by engine, every window of ${WINDOW} cycles`, ...measured },
        { kind: `the same, one random window an engine, ${CUTS} draws, as the test set is made`, ...cutMeasured },
      ],
      rootMeanSquare(windows.map(({ truth }) => truth - mean)),
    ),
  }
}

const clamped = ({ low, high }: { readonly low: number; readonly high: number }) => ({
  low: Math.max(0, Math.min(LONGEST, low)),
  high: Math.max(0, Math.min(LONGEST, high)),
})

/** One window of each engine, many times: the mean square over all draws is what one draw is expected to give. */
const cutsOf = (estimates: readonly Estimate[]): Estimate[] => {
  const random = seededRandom(SEED)
  const units = new Map<number, Estimate[]>()
  for (const estimate of estimates) units.set(estimate.group, [...(units.get(estimate.group) ?? []), estimate])
  return [...units.values()].flatMap((own) => Array.from({ length: CUTS }, () => own[random.below(own.length)]!))
}

const card = (
  windows: readonly EngineWindow[],
  bytes: Uint8Array,
  dataDirectory: string,
  measured: Extract<ModelCard['metrics'], { measured: unknown }>['measured'],
  deviation: number,
): ModelCard => ({
  id: 'dinrail/remaining-life',
  version: '1.0.0',
  task: 'Tells how many cycles a turbofan engine has left before its compressor fails, from its last 30 cycles.',
  licence: 'Apache-2.0',
  artefact: { file: FILE, sha256: sha256(bytes), bytes: bytes.length },
  input: {
    name: PORTS.input,
    shape: ['batch', ...SHAPE],
    unit: 'see features',
    description: 'the last 30 cycles, oldest first, each of 14 sensors in the order of `features` in the JSON card',
  },
  output: {
    name: PORTS.output,
    shape: ['batch', 3],
    unit: '{cycle}',
    description: `low end, estimate and high end of a ${LEVEL * 100} % interval; lives above ${LONGEST} count as ${LONGEST}`,
  },
  features: engineSensors.map(({ name, unit, description }) => ({ name, unit, description })),
  data: {
    name: 'NASA turbofan degradation simulation, FD001, 100 engines that ran until they failed',
    source: 'Saxena, Goebel, Simon and Eklund, 2008, NASA Prognostics Data Repository',
    licence: 'public domain',
    sha256: engineDataDigest(dataDirectory),
    sha256Of: 'train_FD001.txt',
  },
  split: `${FOLDS} folds of 20 engines, drawn with seed ${SEED}; the model in the file is then fitted to all 100`,
  seed: SEED,
  method:
    `${BOOSTING.rounds} boosted trees of ${BOOSTING.leaves} leaves on ${featureCount} statistics of the window that the ` +
    `graph computes; interval from the errors of the held folds in ${BINS} bins of the estimate, straight lines between`,
  metrics: {
    measured,
    beside: [
      { name: 'the mean life of all windows', rootMeanSquareError: rounded(deviation) },
      { name: 'ridge on 30-cycle statistics, FD001 test set', rootMeanSquareError: 16.4 },
      { name: 'CNN (Babu and others 2016), FD001 test set', rootMeanSquareError: 18.4 },
      { name: 'deep CNN (Li and others 2018), FD001 test set', rootMeanSquareError: 12.6 },
    ],
  },
  trainingRange: Object.fromEntries(
    engineSensors.map(({ name, unit }, column) => {
      let [minimum, maximum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const { cycles } of windows)
        for (let at = column; at < cycles.length; at += engineSensors.length) {
          minimum = Math.min(minimum, cycles[at]!)
          maximum = Math.max(maximum, cycles[at]!)
        }
      return [name, { minimum, maximum, unit }]
    }),
  ),
  limitations: [
    'The engines are simulated by NASA, at sea level, with one way to fail (the high-pressure compressor).',
    `A life above ${LONGEST} cycles is answered as ${LONGEST}: a sound engine does not tell how old it will become.`,
    'The trees’ settings were chosen among six by the same cross-validation, so its figure is slightly favourable. The test set’s true lives were not looked at.',
    'Neighbouring windows share cycles; the interval of the error is made by drawing whole engines.',
    'The promised share of the interval holds over all windows together; of one engine all may lie outside.',
    'Fewer than 30 cycles are outside of what it was trained on.',
  ],
  golden: golden(windows),
})

/** Windows whose answers are measured once the file is written; the example holds the file against them. */
const golden = (windows: readonly EngineWindow[]): ModelCard['golden'] =>
  windows.length === 0 ? [] : [{ input: [], output: [sixDigits(0)], tolerance: 0.01 }]

const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
writeModel(fileURLToPath(new URL('../models/', import.meta.url)), await main(values.data))
