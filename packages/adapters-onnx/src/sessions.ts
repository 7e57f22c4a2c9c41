import { type Caller, Fault } from '@dinrail/core'
import type { SessionBounds } from './contract.ts'
import { overload } from './network.ts'
import type { Memory } from './onnx-input.ts'

/** What a network remembers of those who call it, each apart from all others. */
export interface Sessions {
  /** The session of a call. Throws `invalid-input` where nobody can tell whose it is, and `overloaded` where there is no room. */
  of(caller: Caller, name: string | undefined): Session
  /** A session that ends only when it is closed. */
  open(): Session
  readonly count: number
}

export interface Session {
  readonly memory: Memory
  /** Whether nothing is remembered in it yet. */
  isNew: boolean
  /**
   * Runs one call after the other: each needs the state that the one before left. Throws `overloaded` where too many wait, and
   * `unavailable` once it is closed.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** Forgets what is remembered, once the calls in flight have ended. */
  close(): Promise<void>
}

interface Kept extends Session {
  busy: number
  usedAt: number
}

/** `queue` is how many calls may wait in one session. */
export function sessions(id: string, { most = 256, idleMs = 600_000 }: SessionBounds = {}, queue = 4096): Sessions {
  if (!(Number.isInteger(most) && most > 0 && idleMs > 0))
    throw new TypeError(`${id}: sessions.most is a whole number above 0, idleMs a number above 0`)
  const named = new Map<string, Kept>()
  const opened = new Set<Kept>()

  function makeRoom(now: number): void {
    if (named.size + opened.size < most) return
    for (const [key, one] of named) if (isOver(one, now)) named.delete(key)
    if (named.size + opened.size >= most)
      throw new Fault(
        'overloaded',
        `${id} remembers ${most} sessions: wait until one has been idle for ${idleMs} ms, or raise sessions.most`,
      )
  }

  const isOver = ({ busy, usedAt }: Kept, now: number) => busy === 0 && now - usedAt > idleMs

  function made(forget: () => void): Kept {
    let last: Promise<unknown> = Promise.resolve()
    let closing: Promise<void> | undefined
    const session: Kept = {
      memory: { states: new Map(), rows: new Map(), nextRows: new Map(), doubtful: 0, filling: undefined },
      isNew: true,
      busy: 0,
      usedAt: performance.now(),
      inTurn(work) {
        if (closing !== undefined)
          return Promise.reject(
            new Fault('unavailable', `${id}: this session was closed: open another one`, { retryable: false }),
          )
        if (session.busy > queue) return Promise.reject(overload(id, queue))
        session.busy += 1
        const turn = last.then(work).finally(() => {
          session.busy -= 1
          session.usedAt = performance.now()
        })
        last = turn.catch(() => {})
        return turn
      },
      close() {
        closing ??= last.then(() => {
          session.memory.states.clear()
          session.memory.rows.clear()
        })
        forget()
        return closing
      },
    }
    return session
  }

  return {
    of(caller, name) {
      if (name === undefined && caller.id === 'anonymous')
        throw new Fault(
          'invalid-input',
          `/input/session is missing: ${id} remembers what each session sent, and an anonymous caller has none of its own. ` +
            'State a session, a caller, or use openSession()',
          { field: '/input/session' },
        )
      const now = performance.now()
      const key = JSON.stringify([caller.id, name])
      const known = named.get(key)
      if (known !== undefined && !isOver(known, now)) return known
      named.delete(key)
      makeRoom(now)
      const fresh = made(() => named.delete(key))
      named.set(key, fresh)
      return fresh
    },
    open() {
      makeRoom(performance.now())
      const session = made(() => opened.delete(session))
      opened.add(session)
      return session
    },
    get count() {
      return named.size + opened.size
    },
  }
}
