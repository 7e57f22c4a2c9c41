import { Fault } from '@dinrail/core'

/**
 * Overlapping runs corrupt the runtime's memory, even of different sessions and even of different copies of this
 * package, so everything that enters the runtime waits here for its turn: one queue a realm.
 */
interface Realm {
  last: Promise<unknown>
  /** When the event loop last had its turn; a run that follows another at once would starve every timer. */
  yieldedAt: number
}

const key = Symbol.for('dinrail.onnx.realm')
const holder = globalThis as { [key]?: Realm }
holder[key] ??= { last: Promise.resolve(), yieldedAt: 0 }
const realm: Realm = holder[key]

const longestWithoutTimers = 8

/** Runs a task when nothing else is inside the runtime. A task whose signal aborts while it waits never starts. */
export function insideRealm<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const turn = realm.last.then(async () => {
    if (performance.now() - realm.yieldedAt > longestWithoutTimers) {
      await eventLoopTurn()
      realm.yieldedAt = performance.now()
    }
    if (signal?.aborted) throw Fault.from(signal.reason)
    return task()
  })
  realm.last = turn.catch(() => {})
  return turn
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve)
  })
}
