import { readFile } from 'node:fs/promises'
import { onnxModel } from '@dinrail/adapters-onnx'
import { tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { heldOutAccuracy, provenanceOf } from '../training/card-origin.ts'
import card from './models/surface-picture.card.json' with { type: 'json' }

runtime.env.wasm.numThreads = 1

export const surfaceDefects = [
  'crazing',
  'inclusion',
  'patches',
  'pitted_surface',
  'rolled-in_scale',
  'scratches',
] as const

/** A texture that a formula makes, on which training and this program must agree: `pattern` of the training. */
const pattern = () =>
  tensor(
    Uint8Array.from({ length: 200 * 200 }, (_, i) => {
      const [x, y] = [i % 200, Math.floor(i / 200)]
      return 96 + (((x * x * 3 + y * y * 5 + x * y) >> 6) % 64)
    }),
    [200, 200, 1],
  )

/** Which defect a picture of a hot-rolled steel surface shows. */
export const surfaceModel = async () => {
  const { heldOut } = card.metrics
  const { mean, interval } = card.metrics.validation
  const { mean: grey, deviation } = card.normalisation
  return onnxModel({
    id: card.id,
    version: card.version,
    title: 'Defect of a steel surface',
    description: card.task,
    task: 'quality-inspection',
    provenance: provenanceOf(card, {
      ...heldOutAccuracy(heldOut),
      crossValidatedAccuracy: mean,
      crossValidatedAccuracyInterval: interval,
    }),
    confidence: { calibration: 'temperature', expectedCalibrationError: heldOut.expectedCalibrationError },
    runtime,
    model: new Uint8Array(await readFile(new URL(`./models/${card.artefact.file}`, import.meta.url))),
    sha256: `sha256:${card.artefact.sha256}`,
    inputs: {
      image: {
        image: {
          field: 'picture',
          size: [100, 100],
          resize: 'area',
          colour: 'grey',
          normalise: { mean: [grey], deviation: [deviation] },
          description: 'the surface, as large as in the training: about 200 pixels of its camera',
        },
      },
    },
    outputs: { logits: { labels: surfaceDefects, scores: 'logits', temperature: card.temperature } },
    // What the network sees, whitened: its root mean square tells how unlike all surfaces of the training a picture is.
    novelty: {
      kind: 'residual',
      of: card.novelty.of,
      mean: new Array<number>(128).fill(0),
      components: [],
      threshold: card.novelty.threshold,
    },
    golden: card.golden.map(({ output, tolerance }) => ({
      input: { picture: pattern() },
      output: { probabilities: Object.fromEntries(surfaceDefects.map((label, i) => [label, output[i]])) },
      tolerance,
    })),
  })
}
