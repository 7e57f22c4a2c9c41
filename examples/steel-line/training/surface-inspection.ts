/** Trains the model that tells from the measures of a region which defect a steel strip has. */

import { type BoostedTrees, type Boosting, boostTrees, treeLogits } from '../../training/boosted-trees.ts'
import { type DataSlice, sha256 } from '../../training/data-file.ts'
import { fitTemperature, measure, rounded, sixDigits } from '../../training/measure.ts'
import type { TrainedModel } from '../../training/model-card.ts'
import { largestDifference, runModel } from '../../training/model-run.ts'
import { softmax } from '../../training/network.ts'
import { encodeOnnx, onnxGraph } from '../../training/onnx-file.ts'
import { seededRandom } from '../../training/random.ts'
import { addTreeEnsemble, treeOperators } from '../../training/tree-ensemble.ts'
import { drawDefect, type StripDistributions, simulateStrip } from '../simulator/strips.ts'
import { readStrips, stripDataDigest, stripDefects, stripFeatures, stripSplit, stripVector } from './steel-plates.ts'
import { addStripFeatures, deriveStripFeatures } from './strip-features.ts'

const SEED = 7
/** Chosen by cross-validation on the train and calibration slices alone. */
const BOOSTING: Boosting = {
  classes: stripDefects.length,
  rounds: 50,
  learningRate: 0.12,
  leaves: 6,
  leastSamples: 5,
  shrinkage: 1,
  rowShare: 0.8,
  columnShare: 0.4,
  seed: SEED,
}
const FOLDS = 5
const SIMULATED_STRIPS = 2000
const TOLERANCE = 1e-4
const PORTS = { input: 'features', output: 'probabilities' } as const
const FILE = 'surface-inspection.onnx'

export const trainSurfaceInspection = async (
  dataDirectory: string,
  distributions: StripDistributions,
  progress: (line: string) => void,
): Promise<TrainedModel> => {
  const prepare = (slice: DataSlice): Prepared[] =>
    readStrips(dataDirectory, slice).map(({ features, label }) => prepared(features, label))
  const train = prepare('train')
  const calibration = prepare('calibration')
  const heldOut = prepare('held-out')
  progress(`strips: ${train.length} train, ${calibration.length} calibration, ${heldOut.length} held out`)

  const uncalibrated = boosted(train)
  const temperature = rounded(
    fitTemperature(
      calibration.map(({ widened }) => treeLogits(uncalibrated, widened)),
      labelsOf(calibration),
      [0.5, 5],
    ),
  )
  // Once the temperature is known, the calibration slice is worth more as training data.
  const trees = boosted([...train, ...calibration])
  const bytes = encode(trees, temperature)

  const answers = await runModel(
    bytes,
    PORTS,
    heldOut.map(({ raw }) => raw),
  )
  const expected = heldOut.map(({ widened }) => softmax(treeLogits(trees, widened), temperature))
  const difference = largestDifference(answers, expected)
  if (!(difference <= TOLERANCE))
    throw new Error(`The model file differs from the training code by ${difference}, more than ${TOLERANCE}`)
  const heldOutMeasurement = measure(answers, labelsOf(heldOut), stripDefects)
  progress(`held out: ${heldOutMeasurement.accuracy} of ${heldOutMeasurement.n}`)

  const accuracies = crossValidate([...train, ...calibration, ...heldOut])
  progress(`${FOLDS}-fold cross-validation: ${accuracies.join(', ')}`)

  const random = seededRandom(SEED)
  const simulated = Array.from({ length: SIMULATED_STRIPS }, (_, seed) => {
    const defect = drawDefect(random.uniform(), distributions)
    return prepared(simulateStrip({ defect, seed, distributions }), defect)
  })
  const simulatedAnswers = await runModel(
    bytes,
    PORTS,
    simulated.map(({ raw }) => raw),
  )
  const simulatedMeasurement = measure(simulatedAnswers, labelsOf(simulated), stripDefects)
  progress(`simulated: ${simulatedMeasurement.accuracy} of ${simulatedMeasurement.n}`)

  const goldenOptions = (['z-scratch', 'k-scratch', 'bumps'] as const).map((defect, seed) => ({
    defect,
    seed: 900_001 + seed,
  }))
  const goldenStrips = goldenOptions.map((options) => stripVector(simulateStrip({ ...options, distributions })))
  const goldenAnswers = await runModel(bytes, PORTS, goldenStrips)

  const card: TrainedModel['card'] = {
    id: 'dinrail/surface-inspection',
    version: '1.0.0',
    task: 'Tells from the geometry and brightness of a region which surface defect a steel strip has.',
    licence: 'Apache-2.0',
    artefact: { file: FILE, sha256: sha256(bytes), bytes: bytes.length },
    input: {
      name: PORTS.input,
      shape: ['batch', stripFeatures.length],
      unit: 'see features',
      description: 'raw measures of one region, in the order of `features` in the JSON card',
    },
    output: {
      name: PORTS.output,
      shape: ['batch', stripDefects.length],
      unit: '1',
      description: 'calibrated probability of each label',
    },
    labels: stripDefects,
    features: stripFeatures.map(({ name, unit, description }) => ({ name, unit, description })),
    data: {
      name: 'Steel Plates Faults, 1,455 of its 1,941 rows',
      source: 'Semeion, Research Center of Sciences of Communication; UCI Machine Learning Repository 198',
      licence: 'CC BY 4.0',
      sha256: stripDataDigest(dataDirectory),
      sha256Of: 'SteelPlatesFaults.csv',
    },
    split: stripSplit,
    slices: { train: train.length, calibration: calibration.length, heldOut: heldOut.length },
    seed: SEED,
    method:
      `boosted trees, ${BOOSTING.rounds} rounds of one tree of ${BOOSTING.leaves} leaves ` +
      'for each label, on the 27 measures and 9 that the graph derives from them; temperature from a fit on the train ' +
      'slice, measured on the calibration slice; then fitted again on both',
    temperature,
    metrics: {
      heldOut: heldOutMeasurement,
      validation: {
        kind: `${FOLDS}-fold cross-validation over all rows`,
        accuracies,
        mean: rounded(accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length),
      },
      simulated: simulatedMeasurement,
    },
    trainingRange: Object.fromEntries(
      stripFeatures.map(({ name, unit }, column) => {
        const values = [...train, ...calibration].map(({ raw }) => raw[column]!)
        return [name, { minimum: nineDigits(Math.min(...values)), maximum: nineDigits(Math.max(...values)), unit }]
      }),
    ),
    limitations: [
      'Rows are split at random. Regions of one coil can fall on both sides, so a new coil can be harder than the held-out figure says.',
      'The label other is a rest class; most errors lie between it, bumps and pastry.',
      'An earlier split of the same rows held out a slice on which two larger models scored 0.745 and 0.748 of 294; this split was drawn once after that and the settings were chosen by cross-validation alone. The cross-validated mean is the better estimate.',
      'Dirtiness and stains are rare (41 and 54 rows); their recalls rest on about ten held-out strips each.',
      'There is no label for a sound surface: the model names a defect for whatever region it is given.',
      'Positions along the strip and the conveyor are raw values of one line; another camera or line needs its own training.',
      'Values outside the training range fall into the outermost branches of the trees; the answer does not warn of it.',
    ],
    golden: goldenOptions.map((options, index) => ({
      simulated: options,
      input: [...goldenStrips[index]!].map(nineDigits),
      output: [...goldenAnswers[index]!].map(sixDigits),
      tolerance: 1e-4,
    })),
  }
  return { bytes, card }
}

