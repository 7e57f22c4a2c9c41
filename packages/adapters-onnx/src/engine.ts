import { Fault } from '@dinrail/core'
import { insideRealm } from './realm.ts'
import type { OnnxMetadata, OnnxRuntime, OnnxTensor, OnnxValue } from './runtime.ts'

/** One loaded network, wherever it runs. */
export interface Engine {
  readonly inputs: readonly OnnxMetadata[]
  readonly outputs: readonly OnnxMetadata[]
  run(feeds: Readonly<Record<string, OnnxTensor>>, call: EngineCall): Promise<Readonly<Record<string, OnnxTensor>>>
  dispose(): Promise<void>
}

export interface EngineCall {
  readonly signal: AbortSignal
  /** Absolute, milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
}

/** Where and how a network runs. */
export interface Execution {
  readonly where?: 'here' | 'pool' | 'measured'
  readonly batching?: { readonly maximum: number; readonly waitMs?: number }
  readonly queue?: number
}

export interface EngineDefinition {
  readonly runtime: OnnxRuntime
  readonly bytes: Uint8Array
  readonly id: string
  readonly execution?: Execution
}

export async function loadEngine({ runtime, bytes, id }: EngineDefinition): Promise<Engine> {
  const session = await insideRealm(() => runtime.InferenceSession.create(bytes)).catch((problem) => {
    throw new Fault('invalid-input', `${id}: ${bytes.length} bytes are no ONNX model: ${Fault.from(problem).message}`, {
      field: '/model',
    })
  })
  const OnnxTensorClass = runtime.Tensor as unknown as new (
    type: string,
    data: unknown,
    dims: readonly number[],
  ) => OnnxValue
  const opened = (one: OnnxMetadata): OnnxMetadata =>
    one.shape === undefined ? one : { ...one, shape: one.shape.map((length) => (length === 0xffff_ffff ? -1 : length)) }
  let closing: Promise<void> | undefined
  return {
    inputs: session.inputMetadata.map(opened),
    outputs: session.outputMetadata.map(opened),
    run(feeds, { signal }) {
      return insideRealm(async () => {
        if (closing !== undefined) throw new Fault('unavailable', `${id} was disposed`)
        const values = Object.entries(feeds).map(
          ([name, { type, data, dims }]) => [name, new OnnxTensorClass(type, data, dims)] as const,
        )
        return (await session.run(Object.fromEntries(values))) as Readonly<Record<string, OnnxTensor>>
      }, signal)
    },
    dispose() {
      closing ??= insideRealm(() => session.release())
      return closing
    },
  }
}
