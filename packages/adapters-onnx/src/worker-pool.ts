import { Fault } from '@dinrail/core'
import { copied, isPart, ownData, ownTensor } from './array-parts.ts'
import { longestDelayMs } from './event-loop.ts'
import { checkPool } from './execution-form.ts'
import { lateFault, type Network, type NetworkCall, overload, type Tensors } from './network.ts'
import type { WorkerOrder, WorkerValue } from './network-worker.ts'
import { type NetworkOrders, type PoolMember, poolMember, WorkerLost } from './pool-member.ts'
import type { OnnxSessionOptions, OnnxTensor } from './runtime.ts'
import { loadFault, normalised, runFault } from './session-here.ts'

/** Workers in which networks run: the caller's thread stays free, and a run that never ends can be ended. */
export interface WorkerPool {
  /** Used by `onnxModel`. The workers start with the first network and end with the last one's disposal. */
  load(definition: PooledDefinition): Promise<PooledNetwork>
}

export interface WorkerPoolOptions {
  /**
   * The runtime's module, which each worker imports: `import.meta.resolve('onnxruntime-web')`, or in a page the URL at which
   * it is served.
   */
  readonly runtime: string | URL
  /** One unless stated. Each has its own copy of the runtime and of all networks. */
  readonly workers?: number
  /** What is set on the runtime's `env.wasm` in each worker; `numThreads` is 1 unless stated. */
  readonly environment?: Readonly<Record<string, unknown>>
  /** Milliseconds within which a worker must have loaded a network, and warmed it up, else it is not served there. 120,000 unless stated. */
  readonly longestLoadMs?: number
}

export interface PooledDefinition {
  readonly bytes: Uint8Array
  readonly id: string
  readonly options: OnnxSessionOptions
  /** Calls that wait at most. */
  readonly queue: number
}

export interface PooledNetwork extends Network {
  /** Milliseconds that the last run took inside of its worker. */
  readonly lastRunMs: number
  /** Threads of the pool that were ended and have not stopped. */
  readonly leftBehind: number
  /**
   * Lets each worker make this run before it takes calls, those that are started later too. Settles once all have that are not
   * at the run of another network.
   */
  warmUp(feeds: Tensors): Promise<void>
}

interface Task {
  readonly network: number
  readonly feeds: Readonly<Record<string, OnnxTensor>>
  readonly call: NetworkCall
  readonly id: string
  readonly pace: Pace
  losses: number
  resolve(value: WorkerValue): void
  reject(problem: unknown): void
}

/** How long runs of a network take, in milliseconds. */
interface Pace {
  last: number
  slowest: number
  /** What the next run gets at least while none has ended: a first run may be many times as slow as all later ones. */
  untried: number
}

/** A run is hung when its deadline is over and it has taken this many times as long as the slowest before it. */
const patience = 5
/** Each run that was stopped before any had ended gives the next one twice as long, up to this. */
const longestUntried = 2_000
/** A call that took its worker with it this often is not tried again; a shared one is not at all, its calls are made alone. */
const mostLosses = 2

/** A thread may be lost through another network's run: the next one is asked. */
async function loadBy(member: PoolMember, network: number): Promise<WorkerValue> {
  for (let losses = 1; ; losses++)
    try {
      return await member.load(network)
    } catch (problem) {
      if (!(problem instanceof WorkerLost) || losses >= mostLosses) throw problem
    }
}

