import { nextTurn } from './event-loop.ts'

/**
 * Overlapping runs corrupt the runtime's memory, even of different sessions and even of different copies of this
 * package, so everything that enters the runtime waits here for its turn: one queue a realm. The first copy that is
 * loaded makes it for all.
 */
interface Realm {
  /** Nothing where the caller is inside at once, else a promise of its turn. Whoever is inside must leave. */
  enter(): Promise<void> | undefined
  leave(): void
  /** Whether somebody is inside, so that whoever enters has to wait. */
  isBusy(): boolean
}

/** Milliseconds. A turn of the event loop costs as much as several small runs. */
const longestWithoutTimers = 16

function openRealm(): Realm {
  const waiting: (() => void)[] = []
  let next = 0
  let busy = false
  /** When the event loop last had its turn, known while a mark waits for the next one. */
  let turnBegan = 0
  let marked = false
  const clearMark = () => {
    marked = false
  }

  /** A run that follows another at once would starve every timer. */
  function starvesTimers(): boolean {
    const now = performance.now()
    if (marked) return now - turnBegan > longestWithoutTimers
    marked = true
    turnBegan = now
    nextTurn(clearMark)
    return false
  }

  return {
    isBusy: () => busy,
    enter() {
      if (busy) return new Promise((resolve) => waiting.push(resolve))
      busy = true
      return starvesTimers() ? new Promise(nextTurn) : undefined
    },
    leave() {
      const admit = waiting[next]
      if (admit === undefined) {
        busy = false
        waiting.length = 0
        next = 0
        return
      }
      next += 1
      if (next > 1024) {
        waiting.splice(0, next)
        next = 0
      }
      if (starvesTimers()) nextTurn(admit)
      else admit()
    },
  }
}

const key = Symbol.for('dinrail.onnx.realm/1')
const holder = globalThis as { [key]?: Realm }
holder[key] ??= openRealm()
const realm: Realm = holder[key]

export const enterRealm: Realm['enter'] = realm.enter
export const leaveRealm: Realm['leave'] = realm.leave
export const isRealmBusy: Realm['isBusy'] = realm.isBusy

/** Does a task while nothing else is inside the runtime. */
export async function insideRealm<T>(task: () => Promise<T>): Promise<T> {
  await enterRealm()
  try {
    return await task()
  } finally {
    leaveRealm()
  }
}
