/** Something that has to end by a certain time. */
export interface Bounded {
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
  expire(): void
  /** Its neighbours among those that wait; nobody else touches them. */
  before: Bounded | undefined
  after: Bounded | undefined
}

/** The longest delay that a timer can hold is 2^31 - 1 ms, about 25 days. */
const longestDelayMs = 2 ** 31 - 1
/** Overdue calls are looked for at most this often, so that thousands of hung calls cost one pass and not one timer each. */
const granularityMs = 4

/** A list that each member is linked into: entering and leaving costs two assignments, where a set costs a hash and a rehash. */
let first: Bounded | undefined
let timer: ReturnType<typeof setTimeout> | undefined
let wakeAt = Number.POSITIVE_INFINITY
/** Whether the timer keeps the process alive, as it must while somebody waits and must not when nobody does. */
let keepsAlive = true
let idleCheckDue = false

/** Expires `bounded` at its deadline unless it is let go before. One timer serves all: starting one for each call costs more than the call. */
export function keepDeadline(bounded: Bounded): void {
  bounded.before = undefined
  bounded.after = first
  if (first !== undefined) first.before = bounded
  first = bounded
  if (bounded.deadline < wakeAt) wake(bounded.deadline)
  else if (!keepsAlive) setAlive(true)
}

export function letGo(bounded: Bounded): void {
  unlink(bounded)
  // Calls often follow each other at once: whether the last one has gone is looked at a moment later, not at each.
  if (first !== undefined || !keepsAlive || idleCheckDue) return
  idleCheckDue = true
  setTimeout(restIfIdle, 1)
}

/** Leaving twice, or without having entered, changes nothing. */
function unlink(bounded: Bounded): void {
  const { before, after } = bounded
  if (before !== undefined) before.after = after
  else if (first === bounded) first = after
  if (after !== undefined) after.before = before
  bounded.before = undefined
  bounded.after = undefined
}

function wake(at: number): void {
  clearTimeout(timer)
  wakeAt = at
  keepsAlive = true
  timer = setTimeout(expireOverdue, Math.min(Math.max(at - Date.now(), 0), longestDelayMs))
}

function expireOverdue(): void {
  const now = Date.now()
  let next = Number.POSITIVE_INFINITY
  timer = undefined
  wakeAt = next
  const overdue: Bounded[] = []
  for (let bounded = first; bounded !== undefined; bounded = bounded.after)
    if (bounded.deadline <= now) overdue.push(bounded)
    else if (bounded.deadline < next) next = bounded.deadline
  for (const bounded of overdue) {
    unlink(bounded)
    bounded.expire()
  }
  // A call that began meanwhile may have set an earlier hour.
  if (next < wakeAt) wake(Math.max(next, now + granularityMs))
}

function restIfIdle(): void {
  idleCheckDue = false
  if (first === undefined) setAlive(false)
}

/** Only Node's timers keep a process alive; those of browsers are numbers. */
function setAlive(alive: boolean): void {
  keepsAlive = alive
  const handle = timer as { ref?(): void; unref?(): void } | undefined
  handle?.[alive ? 'ref' : 'unref']?.()
}
