import { nextTurn } from './event-loop.ts'
import type { WorkerOrder, WorkerReply, WorkerValue } from './network-worker.ts'
import { startThread, type WorkerThread } from './worker-thread.ts'

/** One place in a pool. The thread in it is replaced where it hangs or dies, and the new one gets all networks again. */
export interface PoolMember {
  /** Whether it has the network and nothing to run. */
  isFreeFor(network: number): boolean
  load(network: number): Promise<WorkerValue>
  /** Runs one call. Where it has not ended after `patienceMs`, the thread is ended and this throws `WorkerLost`. */
  run(order: WorkerOrder & { kind: 'run' }, patienceMs: number): Promise<WorkerValue>
  release(network: number): Promise<void>
  end(): void
}

/** The thread is gone and with it what it was doing. */
export class WorkerLost extends Error {
  constructor(
    why: string,
    /** Whether it was ended here, since a run took too long. */
    readonly hung: boolean,
  ) {
    super(why)
    this.name = 'WorkerLost'
  }
}

export interface PoolMemberDefinition {
  readonly start: WorkerOrder
  /** The networks that every thread must have, by their numbers. */
  readonly networks: ReadonlyMap<number, WorkerOrder>
  /** Called whenever it can take something on. */
  onFree(): void
}

const longestDelay = 2 ** 31 - 1
const longestRestartDelayMs = 10_000

export function poolMember({ start, networks, onFree }: PoolMemberDefinition): PoolMember {
  const answers = new Map<number, { resolve(value: WorkerValue): void; reject(problem: unknown): void }>()
  const loads = new Map<number, Promise<WorkerValue>>()
  const loaded = new Set<number>()
  let thread: WorkerThread | undefined
  let started: Promise<WorkerValue>
  let busy = false
  let ended = false
  let hasServed = false
  let asked = 0
  let restarts = 0

  function ask(order: WorkerOrder): Promise<WorkerValue> {
    asked += 1
    const id = asked
    return new Promise((resolve, reject) => {
      answers.set(id, { resolve, reject })
      thread?.hold(true)
      thread?.post({ id, order })
    })
  }

  function onReply(reply: WorkerReply): void {
    const answer = answers.get(reply.id)
    answers.delete(reply.id)
    if (answers.size === 0) thread?.hold(false)
    if ('problem' in reply) answer?.reject(new Error(reply.problem))
    else answer?.resolve(reply.value)
  }

  function begin(pause: Promise<void>): void {
    started = pause.then(async () => {
      if (ended) throw new WorkerLost('the pool has ended', false)
      thread = startThread({ onReply, onEnd: (why) => lose(`the worker ended: ${why}`, false) })
      try {
        return await ask(start)
      } catch (problem) {
        if (problem instanceof WorkerLost) throw problem
        const why = `the worker cannot use the runtime: ${(problem as Error).message}`
        // What has worked once may work again, as where a page was offline for a moment.
        if (hasServed) lose(why, false)
        throw new WorkerLost(why, false)
      }
    })
    started.catch(() => {})
    for (const network of networks.keys()) load(network).then(onFree, () => {})
  }

  function load(network: number): Promise<WorkerValue> {
    const known = loads.get(network)
    if (known !== undefined) return known
    const loading = started.then(async () => {
      const order = networks.get(network)
      if (order === undefined) throw new Error('the network was disposed while it was loaded')
      const value = await ask(order)
      loaded.add(network)
      hasServed = true
      restarts = 0
      return value
    })
    loads.set(network, loading)
    return loading
  }

  function lose(why: string, hung: boolean): void {
    if (ended) return
    thread?.terminate()
    const lost = [...answers.values()]
    answers.clear()
    loads.clear()
    loaded.clear()
    busy = false
    // One that dies while it starts would die again at once.
    begin(pauseOf(restarts === 0 ? 0 : Math.min(50 * 2 ** restarts, longestRestartDelayMs)))
    restarts += 1
    for (const answer of lost) answer.reject(new WorkerLost(why, hung))
  }

  begin(Promise.resolve())
  return {
    isFreeFor: (network) => !busy && loaded.has(network),
    load,
    async run(order, patienceMs) {
      busy = true
      const current = thread
      const timer = setTimeout(
        () => lose('the worker was ended: a run did not end by its deadline', true),
        Math.min(Math.max(patienceMs, 0), longestDelay),
      )
      try {
        return await ask(order)
      } finally {
        clearTimeout(timer)
        if (thread === current) busy = false
        onFree()
      }
    },
    async release(network) {
      loads.delete(network)
      if (loaded.delete(network)) await ask({ kind: 'release', network }).catch(() => {})
    },
    end() {
      ended = true
      thread?.terminate()
      for (const answer of answers.values()) answer.reject(new WorkerLost('the pool has ended', false))
      answers.clear()
    },
  }
}

/** Starting a thread takes this one a moment, so whoever was waiting for the lost one is told before. */
function pauseOf(ms: number): Promise<void> {
  return new Promise((resolve) => (ms === 0 ? nextTurn(resolve) : setTimeout(resolve, ms)))
}
