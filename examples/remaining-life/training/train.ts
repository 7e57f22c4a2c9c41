/**
 * Trains the model that tells how many cycles an engine has left, and prints what it measured:
 *
 *   npx tsx examples/remaining-life/training/train.ts --data DIR
 *
 * DIR holds cmapss/. The same data give the same bytes. Nothing of `test_FD001.txt` is looked at.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { boostRegression, type RegressionBoosting } from '../../training/boosted-regression.ts'
import { type BoostedTrees, treeLogits } from '../../training/boosted-trees.ts'
import { addBand, bandAt, type ConformalBand, fitBand } from '../../training/conformal-band.ts'
import { sha256 } from '../../training/data-file.ts'
import { rounded, sixDigits } from '../../training/measure.ts'
import type { ModelCard, RegressionMetrics, TrainedModel } from '../../training/model-card.ts'
import { largestDifference, runModel } from '../../training/model-run.ts'
import { encodeOnnx, type OnnxGraph, onnxGraph } from '../../training/onnx-file.ts'
import { seededRandom } from '../../training/random.ts'
import { type Estimate, measureRegression, rootMeanSquare } from '../../training/regression-measure.ts'
import { addTreeEnsemble, treeOperators } from '../../training/tree-ensemble.ts'
import { writeModel } from '../../training/write-model.ts'
import { FOLDS, foldsOf, HELD_OUT, SEED } from '../engine-folds.ts'
import { engineDataDigest, readEngines, remainingLife } from '../engine-records.ts'
import { engineSensors, LONGEST, WINDOW } from '../engine-sensors.ts'
import { type EngineWear, wearAt } from '../simulated-engine.ts'
import { lifePicture } from './life-picture.ts'
import { meanWear } from './mean-wear.ts'
import { addWindowFeatures, featureCount } from './window-features.ts'

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
  const foldOf = foldsOf(windows.map(({ unit }) => unit))
  console.log(`${windows.length} windows of ${foldOf.size} engines`)

  const held: Held[] = []
  const models: BoostedTrees[] = []
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const trees = fitted(windows.filter(({ unit }) => foldOf.get(unit) !== fold))
    models.push(trees)
    const own = windows
      .filter(({ unit }) => foldOf.get(unit) === fold)
      .map((window) => ({ value: estimated(trees, window), truth: window.truth, group: window.unit, fold }))
    held.push(...own)
    const error = rootMeanSquare(own.map(({ value, truth }) => value - truth))
    console.log(`fold ${fold + 1} of ${FOLDS}: RMSE ${error.toFixed(2)} of ${own.length} windows`)
  }

  // The band that a window is held against was made of the other folds, so that its own error is not in it.
  const bands = models.map((_, fold) =>
    fitBand(
      held.filter((one) => one.fold !== fold),
      { level: LEVEL, bins: BINS },
    ),
  )
  const estimates = held.map((one) => ({ ...one, ...clamped(bandAt(bands[one.fold]!, one.value)) }))
  const measuredOf = (some: readonly Estimate[]) => measureRegression(some, { unit: '{cycle}', level: LEVEL })
  const measured = [
    {
      kind: `held-out engines, every window of ${WINDOW} cycles`,
      ...measuredOf(estimates.filter(({ fold }) => fold === HELD_OUT)),
    },
    { kind: `${FOLDS}-fold cross-validation by engine, every window`, ...measuredOf(estimates) },
    {
      kind: `the same, one random window an engine as in the test set, ${CUTS} draws`,
      ...measuredOf(cutsOf(estimates)),
    },
  ]
  for (const one of measured) console.log(JSON.stringify(one))

  const trees = models[HELD_OUT]!
  const band = bands[HELD_OUT]!
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

  writeFileSync(besides('../../../docs/remaining-life.svg'), lifePicture(pictured(estimates)))
  const train = windows.filter(({ unit }) => foldOf.get(unit) !== HELD_OUT)
  const wear = meanWear(train)
  writeFileSync(besides('../engine-wear.json'), `${JSON.stringify(wear)}\n`)
  const mean = train.reduce((sum, { truth }) => sum + truth, 0) / train.length
  const deviation = rootMeanSquare(train.map(({ truth }) => truth - mean))
  return { bytes, card: await cardOf({ train, held, bytes, dataDirectory, measured, deviation, wear }) }
}

/** The best, the median and the worst engine, so that nobody sees a chosen one alone. */
const pictured = (estimates: readonly Estimate[]) => {
  const errors = byEngine(estimates)
    .map((life) => ({ life, error: rootMeanSquare(life.map(({ value, truth }) => value - truth)) }))
    .sort((a, b) => a.error - b.error)
  return [0, Math.floor(errors.length / 2), errors.length - 1].map((place) => {
    const { life, error } = errors[place]!
    return { title: `engine ${life[0]!.group}, RMSE ${error.toFixed(1)}`, life }
  })
}

interface Held {
  readonly value: number
  readonly truth: number
  readonly group: number
  readonly fold: number
}

const clamped = ({ low, high }: { readonly low: number; readonly high: number }) => ({
  low: Math.max(0, Math.min(LONGEST, low)),
  high: Math.max(0, Math.min(LONGEST, high)),
})

const byEngine = (estimates: readonly Estimate[]): Estimate[][] => {
  const engines = new Map<number, Estimate[]>()
  for (const estimate of estimates) {
    const own = engines.get(estimate.group) ?? []
    engines.set(estimate.group, own)
    own.push(estimate)
  }
  return [...engines.values()]
}

/** One window of each engine, many times: the mean square over all draws is what one draw is expected to give. */
const cutsOf = (estimates: readonly Estimate[]): Estimate[] => {
  const random = seededRandom(SEED)
  return byEngine(estimates).flatMap((own) => Array.from({ length: CUTS }, () => own[random.below(own.length)]!))
}

interface Known {
  readonly train: readonly EngineWindow[]
  readonly held: readonly Held[]
  readonly bytes: Uint8Array
  readonly dataDirectory: string
  readonly measured: RegressionMetrics['measured']
  readonly deviation: number
  readonly wear: EngineWear
}

const cardOf = async ({ train, held, bytes, dataDirectory, measured, deviation, wear }: Known): Promise<ModelCard> => ({
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
  split: `${FOLDS} folds of 20 engines, drawn with seed ${SEED}; the last is held out, the interval is calibrated on the others’ held-out answers`,
  slices: { train: train.length, calibration: train.length, heldOut: held.length - train.length },
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
      for (const { cycles } of train)
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
    'The trees’ settings were set after two others of another library had been cross-validated on the same engines (13.1 both), so the figures are slightly favourable. The test set’s true lives were not looked at.',
    'Neighbouring windows share cycles; the interval of the error is made by drawing whole engines.',
    'The promised share of the interval holds over all windows together; of one engine all may lie outside.',
    'Fewer than 30 cycles are outside of what it was trained on.',
  ],
  golden: await golden(bytes, wear),
})

/** A mean engine standing still at three moments of its life, repeated to fill the window. */
const golden = async (bytes: Uint8Array, wear: EngineWear): Promise<ModelCard['golden']> => {
  const inputs = [0, 40, 125].map((life) => wearAt(wear, life).map(sixDigits))
  const windows = inputs.map((cycle) => Float32Array.from(Array.from({ length: WINDOW }, () => cycle).flat()))
  const answers = await runModel(bytes, PORTS, windows, SHAPE)
  return inputs.map((input, index) => ({ input, output: [...answers[index]!].map(sixDigits), tolerance: 0.01 }))
}

const besides = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
writeModel(besides('../models/'), await main(values.data))
