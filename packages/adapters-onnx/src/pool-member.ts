import { longestDelayMs, nextTurn } from './event-loop.ts'
import type { WorkerOrder, WorkerReply, WorkerValue } from './network-worker.ts'
import { startThread, type WorkerThread } from './worker-thread.ts'

/** One place in a pool. The thread in it is replaced where it hangs or dies, and the new one gets all networks again. */
export interface PoolMember {
  /** Whether it has the network and nothing to run or to load. */
  isFreeFor(network: number): boolean
  /** Throws `WorkerLost` where the thread is gone before; the next one loads it too, and calling again gives that one's answer. */
  load(network: number): Promise<WorkerValue>
  /**
   * Makes the run that is to be made before calls come, unless the network has run here. Settles once it has, or at once where
   * the thread is at another run: then it is made after that.
   */
  warmUp(network: number): Promise<void>
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

/** What every thread is told of a network. */
export interface NetworkOrders {
  readonly load: WorkerOrder
  /** A first run may take many times as long as all later ones: once this is known, each thread makes it before it takes calls. */
  warmUp?: WorkerOrder
}

export interface PoolMemberDefinition {
  readonly start: WorkerOrder
  /** The networks that every thread must have, by their numbers. */
  readonly networks: ReadonlyMap<number, NetworkOrders>
  /** Milliseconds after which a thread that still loads a network is ended; the next one does not try that network. */
  readonly longestLoadMs: number
  /** Called whenever it can take something on. */
  onFree(): void
  /** Called with every thread that is ended: what it is given settles when that has stopped. */
  onEnding(stopped: Promise<void>): void
}

const longestRestartDelayMs = 10_000

export function poolMember({ start, networks, longestLoadMs, onFree, onEnding }: PoolMemberDefinition): PoolMember {
  const answers = new Map<number, { resolve(value: WorkerValue): void; reject(problem: unknown): void }>()
  const loads = new Map<number, Promise<WorkerValue>>()
  const loaded = new Set<number>()
  /** Those that have run in this thread. */
  const warm = new Set<number>()
  const endless = new Set<number>()
  const forIdle: (() => void)[] = []
  let thread: WorkerThread | undefined
  let started: Promise<WorkerValue>
  let busy = false
  /** Networks that are loaded or wait for it: no run begins before, since it would take its time from theirs. */
  let loading = 0
  let lost: WorkerLost | undefined
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
    for (const network of networks.keys()) load(network).catch(() => {})
  }

  function load(network: number): Promise<WorkerValue> {
    const known = loads.get(network)
    if (known !== undefined) return known
    const isLoaded = started.then(() => loadNow(network))
    loads.set(network, isLoaded)
    return isLoaded
  }

  async function loadNow(network: number): Promise<WorkerValue> {
    loading += 1
    const before = lost
    try {
      while (busy) await new Promise<void>((resolve) => forIdle.push(resolve))
      if (lost !== undefined && lost !== before) throw lost
      if (endless.has(network)) throw new WorkerLost(tooSlow, false)
      const orders = networks.get(network)
      if (orders === undefined) throw new Error('the network was disposed before it was loaded')
      const value = await inTimeToLoad(network, ask(orders.load))
      await warmNow(network, orders)
      hasServed = true
      restarts = 0
      // Whoever disposed of it meanwhile found nothing to release here.
      if (networks.has(network)) loaded.add(network)
      else await ask({ kind: 'release', network })
      return value
    } finally {
      loading -= 1
      onFree()
    }
  }

  async function warmNow(network: number, { warmUp }: NetworkOrders): Promise<void> {
    if (warmUp === undefined || warm.has(network)) return
    try {
      await inTimeToLoad(network, ask(warmUp))
      warm.add(network)
    } catch (problem) {
      // What fails here has been answered elsewhere: calls say whether it fails for them.
      if (problem instanceof WorkerLost) throw problem
    }
  }

  async function warmLater(network: number): Promise<void> {
    loading += 1
    try {
      while (busy) await new Promise<void>((resolve) => forIdle.push(resolve))
      const orders = networks.get(network)
      if (orders !== undefined && loaded.has(network)) await warmNow(network, orders)
    } finally {
      loading -= 1
      onFree()
    }
  }

  function inTimeToLoad(network: number, work: Promise<WorkerValue>): Promise<WorkerValue> {
    return within(longestLoadMs, work, () => {
      endless.add(network)
      lose(tooSlow, false)
    })
  }

  const tooSlow = `a network did not load within ${longestLoadMs} ms`

  function lose(why: string, hung: boolean): void {
    if (ended) return
    endThread()
    lost = new WorkerLost(why, hung)
    const unanswered = [...answers.values()]
    answers.clear()
    loads.clear()
    loaded.clear()
    warm.clear()
    becomeIdle()
    // One that dies while it starts would die again at once.
    begin(pauseOf(restarts === 0 ? 0 : Math.min(50 * 2 ** restarts, longestRestartDelayMs)))
    restarts += 1
    for (const answer of unanswered) answer.reject(lost)
  }

  function endThread(): void {
    if (thread !== undefined) onEnding(thread.terminate())
    thread = undefined
  }

  function becomeIdle(): void {
    busy = false
    for (const resolve of forIdle.splice(0)) resolve()
  }

  begin(Promise.resolve())
  return {
    isFreeFor: (network) => !busy && loading === 0 && loaded.has(network),
    load,
    async warmUp(network) {
      const isElsewhere = busy
      const work = (loaded.has(network) ? warmLater(network) : load(network)).catch(() => {})
      if (!isElsewhere) await work
    },
    async run(order, patienceMs) {
      busy = true
      const current = thread
      try {
        const value = await within(patienceMs, ask(order), () =>
          lose('the worker was ended: a run did not end by its deadline', true),
        )
        warm.add(order.network)
        return value
      } finally {
        if (thread === current) becomeIdle()
        onFree()
      }
    },
    async release(network) {
      loads.delete(network)
      warm.delete(network)
      if (loaded.delete(network)) await ask({ kind: 'release', network }).catch(() => {})
    },
    end() {
      ended = true
      endThread()
      lost = new WorkerLost('the pool has ended', false)
      for (const answer of answers.values()) answer.reject(lost)
      answers.clear()
      becomeIdle()
    },
  }
}

/** The work's end; where it has not come after so many milliseconds, `onLate` is called, once. */
async function within<T>(ms: number, work: Promise<T>, onLate: () => void): Promise<T> {
  const timer = setTimeout(onLate, Math.min(Math.max(ms, 0), longestDelayMs))
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

/** Starting a thread takes this one a moment, so whoever was waiting for the lost one is told before. */
function pauseOf(ms: number): Promise<void> {
  return new Promise((resolve) => (ms === 0 ? nextTurn(resolve) : setTimeout(resolve, ms)))
}
