import { readFile } from 'node:fs/promises'
import { onnxModel } from '@dinrail/adapters-onnx'
import * as runtime from 'onnxruntime-web'
import { heldOutError, provenanceOf, trainingLimits } from '../training/card-origin.ts'
import { type EngineCycle, type EngineSensor, engineSensors, LONGEST, WINDOW } from './engine-sensors.ts'
import card from './models/remaining-life.card.json' with { type: 'json' }

// One thread answers networks of this size sooner than several would agree on it.
runtime.env.wasm.numThreads = 1

const cycleOf = (values: readonly number[]) =>
  Object.fromEntries(engineSensors.map(({ name }, sensor) => [name, values[sensor]!])) as EngineCycle

/** How many cycles an engine has left. Each call brings the newest cycle; the model remembers the window of each session. */
export async function lifeModel() {
  const { metrics, interval } = heldOutError(card.metrics)
  return onnxModel({
    id: card.id,
    version: card.version,
    title: 'Remaining life of an engine',
    description: card.task,
    task: 'predictive-maintenance',
    provenance: provenanceOf(card, metrics),
    // An engine near its end leaves the range of the others: answered, but never as a good answer.
    outsideTraining: 'uncertain',
    runtime,
    model: new Uint8Array(await readFile(new URL(`./models/${card.artefact.file}`, import.meta.url))),
    sha256: `sha256:${card.artefact.sha256}`,
    inputs: {
      cycles: {
        vector: engineSensors.map(({ name, unit, description }) => ({
          name: name as EngineSensor,
          unit,
          description,
          limits: trainingLimits(card.trainingRange[name]),
        })),
        window: { length: WINDOW, from: 'calls', filling: 'repeat' },
      },
    },
    outputs: {
      remaining: {
        values: [
          {
            name: 'remaining',
            unit: '{cycle}',
            description: `cycles until the compressor fails; ${LONGEST} means that many or more`,
            clamp: { min: 0, max: LONGEST },
            interval,
          },
        ],
      },
    },
    golden: card.golden.map(({ input, output: [low, value, high], tolerance }) => ({
      input: cycleOf(input),
      output: { remaining: { low: low!, value: value!, high: Math.min(LONGEST, high!) } },
      tolerance,
    })),
  })
}
