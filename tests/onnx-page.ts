// What a page or a worker does with an ONNX model; its result is looked at by onnx-browser.test.ts.
import { doctor, type Execution, type OnnxRuntime, onnxModel } from '@dinrail/adapters-onnx'
import { workerPool } from '@dinrail/adapters-onnx/worker-pool'
import { invoke, isFault, tensor } from '@dinrail/core'

const stated = { version: '1.0.0', task: 'process-analysis' } as const

async function load(runtimeUrl: string): Promise<OnnxRuntime> {
  const runtime = (await import(/* @vite-ignore */ runtimeUrl)) as OnnxRuntime & {
    env: { wasm: { numThreads: number } }
  }
  runtime.env.wasm.numThreads = 1
  return runtime
}

/** Eight calls at once of the network, by `origin`. */
function answering(origin: string, runtime: OnnxRuntime) {
  return async (execution: Execution): Promise<number[]> => {
    const model = await onnxModel({
      ...stated,
      id: 'browser/mlp',
      title: 'A small network',
      runtime,
      model: new URL('/mlp.onnx', origin),
      inputs: { features: { tensor: { shape: [64], unit: '1' } } },
      outputs: { answer: { values: [{ name: 'level', unit: '1' }] } },
      execution,
    })
    const features = (call: number) => tensor(Float32Array.from({ length: 64 }, (_, at) => Math.sin(at + call)))
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, call) => invoke(model, { features: features(call) }, { deadlineMs: 30_000 })),
    )
    await model.dispose()
    return replies.map(({ output }) => output.level)
  }
}

/** `origin` serves the runtime and two networks. */
export async function main(origin: string) {
  const runtimeUrl = `${origin}/ort/ort.wasm.bundle.min.mjs`
  const runtime = await load(runtimeUrl)
  const answer = answering(origin, runtime)
  const pool = workerPool({ runtime: runtimeUrl })

  const counter = await onnxModel({
    ...stated,
    id: 'browser/counter',
    title: 'Counts as far as it is told',
    runtime,
    model: new URL('/counter.onnx', origin),
    inputs: { x: { tensor: { unit: '1' } }, trips: { tensor: {} } },
    execution: { where: 'pool', pool },
  })
  const count = async (trips: bigint, deadlineMs: number) => {
    const { output } = await invoke(
      counter,
      { x: tensor(Float32Array.of(1), [1]), trips: tensor(BigInt64Array.of(trips), []) } as never,
      { deadlineMs },
    )
    return [...(output as { y: { data: Float32Array } }).y.data]
  }
  const hung = await count(2n ** 62n, 300).catch((problem) => (isFault(problem) ? problem.code : String(problem)))
  const afterwards = await count(3n, 30_000)
  await counter.dispose()
  return {
    here: await answer({}),
    joined: await answer({ batching: { maximum: 8 } }),
    pooled: await answer({ where: 'pool', pool }),
    hung,
    afterwards,
  }
}

/** The same on a graphics processor, and how often work was given to it. */
export async function graphics(origin: string) {
  const runtimeUrl = `${origin}/ort/ort.webgpu.bundle.min.mjs`
  const runtime = await load(runtimeUrl)
  const answer = answering(origin, runtime)
  const providers = ['webgpu']
  let submitted = 0
  const { GPUQueue } = globalThis as unknown as { GPUQueue: { prototype: { submit(work: unknown): void } } }
  const { submit } = GPUQueue.prototype
  GPUQueue.prototype.submit = function (work) {
    submitted += 1
    submit.call(this, work)
  }
  return {
    webgpu: (await doctor(runtime)).webgpu,
    here: await answer({ providers }),
    joined: await answer({ providers, batching: { maximum: 8 } }),
    pooled: await answer({ providers, where: 'pool', pool: workerPool({ runtime: runtimeUrl }) }),
    /** By this thread: that of a pool has a processor of its own. */
    submitted,
  }
}