interface Prepared {
  readonly raw: Float32Array
  readonly widened: Float32Array
  readonly label: number
}

const prepared = (features: Readonly<Record<string, number>>, label: string): Prepared => {
  const raw = stripVector(features)
  return { raw, widened: deriveStripFeatures(raw), label: (stripDefects as readonly string[]).indexOf(label) }
}

const labelsOf = (samples: readonly Prepared[]): number[] => samples.map(({ label }) => label)

const boosted = (samples: readonly Prepared[]): BoostedTrees =>
  boostTrees(
    samples.map(({ widened }) => widened),
    labelsOf(samples),
    BOOSTING,
  )

/** Accuracy in each of the folds, which are stratified by defect. */
const crossValidate = (samples: readonly Prepared[]): number[] => {
  const random = seededRandom(SEED)
  const fold = new Int32Array(samples.length)
  stripDefects.forEach((_, label) => {
    const own = random.shuffled(samples.flatMap((sample, index) => (sample.label === label ? [index] : [])))
    own.forEach((index, position) => {
      fold[index] = position % FOLDS
    })
  })
  return Array.from({ length: FOLDS }, (_, left) => {
    const trees = boosted(samples.filter((_, index) => fold[index] !== left))
    const tested = samples.filter((_, index) => fold[index] === left)
    return measure(
      tested.map(({ widened }) => softmax(treeLogits(trees, widened))),
      labelsOf(tested),
      stripDefects,
    ).accuracy
  })
}

const encode = (model: BoostedTrees, temperature: number): Uint8Array => {
  const graph = onnxGraph()
  const { apply, floats } = graph
  const widened = addStripFeatures(graph, PORTS.input)
  const logits = addTreeEnsemble(graph, widened, model)
  const tempered = apply('Div', [logits, floats([temperature], [1])])
  apply('Softmax', [tempered], { attributes: { axis: { kind: 'integer', value: 1 } }, output: PORTS.output })
  return encodeOnnx({
    name: 'surface-inspection',
    description: 'Which defect a region of a steel strip shows, from its geometry and brightness.',
    producer: { name: 'dinrail', version: '1.0.0' },
    operatorSets: { '': 17, ...treeOperators },
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [{ name: PORTS.input, dims: ['batch', stripFeatures.length], description: 'raw measures of one region' }],
    outputs: [{ name: PORTS.output, dims: ['batch', stripDefects.length], description: stripDefects.join(', ') }],
    metadata: {
      id: 'dinrail/surface-inspection',
      version: '1.0.0',
      licence: 'Apache-2.0',
      labels: JSON.stringify(stripDefects),
      'input.features.names': JSON.stringify(stripFeatures.map(({ name }) => name)),
      'input.features.units': JSON.stringify(stripFeatures.map(({ unit }) => unit)),
    },
  })
}

/** Nine digits give a float32 back exactly. */
const nineDigits = (value: number): number => Number(value.toPrecision(9))
