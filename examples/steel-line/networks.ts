import { readFile } from 'node:fs/promises'
import { onnxModel } from '@dinrail/adapters-onnx'
import { tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { heldOutAccuracy, provenanceOf, trainingLimits } from '../training/card-origin.ts'
import { bearingDiagnosis, surfaceInspection } from './contracts.ts'
import bearing from './models/bearing-diagnosis.card.json' with { type: 'json' }
import surface from './models/surface-inspection.card.json' with { type: 'json' }
import { simulateVibration, type VibrationOptions } from './simulator/vibration.ts'
import { BEARING_WINDOW, bearingConditions } from './training/cwru-bearing.ts'
import { stripDefects } from './training/steel-plates.ts'

// One thread answers networks of this size sooner than several would agree on it.
runtime.env.wasm.numThreads = 1

const bytesOf = async (file: string) => new Uint8Array(await readFile(new URL(`./models/${file}`, import.meta.url)))
const origin = (card: typeof bearing | typeof surface) => {
  const { heldOut } = card.metrics
  return {
    confidence: { calibration: 'temperature', expectedCalibrationError: heldOut.expectedCalibrationError },
    provenance: provenanceOf(card, heldOutAccuracy(heldOut)),
  } as const
}
const byLabel = <Label extends string>(labels: readonly Label[], values: readonly number[]) =>
  Object.fromEntries(labels.map((label, i) => [label, values[i]])) as Record<Label, number>

/** Which part of a bearing is damaged, from 0.17 s of its vibration. */
export const bearingModel = async () =>
  onnxModel({
    id: bearingDiagnosis.id,
    version: bearing.version,
    title: 'Bearing diagnosis',
    description: bearing.task,
    task: 'fault-attribution',
    ...origin(bearing),
    runtime,
    model: await bytesOf(bearing.artefact.file),
    sha256: `sha256:${bearing.artefact.sha256}`,
    inputs: {
      vibration: {
        tensor: {
          shape: [BEARING_WINDOW],
          axes: ['time'],
          unit: 'm/s2',
          limits: { physical: { min: -500, max: 500 } },
          description: bearing.input.description,
        },
      },
    },
    context: { shaftSpeed: { unit: '1/min', limits: trainingLimits(bearing.trainingRange.shaftSpeed) } },
    outputs: { probabilities: { labels: bearingConditions } },
    golden: bearing.golden.map(({ simulated, output, tolerance }) => ({
      input: { vibration: tensor(simulateVibration(simulated as VibrationOptions)), shaftSpeed: simulated.shaftSpeed },
      output: { probabilities: byLabel(bearingConditions, output) },
      tolerance,
    })),
  })

/** Which defect a suspicious region of a strip shows, from 27 measures of it. */
export const surfaceModel = async () =>
  onnxModel({
    id: surfaceInspection.id,
    version: surface.version,
    title: 'Surface inspection',
    description: surface.task,
    task: 'quality-inspection',
    ...origin(surface),
    runtime,
    model: await bytesOf(surface.artefact.file),
    sha256: `sha256:${surface.artefact.sha256}`,
    inputs: {
      features: {
        vector: surface.features.map(({ name, unit, description }) => ({
          name,
          unit,
          description,
          limits: trainingLimits(surface.trainingRange[name as keyof typeof surface.trainingRange]),
        })),
      },
    },
    outputs: { probabilities: { labels: stripDefects } },
    golden: surface.golden.map(({ input, output, tolerance }) => ({
      input: Object.fromEntries(surface.features.map(({ name }, i) => [name, input[i]!])),
      output: { probabilities: byLabel(stripDefects, output) },
      tolerance,
    })),
  })
