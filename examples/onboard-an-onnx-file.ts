// From a `.onnx` file to a contract that is safe in production, and to a file that carries it.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { doctor, embedDescriptor, onnxModel, swappable } from '@dinrail/adapters-onnx'
import { readModel } from '@dinrail/adapters-onnx/node'
import { workerPool } from '@dinrail/adapters-onnx/worker-pool'
import { type Fault, invoke, tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { simulateVibration } from './steel-line/simulator/vibration.ts'

const file = fileURLToPath(new URL('./steel-line/models/bearing-diagnosis.onnx', import.meta.url))
const worn = {
  condition: 'outer-race',
  severity: 1,
  shaftSpeed: 1_770,
  sampleRate: 12_000,
  samples: 2_048,
  seed: 1,
} as const
const vibration = tensor(simulateVibration(worn))
runtime.env.wasm.numThreads = 1

const contract = {
  id: 'acme/bearing',
  version: '1.0.0',
  title: 'Which part of a bearing is damaged',
  task: 'predictive-maintenance',
  inputs: { vibration: { tensor: { shape: [2048], axes: ['time'], unit: 'm/s2' } } },
  context: { shaftSpeed: { unit: '1/min', limits: { training: { min: 1748, max: 1797 } } } },
  outputs: { probabilities: { labels: ['normal', 'inner-race', 'ball', 'outer-race'] } },
} as const
const bearing = await onnxModel({ runtime, model: await readModel(file), ...contract })

const reply = await invoke(bearing, { vibration, shaftSpeed: 1_770 }, { deadlineMs: 5_000 })
console.log(reply.output.label, reply.confidence, reply.quality)
assert.equal(reply.output.label, 'outer-race')

const tooFast = await invoke(bearing, { vibration, shaftSpeed: 3_000 }, { deadlineMs: 5_000 }).catch(
  (fault: Fault) => fault,
)
console.log(String(tooFast))
assert.equal((tooFast as Fault).code, 'out-of-limits')

const golden = [{ input: { vibration, shaftSpeed: 1_770 }, output: { label: 'outer-race' }, tolerance: 1e-3 }]
const { bytes } = await readModel(file)
const shipped = embedDescriptor(bytes, { ...contract, golden })
const received = await onnxModel({ runtime, model: shipped })
console.log(received.descriptor.title, received.descriptor.provenance?.artefact)
assert.equal(received.health().state, 'ready')

const pool = workerPool({ runtime: import.meta.resolve('onnxruntime-web'), workers: 1, longestLoadMs: 60_000 })
const execution = { where: 'pool', pool, batching: { maximum: 32, waitMs: 1 }, queue: 1_000 } as const
const busy = await onnxModel({ runtime, model: await readModel(file), ...contract, execution })

const many = Array.from({ length: 64 }, () => invoke(busy, { vibration, shaftSpeed: 1_770 }, { deadlineMs: 10_000 }))
for (const { output } of await Promise.all(many)) assert.equal(output.label, 'outer-race')

const { problems } = await doctor(runtime)
for (const { message, fix } of problems) console.warn(`${message}: ${fix}`)
const door = swappable(bearing)
const next = await onnxModel({ runtime, model: await readModel(file), ...contract, version: '1.0.1', golden })
await door.swap(next)
console.log(door.descriptor.version, next.health().state)
assert.deepEqual([door.descriptor.version, bearing.health().state], ['1.0.1', 'disposed'])

await Promise.all([door.dispose?.(), received.dispose(), busy.dispose()])