/** Makes a pool for any number of models. It starts nothing yet. */
export function workerPool({
  runtime,
  workers = 1,
  environment = {},
  longestLoadMs = 120_000,
  ...others
}: WorkerPoolOptions): WorkerPool {
  checkPool({ runtime, workers, environment, longestLoadMs, ...others })
  const start: WorkerOrder = { kind: 'start', runtime: String(runtime), environment: { numThreads: 1, ...environment } }
  const networks = new Map<number, NetworkOrders>()
  let members: PoolMember[] = []
  const ending = new Set<Promise<void>>()
  const waiting: Task[] = []
  let numbered = 0

  function onEnding(ended: Promise<void>): void {
    ending.add(ended)
    ended.then(() => ending.delete(ended))
  }

  /** Gives waiting calls, the oldest first, to whoever is free for them. */
  function handOut(): void {
    for (const member of members)
      for (;;) {
        const at = waiting.findIndex(({ network }) => member.isFreeFor(network))
        const task = waiting[at]
        if (task === undefined) break
        waiting.splice(at, 1)
        if (isWanted(task)) begin(member, task)
      }
  }

  /** A call that still waits at its deadline would wait as long as no worker is free. */
  function expire(task: Task): void {
    const at = waiting.indexOf(task)
    if (at < 0) return
    waiting.splice(at, 1)
    task.reject(new Fault('deadline-exceeded', `${task.id}: no worker was free by the deadline`))
  }

  function isWanted({ id, call, reject }: Task): boolean {
    const late = lateFault(id, call)
    if (late !== undefined) reject(late)
    return late === undefined
  }

  async function begin(member: PoolMember, task: Task): Promise<void> {
    const { network, feeds, call, id, pace } = task
    const untilStop = (call.stopAt ?? call.deadline) - Date.now()
    const given = Math.max(untilStop, patience * pace.slowest, pace.untried)
    try {
      const value = await member.run({ kind: 'run', network, feeds: withEach(feeds, ownTensor) }, given)
      pace.last = value.ranMs ?? 0
      pace.slowest = Math.max(pace.slowest, pace.last)
      pace.untried = 0
      task.resolve(value)
    } catch (problem) {
      if (!(problem instanceof WorkerLost)) task.reject(runFault(id, problem))
      else if (problem.hung) {
        if (pace.slowest === 0) pace.untried = Math.min(2 * given, longestUntried)
        task.reject(new Fault('deadline-exceeded', `${id}: the run did not end by its deadline and was stopped`))
      } else if (++task.losses < mostLosses && call.stopAt === undefined) waiting.unshift(task)
      else task.reject(new Fault('internal', `${id}: ${problem.message}, ${task.losses} times with this call`))
    }
    handOut()
  }

  function dispose(network: number): Promise<unknown> {
    networks.delete(network)
    if (networks.size > 0) return Promise.all(members.map((member) => member.release(network)))
    for (const member of members) member.end()
    members = []
    return Promise.resolve()
  }

  return {
    async load({ bytes: given, id, options, queue }) {
      const bytes = isPart(given) ? ownData(given) : given
      numbered += 1
      const network = numbered
      const orders: NetworkOrders = { load: { kind: 'load', network, bytes, options } }
      networks.set(network, orders)
      if (members.length === 0)
        members = Array.from({ length: workers }, () =>
          poolMember({ start, networks, longestLoadMs, onFree: handOut, onEnding }),
        )
      let loaded: WorkerValue
      try {
        // The others may still be at another network's run.
        loaded = await Promise.any(members.map((member) => loadBy(member, network)))
      } catch (problem) {
        await dispose(network)
        const { errors } = problem as AggregateError
        // What the runtime says of the file says more than that a thread is gone.
        const cause = errors.find((one) => !(one instanceof WorkerLost)) ?? errors[0]
        throw cause instanceof WorkerLost
          ? new Fault('unavailable', `${id}: no worker could load the network: ${cause.message}`, { cause })
          : loadFault(id, cause)
      }
      const pace: Pace = { last: 0, slowest: 0, untried: 0 }
      const running = new Set<Promise<unknown>>()
      let disposal: Promise<void> | undefined
      return {
        inputs: (loaded.inputs ?? []).map(normalised),
        outputs: (loaded.outputs ?? []).map(normalised),
        parallel: workers,
        get leftBehind() {
          return ending.size
        },
        get lastRunMs() {
          return pace.last
        },
        async run(feeds, call) {
          if (disposal !== undefined) throw new Fault('unavailable', `${id} was disposed`)
          if (running.size >= queue + workers) throw overload(id, queue)
          let timer: ReturnType<typeof setTimeout> | undefined
          const ended = new Promise<WorkerValue>((resolve, reject) => {
            const task = { network, feeds, call, id, pace, losses: 0, resolve, reject }
            waiting.push(task)
            timer = setTimeout(() => expire(task), Math.min(Math.max(call.deadline - Date.now(), 0), longestDelayMs))
          })
          running.add(ended)
          handOut()
          try {
            return (await ended).results ?? {}
          } finally {
            clearTimeout(timer)
            running.delete(ended)
          }
        },
        async warmUp(feeds) {
          // Their owner may write other numbers into them later.
          orders.warmUp = { kind: 'run', network, feeds: withEach(feeds, copied) }
          await Promise.all(members.map((member) => member.warmUp(network)))
        },
        dispose() {
          disposal ??= Promise.allSettled(running).then(async () => {
            await dispose(network)
          })
          return disposal
        },
      }
    },
  }
}

function withEach(feeds: Tensors, change: (tensor: OnnxTensor) => OnnxTensor): Tensors {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, change(tensor)]))
}
