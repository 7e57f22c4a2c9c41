import * as ort from 'onnxruntime-web'
import { benchBatching } from './batching.ts'

ort.env.wasm.numThreads = 1
await benchBatching()
process.exit(0)
