/**
 * Forecasts what a steel plant uses in the next quarter of an hour, with an interval, and warns before a peak.
 *
 *   npx tsx examples/forecast-energy/start.ts              a simulated plant, which it says
 *   npx tsx examples/forecast-energy/start.ts --data DIR   the two months of a real one that the network has never seen
 *
 * Exits with 1 where the forecasts are worse than the model card promises, or no better than the quarter before.
 */
import assert from 'node:assert/strict'
import { invoke, isFault, sample, tensor } from '@dinrail/core'
import { dataFolder } from '../example-options.ts'
import { type Estimate, measureRegression, rootMeanSquare } from '../training/regression-measure.ts'
import { forecastModel } from './forecast-model.ts'
import { type Forecast, forecastsOf, readQuarters, slicesOf } from './load-records.ts'
import { simulateQuarters } from './simulated-plant.ts'

const PROMISED = 10.6
/** A quarter of an hour at 400 kW: what the plant of this example has agreed with its grid. */
const PEAK = 100
const data = dataFolder('steel-energy')
const plant = await forecastModel()

const ask = ({ usage, next: { hour, weekday } }: Forecast) =>
  invoke(plant, { usage: tensor(usage), hour, weekday }, { deadlineMs: 1_000 })

async function follow(forecasts: readonly Forecast[]): Promise<Estimate[]> {
  const estimates: Estimate[] = []
  for (const one of forecasts) {
    const { output } = await ask(one)
    estimates.push({ ...output.usage, truth: one.next.usage, group: one.day })
  }
  return estimates
}

function report(what: string, forecasts: readonly Forecast[], estimates: readonly Estimate[]) {
  const { n, rootMeanSquareError, errorInterval, interval } = measureRegression(estimates, { unit: 'kW.h', level: 0.9 })
  const before = rootMeanSquare(forecasts.map(({ usage, next }) => usage.at(-1)! - next.usage))
  const dayBefore = rootMeanSquare(forecasts.map(({ usage, next }) => usage[0]! - next.usage))
  console.log(`${what}: RMSE ${rootMeanSquareError.toFixed(2)} kWh over ${n} quarters`)
  console.log(`  95 % interval of it ${errorInterval.join(' to ')}, drawing whole days`)
  console.log(`  as in the quarter before: ${before.toFixed(2)}; as on the day before: ${dayBefore.toFixed(2)}`)
  console.log(
    `  90 % intervals of ${interval.meanWidth.toFixed(1)} kWh on average held ${(100 * interval.coverage).toFixed(1)} % of the truths`,
  )
  const near = estimates.filter(({ high }) => high > PEAK)
  const peaks = estimates.filter(({ truth }) => truth > PEAK)
  const warned = peaks.filter(({ high }) => high > PEAK)
  console.log(
    `  peaks above ${PEAK} kWh: ${warned.length} of ${peaks.length} were warned of, in ${near.length} warnings`,
  )
  assert(rootMeanSquareError < before, 'the forecast is no better than the quarter before')
  return { rootMeanSquareError, coverage: interval.coverage }
}

if (data === undefined) {
  console.log('a simulated plant: the mean day of the recorded one and its scatter; no meter stands behind it')
  const forecasts = forecastsOf(simulateQuarters({ seed: 3, days: 15 }))
  report('simulated', forecasts, await follow(forecasts))

  const [quiet] = forecasts
  const { output, confidence } = await ask(quiet!)
  const { low, value, high } = output.usage
  console.log(
    `${quiet!.next.weekday}, ${quiet!.next.hour} h: ${value.toFixed(1)} kWh, between ${low.toFixed(1)} and ${high.toFixed(1)} with ${confidence}`,
  )
  // The same hour said in minutes is the same question; a day with a hole in it is none.
  const { usage, next } = quiet!
  const inMinutes = await invoke(
    plant,
    { usage: tensor(usage), hour: sample(next.hour * 60, 'min'), weekday: next.weekday },
    { deadlineMs: 1_000 },
  )
  assert.deepEqual(inMinutes.output, output)
  const holed = usage.map((one, index) => (index === 40 ? Number.NaN : one))
  const refusal = await ask({ ...quiet!, usage: holed }).then(
    () => assert.fail('a day with a hole was answered'),
    (problem: unknown) => problem,
  )
  assert(isFault(refusal) && refusal.code === 'invalid-input')
  console.log(`a day with a hole: ${refusal.code}, ${refusal.message}`)
} else {
  const { heldOut } = slicesOf(forecastsOf(readQuarters(data)))
  const { rootMeanSquareError, coverage } = report('two months never seen', heldOut, await follow(heldOut))
  console.log('  a random forest that reads reactive power and CO₂ of the same quarter reaches 7.33: no forecast')
  assert(rootMeanSquareError <= PROMISED, `the RMSE ${rootMeanSquareError} is above ${PROMISED}`)
  assert(coverage >= 0.85, `the intervals held ${coverage} of the truths, 0.9 are promised`)
}
await plant.dispose()
