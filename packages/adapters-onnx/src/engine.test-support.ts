import * as ort from 'onnxruntime-web'
import { afterEach } from 'vitest'
import { type Engine, type Execution, loadEngine } from './engine.ts'
import type { NetworkCall } from './network.ts'
import type { OnnxTensor } from './runtime.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()))
})

/** An engine that is disposed of after the test. */
export async function load(bytes: Uint8Array, execution: Execution = {}): Promise<Engine> {
  const engine = await loadEngine({ runtime: ort, bytes, id: 'test/network', execution })
  engines.push(engine)
  return engine
}

export const within = (ms: number, signal = new AbortController().signal): NetworkCall => ({
  deadline: Date.now() + ms,
  get isOver() {
    return signal.aborted
  },
  signal,
})

export const floats = (data: Float32Array, ...dims: number[]): OnnxTensor => ({ type: 'float32', data, dims })
