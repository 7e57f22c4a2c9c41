import { readFile } from 'node:fs/promises'
import { onnxModel } from '@dinrail/adapters-onnx'
import { tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { heldOutError, provenanceOf, trainingLimits } from '../training/card-origin.ts'
import { DAY, weekdays } from './load-records.ts'
import card from './models/energy-forecast.card.json' with { type: 'json' }

// One thread answers networks of this size sooner than several would agree on it.
runtime.env.wasm.numThreads = 1

/** What a plant uses in the next quarter of an hour: each call brings the day before, the hour and the weekday. */
export async function forecastModel() {
  const { metrics, interval } = heldOutError(card.metrics)
  return onnxModel({
    id: card.id,
    version: card.version,
    title: 'Energy of the next quarter of an hour',
    description: card.task,
    task: 'energy-optimization',
    provenance: provenanceOf(card, metrics),
    outsideTraining: 'uncertain',
    runtime,
    model: new Uint8Array(await readFile(new URL(`./models/${card.artefact.file}`, import.meta.url))),
    sha256: `sha256:${card.artefact.sha256}`,
    inputs: {
      usage: {
        vector: [
          {
            name: 'usage',
            unit: 'kW.h',
            description: card.input.description,
            limits: { physical: { min: 0, max: 1_000 }, ...trainingLimits(card.trainingRange.usage) },
          },
        ],
        window: { length: DAY, from: 'input' },
      },
      calendar: {
        vector: [
          {
            name: 'hour',
            unit: 'h',
            description: 'at the end of the quarter that is asked for',
            limits: { physical: { min: 0, max: 24 }, ...trainingLimits(card.trainingRange.hour) },
          },
          { name: 'weekday', categories: weekdays },
        ],
      },
    },
    outputs: {
      forecast: {
        values: [
          {
            name: 'usage',
            unit: 'kW.h',
            description: 'of the next quarter of an hour',
            clamp: { min: 0 },
            interval,
          },
        ],
      },
    },
    golden: card.golden.map(({ input, output: [low, value, high], tolerance }) => ({
      input: {
        usage: tensor(new Float32Array(DAY).fill(input[0]!)),
        hour: input[1]!,
        weekday: 'Monday' as const,
      },
      output: { usage: { low: Math.max(0, low!), value: value!, high: high! } },
      tolerance,
    })),
  })
}
