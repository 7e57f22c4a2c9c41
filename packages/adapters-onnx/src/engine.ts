import { batched } from './batching.ts'
import { type ExternalReader, readExternalData } from './external-data.ts'
import { checkFeeds, checkRows } from './feeds.ts'
import { type ModelFile, readModelFile } from './model-file.ts'
import type { Network, NetworkCall, Tensors } from './network.ts'
import { rowsProblem } from './rows.ts'
import type { OnnxMetadata, OnnxRuntime, OnnxSessionOptions } from './runtime.ts'
import { sessionHere } from './session-here.ts'
import { settledInTime } from './settled-in-time.ts'
import { mixingProblem, undisturbedRunMs } from './trial.ts'
import { withoutGuesses } from './unstated-ranks.ts'
import type { PooledNetwork, WorkerPool } from './worker-pool.ts'

/** One loaded network, wherever it runs. */
export interface Engine {
  /** What must be fed. A length that the file leaves open reads −1, a symbolic one is its name; no shape where no axis is stated. */
  readonly inputs: readonly OnnxMetadata[]
  readonly outputs: readonly OnnxMetadata[]
  /** Where it runs, as stated or measured. */
  readonly place: 'here' | 'pool'
  /** Threads of its pool that were ended and have not stopped. */
  readonly leftBehind: number
  /**
   * Answers with all outputs by their ONNX names. Throws `invalid-input` for feeds that do not fit, `overloaded` where too
   * many calls wait, `deadline-exceeded` and `cancelled`, `unavailable` after it was disposed, `internal` where the runtime
   * fails.
   */
  run(feeds: Tensors, call: NetworkCall): Promise<Tensors>
  /** Lets each worker of a pool make this run, which has been answered before, before it takes calls. Here that one was enough. */
  warmUp(feeds: Tensors): Promise<void>
  /** Lets the runs in flight end and frees the network's memory. */
  dispose(): Promise<void>
}

/** Where and how a network runs. */
export interface Execution {
  /**
   * `here` in this thread, which each run blocks; `pool` in the workers of `pool`, where a run ends with its deadline;
   * `measured` in the pool if a run takes over half a millisecond. `here` unless stated, `measured` with a pool.
   */
  readonly where?: 'here' | 'pool' | 'measured'
  /** From `workerPool` of `@dinrail/adapters-onnx/worker-pool`; several models may share it. */
  readonly pool?: WorkerPool
  /** Joins calls into one run, where every input and output begins with one symbolic axis. */
  readonly batching?: BatchingOptions
  /** Calls that wait for others at most; those beyond are refused as `overloaded`. 4,096 unless stated. */
  readonly queue?: number
  /** What computes, in the runtime's words, the preferred first: `['webgpu', 'wasm']`. The runtime decides unless stated. */
  readonly providers?: readonly string[]
}

export interface BatchingOptions {
  /** Rows in one run at most. */
  readonly maximum: number
  /** Milliseconds to wait for more calls than came in one turn of the event loop; 0 unless stated. */
  readonly waitMs?: number
  /** How far a joined answer may be from a single one, absolute and relative; tried at load. 1e-5 unless stated. */
  readonly tolerance?: number
  /** One row with which to try it, where the network takes no made-up numbers; others like it are made of it. */
  readonly sample?: Tensors
}

export interface EngineDefinition {
  /** The runtime for runs in this thread; those in a pool use the pool's. */
  readonly runtime: OnnxRuntime
  /** The bytes of the `.onnx` file. */
  readonly bytes: Uint8Array
  /** Whose network it is, for messages. */
  readonly id: string
  readonly execution?: Execution
  /** Reads what the file keeps beside itself, by the location that it states, which never leaves the file's folder. */
  readonly external?: ExternalReader
}

/** Below this a way to a worker and back costs more than it gains. */
const worthAPoolMs = 0.5

/**
 * Loads a network. Throws `invalid-input` where the bytes are no ONNX file that the runtime can load, `unsupported` where
 * it lacks an operator, `denied` where the file reaches for others outside of its folder.
 */
export async function loadEngine({ runtime, bytes, id, execution = {}, external }: EngineDefinition): Promise<Engine> {
  const file = readModelFile(bytes)
  const { batching, queue = 4096, providers } = execution
  const options: OnnxSessionOptions = {
    ...(await readExternalData(id, file.externalData, external)),
    ...(providers && { executionProviders: providers }),
  }
  // Where calls are joined they wait before, not here.
  const placing = { runtime, bytes, id, options, execution, file, queue: batching === undefined ? queue : unbounded }
  const { place, network: alone, pooled } = await placed(placing)
  const network = batching === undefined ? alone : await joining(id, alone, batching, queue)
  return {
    inputs: network.inputs,
    outputs: network.outputs,
    place,
    get leftBehind() {
      return pooled?.leftBehind ?? 0
    },
    run(feeds, call) {
      try {
        checkFeeds(id, network.inputs, feeds)
        if (batching !== undefined) checkRows(id, network.inputs, feeds)
      } catch (fault) {
        return Promise.reject(fault)
      }
      const work = network.run(feeds, call)
      // In this thread no timer could come before the run's end.
      return place === 'here' ? work : settledInTime(id, work, call)
    },
    warmUp: async (feeds) => pooled?.warmUp(feeds),
    dispose: network.dispose,
  }
}

const unbounded = Number.POSITIVE_INFINITY

interface Placing extends Pick<Required<EngineDefinition>, 'runtime' | 'bytes' | 'id' | 'execution'> {
  readonly options: OnnxSessionOptions
  readonly queue: number
  readonly file: ModelFile
}

interface Placed extends Pick<Engine, 'place'> {
  readonly network: Network
  /** The same network, where it is in a pool. */
  readonly pooled?: PooledNetwork
}

async function placed({ runtime, bytes, id, options, execution, queue, file }: Placing): Promise<Placed> {
  const { pool, where = pool === undefined ? 'here' : 'measured' } = execution
  const here = async () => ({
    place: 'here' as const,
    network: asStated(await sessionHere(runtime, bytes, id, { ...options, queue }), file),
  })
  if (where === 'here') return here()
  if (pool === undefined)
    throw new TypeError(`${id}: execution.where is '${where}' and execution.pool is missing: pass a workerPool`)
  const pooled = await pool.load({ bytes, id, options, queue })
  const there = { place: 'pool' as const, network: asStated(pooled, file), pooled }
  if (where === 'pool') return there
  const takesMs = await undisturbedRunMs(there.network, () => pooled.lastRunMs)
  // What cannot be tried stays where a run that never ends can be stopped.
  if (takesMs === undefined || takesMs > worthAPoolMs) return there
  await pooled.dispose()
  return here()
}

function asStated({ inputs, outputs, parallel, run, dispose }: Network, file: ModelFile): Network {
  return {
    inputs: withoutGuesses(inputs, file.inputs),
    outputs: withoutGuesses(outputs, file.outputs),
    parallel,
    run,
    dispose,
  }
}

async function joining(
  id: string,
  network: Network,
  { maximum, waitMs = 0, tolerance = 1e-5, sample }: BatchingOptions,
  queue: number,
): Promise<Network> {
  const problem =
    maximum >= 2 && queue > 0
      ? (rowsProblem(network.inputs, network.outputs) ?? (await mixingProblem(network, tolerance, sample)))
      : `a maximum of ${maximum} rows and a queue of ${queue} calls join nothing`
  if (problem === undefined) return batched(id, network, { maximum, waitMs, queue })
  await network.dispose()
  throw new TypeError(`${id}: execution.batching cannot be: ${problem}`)
}
