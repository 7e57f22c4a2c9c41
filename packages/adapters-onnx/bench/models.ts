import { type OnnxModel, onnxModel } from '@dinrail/adapters-onnx'
import type { Tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import type { Execution } from '../src/engine.ts'
import { autoencoder, cnn, mlp, weights } from '../src/networks.test-support.ts'

ort.env.wasm.numThreads = 1

/** A network with one input and one output, beside the raw session that it is measured against. */
export interface Subject {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly input: string
  /** Shape of one sample, without the batch axis. */
  readonly shape: readonly number[]
}

export const subjects = {
  mlp: { name: 'MLP 64-32-1', bytes: mlp(), input: 'features', shape: [64] },
  autoencoder: { name: 'autoencoder 512-64-512', bytes: autoencoder(), input: 'signal', shape: [512] },
  cnn: { name: 'CNN of 1 M parameters on 3×128²', bytes: cnn(), input: 'picture', shape: [3, 128, 128] },
} satisfies Record<string, Subject>

export type Served = OnnxModel<Readonly<Record<string, Tensor>>, Readonly<Record<string, Tensor>>>

/** `shape` is what callers send: one sample unless stated. */
export async function served(
  subject: Subject,
  execution: Execution = {},
  shape: readonly (number | string)[] = subject.shape,
): Promise<Served> {
  const model = await onnxModel({
    runtime: ort,
    model: subject.bytes,
    id: 'bench/network',
    version: '1.0.0',
    title: subject.name,
    task: 'process-analysis',
    inputs: { [subject.input]: { tensor: { shape, unit: '1' } } },
    execution,
  })
  return model as unknown as Served
}

export interface RawSession {
  run(data: Float32Array<ArrayBuffer>): Promise<unknown>
  release(): Promise<void>
}

/** What a user of the runtime alone would write: a tensor for each sample, and the run. */
export async function rawSession({ bytes, input, shape }: Subject): Promise<RawSession> {
  const session = await ort.InferenceSession.create(bytes)
  const dims = [1, ...shape]
  return {
    run: (data) => session.run({ [input]: new ort.Tensor('float32', data, dims) }),
    release: () => session.release(),
  }
}

export function samplesOf({ shape }: Subject, count: number): Float32Array<ArrayBuffer>[] {
  const length = shape.reduce((product, axis) => product * axis, 1)
  return Array.from({ length: count }, (_, seed) => weights(seed)(length, 1))
}
