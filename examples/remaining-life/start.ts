/**
 * Follows engines cycle by cycle and says how many they have left, with an interval.
 *
 *   npx tsx examples/remaining-life/start.ts              a simulated engine, which it says
 *   npx tsx examples/remaining-life/start.ts --data DIR   the 20 engines of NASA's FD001 that the network has never seen
 *
 * Exits with 1 where the answers are worse than the model card promises.
 */
import assert from 'node:assert/strict'
import { invoke, type Reply, sample } from '@dinrail/core'
import { dataFolder } from '../example-options.ts'
import { type Estimate, measureRegression } from '../training/regression-measure.ts'
import { foldsOf, HELD_OUT } from './engine-folds.ts'
import { type EngineRecord, readEngines, readTestLives, remainingLife } from './engine-records.ts'
import { type EngineCycle, WINDOW } from './engine-sensors.ts'
import { lifeModel } from './life-model.ts'
import card from './models/remaining-life.card.json' with { type: 'json' }
import { simulateEngine } from './simulated-engine.ts'

const PROMISED = 16.4
const data = dataFolder('cmapss')
const life = await lifeModel()

type Answer = Reply<{ remaining: { low: number; value: number; high: number; level: number } }>

/** Answers to all cycles of an engine from the first full window on. A session is the engine's own memory. */
async function follow({ cycles }: { readonly cycles: readonly EngineCycle[] }): Promise<Answer[]> {
  const session = life.openSession()
  const answers: Answer[] = []
  for (const cycle of cycles) answers.push(await invoke(session, cycle, { deadlineMs: 1_000 }))
  await session.dispose?.()
  return answers.slice(WINDOW - 1)
}

const estimatesOf = (engine: EngineRecord, answers: readonly Answer[]): Estimate[] =>
  answers.map(({ output: { remaining } }, index) => ({
    ...remaining,
    truth: remainingLife(engine, WINDOW - 1 + index),
    group: engine.unit,
  }))

function report(what: string, estimates: readonly Estimate[]): void {
  const { n, rootMeanSquareError, errorInterval, interval } = measureRegression(estimates, {
    unit: '{cycle}',
    level: 0.9,
  })
  console.log(`${what}: RMSE ${rootMeanSquareError.toFixed(2)} cycles over ${n} answers`)
  console.log(`  95 % interval of it ${errorInterval.join(' to ')}, drawing whole engines`)
  console.log(
    `  90 % intervals of ${interval.meanWidth.toFixed(1)} cycles on average held ${(100 * interval.coverage).toFixed(1)} % of the truths`,
  )
  assert(rootMeanSquareError <= PROMISED, `the RMSE ${rootMeanSquareError} is above ${PROMISED}`)
  assert(interval.coverage >= 0.85, `the intervals held ${interval.coverage} of the truths, 0.9 are promised`)
}

if (data === undefined) {
  console.log(
    'simulated engines: the mean wear of the training engines and their scatter; no machine stands behind them',
  )
  const engines = Array.from({ length: 10 }, (_, unit) => ({
    unit,
    cycles: simulateEngine({ seed: unit + 1, cycles: 160 + 10 * unit }),
  }))
  const followed: Answer[][] = []
  for (const engine of engines) followed.push(await follow(engine))
  const [engine, answers] = [engines[4]!, followed[4]!]
  for (const [index, { output, quality }] of answers.entries())
    if (index % 20 === 0 || index === answers.length - 1) {
      const { low, value, high } = output.remaining
      const truth = remainingLife(engine, WINDOW - 1 + index)
      console.log(
        `cycle ${String(index + WINDOW).padStart(3)}: ${value.toFixed(0)} left (${low.toFixed(0)} to ${high.toFixed(0)}), truth ${truth}, ${quality}`,
      )
    }
  report(
    `${engines.length} simulated engines`,
    engines.flatMap((one, index) => estimatesOf(one, followed[index]!)),
  )

  // Any unit of temperature will do, and what the network has not learnt is never a good answer.
  const [sound] = engine.cycles
  const session = life.openSession()
  const stated = { ...sound!, turbineOutlet: sample(sound!.turbineOutlet - 273.15, 'Cel') }
  const first = await invoke(session, stated, { deadlineMs: 1_000 })
  assert.equal(first.quality, 'uncertain', 'a window that is not full is no good answer')
  const hot = await invoke(session, { ...sound!, turbineOutlet: 900 }, { deadlineMs: 1_000 })
  assert(hot.warnings.some(({ code }) => code === 'outside-training-limits'))
  console.log(`a turbine outlet of 900 K: ${hot.quality}, ${hot.warnings[0]?.message}`)
} else {
  const engines = readEngines(data, 'train')
  const folds = foldsOf(engines.flatMap(({ unit, cycles }) => cycles.slice(WINDOW - 1).map(() => unit)))
  const heldOut = engines.filter(({ unit }) => folds.get(unit) === HELD_OUT)
  const all: Estimate[] = []
  let uncertain = 0
  for (const engine of heldOut) {
    const answers = await follow(engine)
    uncertain += answers.filter(({ quality }) => quality !== 'good').length
    all.push(...estimatesOf(engine, answers))
  }
  report(`${heldOut.length} engines that the network has never seen`, all)
  console.log(
    `  ${uncertain} answers were uncertain, since a sensor was outside of the training limits within their windows`,
  )

  const [, crossValidated] = card.metrics.measured
  console.log(
    `  the card says of all 100, each answered without it: ${crossValidated!.rootMeanSquareError.toFixed(2)} (${crossValidated!.errorInterval.join(' to ')})`,
  )
  assert(crossValidated!.rootMeanSquareError <= PROMISED)

  const lives = readTestLives(data)
  if (lives === undefined) console.log('no RUL_FD001.txt beside the test engines, so they are not measured')
  else {
    const last: Estimate[] = []
    for (const [index, engine] of readEngines(data, 'test').entries()) {
      const { remaining } = (await follow(engine)).at(-1)!.output
      last.push({ ...remaining, truth: lives[index]!, group: engine.unit })
    }
    report('the test set, last cycle of each engine', last)
  }
}
await life.dispose()
