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
  // Node looks for the global one anew each time, which takes as long as reading it.
  const clock = performance
  const waiting: (() => void)[] = []
  let next = 0
  let busy = false
  /** When the event loop last had its turn, known while a mark waits for the next one. */
  let turnBegan = 0
  let marked = false
  let runs = 0
  /** At how many runs in this turn the clock is read again: for a small network that takes a noticeable part of its run. */
  let readAgainAt = 0
  const clearMark = () => {
    marked = false
  }

  /** A run that follows another at once would starve every timer. */
  function starvesTimers(): boolean {
    if (!marked) {
      marked = true
      turnBegan = clock.now()
      runs = 0
      readAgainAt = 1
      nextTurn(clearMark)
      return false
    }
    runs += 1
    if (runs < readAgainAt) return false
    const waited = clock.now() - turnBegan
    // As many runs again take about as long again.
    readAgainAt = waited < longestWithoutTimers / 2 ? Math.min(2 * runs, runs + 8) : runs + 1
    return waited > longestWithoutTimers
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
        // To empty what is empty takes as long as all the rest here.
        if (next > 0) waiting.length = 0
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
