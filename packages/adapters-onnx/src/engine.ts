import { Fault } from '@dinrail/core'
import { checkFeeds } from './feeds.ts'
import { readModelFile } from './model-file.ts'
import type { OnnxMetadata, OnnxRuntime, OnnxTensor } from './runtime.ts'
import { sessionHere } from './session-here.ts'

/** One loaded network, wherever it runs. */
export interface Engine {
  /** What must be fed. A length that the file leaves open reads −1, a symbolic one is its name. */
  readonly inputs: readonly OnnxMetadata[]
  readonly outputs: readonly OnnxMetadata[]
  /**
   * Answers with all outputs by their ONNX names. Throws `invalid-input` for feeds that do not fit, `overloaded` where too
   * many calls wait, `deadline-exceeded` and `cancelled`, `unavailable` after it was disposed, `internal` where the runtime
   * fails.
   */
  run(feeds: Readonly<Record<string, OnnxTensor>>, call: EngineCall): Promise<Readonly<Record<string, OnnxTensor>>>
  /** Lets the runs in flight end and frees the network's memory. */
  dispose(): Promise<void>
}

export interface EngineCall {
  /** Looked at only by calls that have to wait: making one costs more than a small network's run. */
  readonly signal: AbortSignal
  /** Absolute, milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
}

/** Where and how a network runs. */
export interface Execution {
  /** `here` in this thread, `pool` in workers, `measured` in workers where one run takes over half a millisecond. */
  readonly where?: 'here' | 'pool' | 'measured'
  /** Joins calls of one turn of the event loop into one run, where network and contract have a batch axis. */
  readonly batching?: {
    /** Rows in one run at most. */
    readonly maximum: number
    /** Milliseconds to wait for more calls than came in one turn. */
    readonly waitMs?: number
  }
  /** Calls that wait at most; those beyond are refused as `overloaded`. 4,096 unless stated. */
  readonly queue?: number
}

export interface EngineDefinition {
  readonly runtime: OnnxRuntime
  readonly bytes: Uint8Array
  /** Whose network it is, for messages. */
  readonly id: string
  readonly execution?: Execution
}

/** Loads a network. Throws `invalid-input` where the bytes are no ONNX file or the runtime refuses it. */
export async function loadEngine({ runtime, bytes, id, execution = {} }: EngineDefinition): Promise<Engine> {
  readModelFile(bytes)
  const network = await sessionHere(runtime, bytes, id)
  const { queue = 4096 } = execution
  let inside = 0
  return {
    inputs: network.inputs,
    outputs: network.outputs,
    async run(feeds, call) {
      checkFeeds(id, network.inputs, feeds)
      // One runs, the others wait.
      if (inside > queue) throw new Fault('overloaded', `${id}: ${queue} calls wait already: call again later`)
      inside += 1
      try {
        return await network.run(feeds, call)
      } finally {
        inside -= 1
      }
    },
    dispose: network.dispose,
  }
}
