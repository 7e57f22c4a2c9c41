import type { OnnxMetadata, OnnxRuntime, OnnxSession, OnnxSessionOptions, OnnxTensor } from './runtime.ts'

/** What a worker is told. Each but the first names a network by a number of the pool's. */
export type WorkerOrder =
  | { readonly kind: 'start'; readonly runtime: string; readonly environment: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'load'
      readonly network: number
      readonly bytes: Uint8Array
      readonly options: OnnxSessionOptions
    }
  | {
      readonly kind: 'run'
      readonly network: number
      readonly feeds: Readonly<Record<string, OnnxTensor>>
    }
  | { readonly kind: 'release'; readonly network: number }

export interface WorkerRequest {
  readonly id: number
  readonly order: WorkerOrder
}

export type WorkerReply =
  | { readonly id: number; readonly value: WorkerValue }
  | { readonly id: number; readonly problem: string }

export interface WorkerValue {
  readonly inputs?: readonly OnnxMetadata[]
  readonly outputs?: readonly OnnxMetadata[]
  readonly results?: Readonly<Record<string, OnnxTensor>>
  /** How long the runtime took, without the way to the worker and back. */
  readonly ranMs?: number
}

export interface WorkerPort {
  onRequest(listener: (request: WorkerRequest) => void): void
  reply(reply: WorkerReply, transfer: readonly ArrayBuffer[]): void
}

/**
 * What runs inside a worker. It becomes the worker's script by its text, so that no bundler and no module system stands in
 * its way: it must not use anything from outside of itself.
 */
export function networkWorker(port: WorkerPort, load: (url: string) => Promise<unknown>): void {
  const sessions = new Map<number, OnnxSession>()
  let runtime: OnnxRuntime | undefined
  // One order after the other: overlapping runs make the runtime answer wrongly.
  let last: Promise<void> = Promise.resolve()

  async function follow(order: WorkerOrder): Promise<WorkerValue> {
    if (order.kind === 'start') {
      const module = (await load(order.runtime)) as OnnxRuntime & { default?: OnnxRuntime }
      runtime = module.InferenceSession === undefined ? module.default : module
      if (runtime?.InferenceSession === undefined) throw new Error(`${order.runtime} is no ONNX runtime`)
      const { env } = runtime as OnnxRuntime & { env?: { wasm?: object } }
      if (env?.wasm !== undefined) Object.assign(env.wasm, order.environment)
      return {}
    }
    if (runtime === undefined) throw new Error('the worker was not started')
    if (order.kind === 'load') {
      const session = await runtime.InferenceSession.create(order.bytes, order.options)
      sessions.set(order.network, session)
      const plain = ({ name, isTensor, type, shape }: OnnxMetadata): OnnxMetadata => ({
        name,
        isTensor,
        ...(type !== undefined && { type }),
        ...(shape !== undefined && { shape: [...shape] }),
      })
      return { inputs: session.inputMetadata.map(plain), outputs: session.outputMetadata.map(plain) }
    }
    const session = sessions.get(order.network)
    if (session === undefined) throw new Error('the worker does not have this network')
    if (order.kind === 'release') {
      sessions.delete(order.network)
      await session.release()
      return {}
    }
    const feeds = Object.fromEntries(
      Object.entries(order.feeds).map(([name, { type, data, dims }]) => [
        name,
        new runtime!.Tensor(type as 'float32', data as Float32Array, dims),
      ]),
    )
    const started = performance.now()
    const values = await session.run(feeds)
    const ranMs = performance.now() - started
    const results = Object.fromEntries(
      Object.entries(values).map(([name, { type, dims, data }]) => [
        name,
        { type, dims: [...dims], data } as OnnxTensor,
      ]),
    )
    return { results, ranMs }
  }

  function buffersOf({ results = {} }: WorkerValue): ArrayBuffer[] {
    const buffers = new Set<ArrayBuffer>()
    for (const { data } of Object.values(results))
      if (ArrayBuffer.isView(data) && data.byteLength === data.buffer.byteLength)
        buffers.add(data.buffer as ArrayBuffer)
    return [...buffers]
  }

  port.onRequest(({ id, order }) => {
    last = last.then(async () => {
      try {
        const value = await follow(order)
        try {
          port.reply({ id, value }, buffersOf(value))
        } catch {
          // Memory that belongs to the runtime itself can be copied, not handed over.
          port.reply({ id, value }, [])
        }
      } catch (problem) {
        port.reply({ id, problem: problem instanceof Error ? problem.message : String(problem) }, [])
      }
    })
  })
}
