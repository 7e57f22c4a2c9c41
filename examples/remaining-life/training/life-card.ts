import { sha256 } from '../../training/data-file.ts'
import { rounded, sixDigits } from '../../training/measure.ts'
import type { ModelCard, RegressionMetrics } from '../../training/model-card.ts'
import { runModel } from '../../training/model-run.ts'
import { FOLDS, SEED } from '../engine-folds.ts'
import { engineDataDigest } from '../engine-records.ts'
import { engineSensors, LONGEST, WINDOW } from '../engine-sensors.ts'
import { type EngineWear, wearAt } from '../simulated-engine.ts'
import { BOOSTING, type EngineWindow, PORTS, SHAPE } from './life-network.ts'
import { featureCount } from './window-features.ts'

export interface Known {
  readonly train: readonly EngineWindow[]
  readonly heldOut: number
  readonly level: number
  readonly bins: number
  readonly bytes: Uint8Array
  readonly dataDirectory: string
  readonly measured: RegressionMetrics['measured']
  readonly deviation: number
  readonly wear: EngineWear
}

export const cardOf = async ({
  train,
  heldOut,
  level,
  bins,
  bytes,
  dataDirectory,
  measured,
  deviation,
  wear,
}: Known): Promise<ModelCard> => ({
  id: 'dinrail/remaining-life',
  version: '1.0.0',
  task: 'Tells how many cycles a turbofan engine has left before its compressor fails, from its last 30 cycles.',
  licence: 'Apache-2.0',
  artefact: { file: 'remaining-life.onnx', sha256: sha256(bytes), bytes: bytes.length },
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
    description: `low end, estimate and high end of a ${level * 100} % interval; lives above ${LONGEST} count as ${LONGEST}`,
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
  slices: { train: train.length, calibration: train.length, heldOut },
  seed: SEED,
  method:
    `${BOOSTING.rounds} boosted trees of ${BOOSTING.leaves} leaves on ${featureCount} statistics of the window that the ` +
    `graph computes; interval from the errors of the held folds in ${bins} bins of the estimate, straight lines between`,
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
