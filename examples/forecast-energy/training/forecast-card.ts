import type { RegressionBoosting } from '../../training/boosted-regression.ts'
import { sha256 } from '../../training/data-file.ts'
import { rounded } from '../../training/measure.ts'
import type { ModelCard, RegressionMetrics } from '../../training/model-card.ts'
import { DAY, type Forecast, loadDataDigest } from '../load-records.ts'

export const PORTS = { usage: 'usage', calendar: 'calendar', output: 'forecast' } as const

interface Known {
  readonly dataDirectory: string
  readonly bytes: Uint8Array
  readonly measured: RegressionMetrics['measured']
  readonly persistence: number
  readonly dayBefore: number
  readonly train: readonly Forecast[]
  readonly calibration: readonly Forecast[]
  readonly heldOut: readonly Forecast[]
  readonly boosting: RegressionBoosting
  readonly golden: ModelCard['golden']
}

export const forecastCard = (known: Known): ModelCard => {
  const { dataDirectory, bytes, measured, persistence, dayBefore, train, calibration, heldOut, boosting, golden } =
    known
  const usages = train.map(({ next }) => next.usage)
  return {
    id: 'dinrail/energy-forecast',
    version: '1.0.0',
    task: 'Forecasts what a steel plant uses in the next quarter of an hour, from the 96 quarters before it.',
    licence: 'Apache-2.0',
    artefact: { file: 'energy-forecast.onnx', sha256: sha256(bytes), bytes: bytes.length },
    input: {
      name: PORTS.usage,
      shape: ['batch', DAY],
      unit: 'kW.h',
      description: `the last 96 quarters, oldest first; beside it \`${PORTS.calendar}\` [batch, 8], the hour at the end of the asked quarter and one column for each weekday from Monday`,
    },
    output: {
      name: PORTS.output,
      shape: ['batch', 3],
      unit: 'kW.h',
      description: 'low end, forecast and high end of a 90 % interval',
    },
    data: {
      name: 'Steel Industry Energy Consumption, January to October 2018, one plant of DAEWOO Steel in Gwangyang',
      source: 'Sathishkumar V E, Changsun Shin and Yongyun Cho, 2021; UCI Machine Learning Repository 851',
      licence: 'CC BY 4.0',
      sha256: loadDataDigest(dataDirectory),
      sha256Of: 'Steel_industry_data_jan_oct.csv',
    },
    split: 'by time: the first 70 % trains, the next 10 % calibrates the interval, the last 20 % is held out',
    slices: { train: train.length, calibration: calibration.length, heldOut: heldOut.length },
    seed: boosting.seed,
    method: `${boosting.rounds} boosted trees of ${boosting.leaves} leaves on 15 of the quarters, 6 changes between them and the calendar; interval from the errors on the calibration slice in 6 bins of the forecast, straight lines between`,
    metrics: {
      measured,
      beside: [
        { name: 'as in the quarter before, same held-out quarters', rootMeanSquareError: rounded(persistence) },
        {
          name: 'as in the same quarter of the day before, same held-out quarters',
          rootMeanSquareError: rounded(dayBefore),
        },
        {
          name: 'random forest of the data’s authors: no forecast, since it reads the reactive power and CO₂ of the same quarter',
          rootMeanSquareError: 7.33,
        },
      ],
    },
    trainingRange: {
      usage: { minimum: Math.min(...usages), maximum: Math.max(...usages), unit: 'kW.h' },
      hour: { minimum: 0.25, maximum: 24, unit: 'h' },
    },
    limitations: [
      'One plant, ten months. Another plant, a new machine or another shift plan needs its own training.',
      'Reactive power, power factors, CO₂ and the class of the load are not read: they are measured in the very quarter that is asked for.',
      'Holidays are not known to it: they are working days that look like Sundays from their first hours on.',
      'The promised share of the interval holds where tomorrow is like the calibration weeks; the held-out coverage says how far it held two months later.',
      'The settings were set once. Another library’s boosted trees had been measured on the same last 20 % before, while the question was framed (9.5); nothing was chosen by it.',
    ],
    golden,
  }
}
