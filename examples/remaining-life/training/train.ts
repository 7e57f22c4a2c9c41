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
import type { BoostedTrees } from '../../training/boosted-trees.ts'
import { bandAt, fitBand } from '../../training/conformal-band.ts'
import type { TrainedModel } from '../../training/model-card.ts'
import { largestDifference, runModel } from '../../training/model-run.ts'
import { seededRandom } from '../../training/random.ts'
import { type Estimate, measureRegression, rootMeanSquare } from '../../training/regression-measure.ts'
import { writeModel } from '../../training/write-model.ts'
import { FOLDS, foldsOf, HELD_OUT, SEED } from '../engine-folds.ts'
import { LONGEST, WINDOW } from '../engine-sensors.ts'
import { cardOf } from './life-card.ts'
import { encode, estimated, fitted, PORTS, SHAPE, windowsOf } from './life-network.ts'
import { lifePicture } from './life-picture.ts'
import { meanWear } from './mean-wear.ts'

const LEVEL = 0.9
const BINS = 8
const CUTS = 100
const TOLERANCE = 1e-3
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
  return {
    bytes,
    card: await cardOf({
      train,
      heldOut: held.length - train.length,
      level: LEVEL,
      bins: BINS,
      bytes,
      dataDirectory,
      measured,
      deviation,
      wear,
    }),
  }
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

const besides = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
writeModel(besides('../models/'), await main(values.data))
