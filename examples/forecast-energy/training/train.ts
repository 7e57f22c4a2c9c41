/**
 * Trains the model that forecasts what a plant uses in the next quarter of an hour, and prints what it measured:
 *
 *   npx tsx examples/forecast-energy/training/train.ts --data DIR
 *
 * DIR holds steel-energy/. The same data give the same bytes.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { boostRegression, type RegressionBoosting } from '../../training/boosted-regression.ts'
import { type BoostedTrees, treeLogits } from '../../training/boosted-trees.ts'
import { addBand, bandAt, type ConformalBand, fitBand } from '../../training/conformal-band.ts'
import { sixDigits } from '../../training/measure.ts'
import type { ModelCard } from '../../training/model-card.ts'
import { largestDifference, runModelOf } from '../../training/model-run.ts'
import { encodeOnnx, onnxGraph } from '../../training/onnx-file.ts'
import { type Estimate, measureRegression, rootMeanSquare } from '../../training/regression-measure.ts'
import { addTreeEnsemble, treeOperators } from '../../training/tree-ensemble.ts'
import { writeModel } from '../../training/write-model.ts'
import { DAY, type Forecast, forecastsOf, readQuarters, slicesOf } from '../load-records.ts'
import { forecastCard, PORTS } from './forecast-card.ts'
import { addLoadFeatures, calendarOf, loadFeatures } from './load-features.ts'
import { meanLoad } from './mean-load.ts'

const BOOSTING: RegressionBoosting = {
  rounds: 250,
  learningRate: 0.05,
  leaves: 10,
  leastSamples: 40,
  shrinkage: 1,
  rowShare: 0.6,
  columnShare: 0.5,
  seed: 851,
}
const LEVEL = 0.9
const BINS = 6
const TOLERANCE = 1e-3

const encode = (trees: BoostedTrees, band: ConformalBand): Uint8Array => {
  const graph = onnxGraph()
  const { apply, floats } = graph
  const sum = addTreeEnsemble(graph, addLoadFeatures(graph, PORTS.usage, PORTS.calendar), trees)
  addBand(graph, apply('Max', [sum, floats([0], [1])]), band, { output: PORTS.output })
  return encodeOnnx({
    name: 'energy-forecast',
    description: 'What a steel plant uses in the next quarter of an hour, from the day before it.',
    producer: { name: 'dinrail', version: '1.0.0' },
    operatorSets: { '': 17, ...treeOperators },
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [
      { name: PORTS.usage, dims: ['batch', DAY], description: 'kW.h of the last 96 quarters, oldest first' },
      {
        name: PORTS.calendar,
        dims: ['batch', 8],
        description: 'hour at the end of the quarter, then Monday to Sunday',
      },
    ],
    outputs: [{ name: PORTS.output, dims: ['batch', 3], description: 'low end, forecast and high end in kW.h' }],
    metadata: { id: 'dinrail/energy-forecast', version: '1.0.0', licence: 'Apache-2.0' },
  })
}

const forecast = (trees: BoostedTrees, one: Forecast): number => Math.max(0, treeLogits(trees, loadFeatures(one))[0]!)

const main = async (dataDirectory: string): Promise<void> => {
  const { train, calibration, heldOut } = slicesOf(forecastsOf(readQuarters(dataDirectory)))
  console.log(`quarters: ${train.length} train, ${calibration.length} calibration, ${heldOut.length} held out`)
  const trees = boostRegression(
    train.map(loadFeatures),
    train.map(({ next }) => next.usage),
    BOOSTING,
  )
  const held = (some: readonly Forecast[]) =>
    some.map((one) => ({ value: forecast(trees, one), truth: one.next.usage, group: one.day }))
  const band = fitBand(held(calibration), { level: LEVEL, bins: BINS })
  const measuredOf = (some: readonly Forecast[]) => {
    const estimates = held(some).map((one): Estimate => ({ ...one, ...bandAt(band, one.value) }))
    return measureRegression(estimates, { unit: 'kW.h', level: LEVEL })
  }
  const errorOf = (guess: (one: Forecast) => number) =>
    rootMeanSquare(heldOut.map((one) => guess(one) - one.next.usage))
  const persistence = errorOf(({ usage }) => usage.at(-1)!)
  const dayBefore = errorOf(({ usage }) => usage[0]!)
  const measured = [
    { kind: 'held out: the last 20 % of the record', ...measuredOf(heldOut) },
    { kind: 'calibration: the 10 % before, whose errors the interval is made of', ...measuredOf(calibration) },
  ]
  for (const one of measured) console.log(JSON.stringify(one))
  console.log(
    `held out, as the quarter before: RMSE ${persistence.toFixed(2)}; as the day before: ${dayBefore.toFixed(2)}`,
  )

  const bytes = encode(trees, band)
  const some = heldOut.filter((_, index) => index % 5 === 0)
  const answers = await runModelOf(
    bytes,
    { [PORTS.usage]: { samples: some.map(({ usage }) => usage) }, [PORTS.calendar]: { samples: some.map(calendarOf) } },
    PORTS.output,
  )
  const expected = some.map((one) => {
    const value = forecast(trees, one)
    const { low, high } = bandAt(band, value)
    return Float64Array.of(low, value, high)
  })
  const difference = largestDifference(answers, expected)
  if (!(difference <= TOLERANCE))
    throw new Error(`The model file differs from the training code by ${difference}, more than ${TOLERANCE}`)

  writeFileSync(besides('../load-profile.json'), `${JSON.stringify(meanLoad(train))}\n`)
  const card = forecastCard({
    dataDirectory,
    bytes,
    measured,
    persistence,
    dayBefore,
    train,
    calibration,
    heldOut,
    boosting: BOOSTING,
    golden: await golden(bytes),
  })
  writeModel(besides('../models/'), { bytes, card })
}

/** A day of one and the same load, then the first quarter of a Monday, the noon of one and its evening. */
const golden = async (bytes: Uint8Array): Promise<ModelCard['golden']> => {
  const inputs = [
    [4, 0.25],
    [60, 12],
    [100, 20],
  ] as const
  const answers = await runModelOf(
    bytes,
    {
      [PORTS.usage]: { samples: inputs.map(([usage]) => new Float32Array(DAY).fill(usage)) },
      [PORTS.calendar]: { samples: inputs.map(([, hour]) => Float32Array.of(hour, 1, 0, 0, 0, 0, 0, 0)) },
    },
    PORTS.output,
  )
  return inputs.map((input, index) => ({ input, output: [...answers[index]!].map(sixDigits), tolerance: 0.01 }))
}

const besides = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
await main(values.data)
