import { readFile } from 'node:fs/promises'
import { onnxModel } from '@dinrail/adapters-onnx'
import * as runtime from 'onnxruntime-web'

runtime.env.wasm.numThreads = 1

export const RATE = 16_000
/** Samples of each call. */
export const STEP = 512
/** How many of the call before the network hears again. */
const BEFORE = 64

const file = new URL('../../node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx', import.meta.url)

/**
 * Whether somebody speaks in 32 ms of sound. The network's memory is a tensor that it gives and takes again, and it hears the
 * last 4 ms of the call before once more; here both belong to a session, so callers send sound and nothing else.
 */
export const voiceModel = async () =>
  onnxModel({
    id: 'silero/voice-activity',
    version: '5.0.0',
    title: 'Whether somebody speaks',
    task: 'process-analysis',
    provenance: {
      data: [
        {
          name: 'Silero VAD v5',
          source: 'snakers4/silero-vad, in the npm package @ricky0123/vad-web 0.0.31',
          licence: 'MIT',
        },
      ],
      licence: 'MIT',
    },
    confidence: { calibration: 'none' },
    runtime,
    model: new Uint8Array(await readFile(file)),
    sha256: 'sha256:2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f',
    inputs: {
      input: {
        tensor: {
          field: 'sound',
          shape: [STEP],
          overlap: BEFORE,
          axes: ['time'],
          unit: '1',
          limits: { physical: { min: -1, max: 1 } },
          description: '32 ms at 16 kHz, one call after the other',
        },
      },
      state: { state: 'stateN', shape: [2, 1, 128] },
      sr: { constant: RATE },
    },
    outputs: { output: { labels: ['noise', 'voice'] } },
  })
