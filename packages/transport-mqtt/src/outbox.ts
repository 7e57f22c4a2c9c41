import { Fault } from '@dinrail/core'

/** Where the outbox hands its payloads. `written` is called once the socket can take more, or never when it dies. */
export type Publish = (
  address: string,
  payload: Uint8Array,
  expiresInMs: number,
  written: (problem?: Error | null) => void,
) => void

export interface OutboxLimits {
  /** A larger frame is refused; the broker may have a say, so it is asked for each frame. */
  maximumFrameBytes(): number
  /** More than this is never kept waiting. */
  readonly maximumWaitingBytes: number
}

/** Frames on their way to the socket. */
export interface Outbox {
  /** Settles when the frame is written, at the latest after `expiresInMs`. */
  send(address: string, frame: Uint8Array, expiresInMs: number): Promise<void>
  /** The connection is gone: all that waits fails, and nothing of it is sent later. */
  fail(fault: Fault): void
}

interface Waiting {
  readonly frame: Uint8Array
  readonly expiresAt: number
  settle(fault?: Fault): void
}

/** Frames of one address are put together up to this size; a single frame may be larger. */
const batchBytes = 1024 * 1024
const longestTimer = 2 ** 31 - 1

/**
 * Frames of one tick to one address leave in one PUBLISH. At most one PUBLISH waits for the socket: MQTT.js has no
 * back-pressure of its own at QoS 0, and what waits here can still expire.
 */
export function outbox(publish: Publish, limits: OutboxLimits): Outbox {
  const queues = new Map<string, Waiting[]>()
  let inFlight: readonly Waiting[] | undefined
  let waitingBytes = 0
  let scheduled = false
  let alarm: ReturnType<typeof setTimeout> | undefined
  /** No frame that waits expires before this. */
  let earliest = Number.POSITIVE_INFINITY
  let alarmAt = Number.POSITIVE_INFINITY

  function flush(): void {
    scheduled = false
    while (inFlight === undefined) {
      const next = queues.entries().next()
      if (next.done) break
      const [address, queue] = next.value
      // An address that has more goes to the end, so that one busy address does not starve the others.
      queues.delete(address)
      const batch = takeBatch(queue).filter(isTimely)
      if (queue.length > 0) queues.set(address, queue)
      if (batch.length > 0) write(address, batch)
    }
    watchExpiry()
  }

  function write(address: string, batch: readonly Waiting[]): void {
    inFlight = batch
    let atOnce = true
    const written = (problem?: Error | null) => {
      // A callback that comes after the connection was given up says nothing about what is in flight now.
      if (inFlight !== batch) return
      inFlight = undefined
      const fault = problem
        ? new Fault('unavailable', `the frame was not sent: ${problem.message}`, { cause: problem })
        : undefined
      for (const one of batch) release(one, fault)
      if (!atOnce) flush()
    }
    const last = batch.reduce((latest, { expiresAt }) => Math.max(latest, expiresAt), 0)
    publish(address, joined(batch), last - performance.now(), written)
    atOnce = false
  }

  function release(one: Waiting, fault?: Fault): void {
    waitingBytes -= one.frame.length
    one.settle(fault)
  }

  function isTimely(one: Waiting): boolean {
    if (one.expiresAt > performance.now()) return true
    release(one, expired())
    return false
  }

  /** A socket that neither drains nor closes is noticed by the clock alone. */
  function watchExpiry(): void {
    if (inFlight === undefined && queues.size === 0) {
      clearTimeout(alarm)
      earliest = alarmAt = Number.POSITIVE_INFINITY
    } else if (earliest < alarmAt) {
      clearTimeout(alarm)
      alarmAt = earliest
      alarm = setTimeout(expire, Math.min(Math.max(earliest - performance.now(), 0) + 1, longestTimer))
    }
  }

  function expire(): void {
    earliest = alarmAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const one of inFlight ?? []) {
      // Its bytes stay counted until the socket has taken or lost them.
      if (one.expiresAt <= now) one.settle(expired())
      else earliest = Math.min(earliest, one.expiresAt)
    }
    for (const [address, queue] of queues) {
      const timely = queue.filter(isTimely)
      for (const one of timely) earliest = Math.min(earliest, one.expiresAt)
      if (timely.length === 0) queues.delete(address)
      else queues.set(address, timely)
    }
    watchExpiry()
  }

  return {
    send(address, frame, expiresInMs) {
      if (frame.length > limits.maximumFrameBytes())
        return Promise.reject(tooLarge(frame.length, limits.maximumFrameBytes()))
      if (!(expiresInMs > 0)) return Promise.reject(expired())
      if (waitingBytes > 0 && waitingBytes + frame.length > limits.maximumWaitingBytes)
        return Promise.reject(
          new Fault(
            'overloaded',
            `${waitingBytes} bytes already wait for the broker, and ${limits.maximumWaitingBytes} may: send less, or later`,
          ),
        )
      return new Promise((resolve, reject) => {
        const expiresAt = performance.now() + expiresInMs
        const queue = queues.get(address) ?? []
        queues.set(address, queue)
        queue.push({ frame, expiresAt, settle: (fault) => (fault === undefined ? resolve() : reject(fault)) })
        waitingBytes += frame.length
        earliest = Math.min(earliest, expiresAt)
        if (inFlight !== undefined) watchExpiry()
        else if (!scheduled) {
          scheduled = true
          atTickEnd(flush)
        }
      })
    },
    fail(fault) {
      const all = [inFlight ?? [], ...queues.values()].flat()
      inFlight = undefined
      queues.clear()
      watchExpiry()
      for (const one of all) release(one, fault)
    },
  }
}

/** After the replies to one PUBLISH have all been made, so that they too travel together. */
const atTickEnd: (action: () => void) => void =
  typeof setImmediate === 'function' ? (action) => void setImmediate(action) : queueMicrotask

/** The longest beginning of a queue that may travel as one payload, taken out of it. */
function takeBatch(queue: Waiting[]): Waiting[] {
  let count = 1
  let bytes = queue[0]!.frame.length
  if (isJoinable(queue[0]!.frame))
    while (count < queue.length && isJoinable(queue[count]!.frame) && bytes + queue[count]!.frame.length <= batchBytes)
      bytes += queue[count++]!.frame.length
  return queue.splice(0, count)
}

/** Frames say where they end and keep the next one aligned (spec, *Messages*). Any other bytes travel alone. */
function isJoinable(frame: Uint8Array): boolean {
  return frame.length % 8 === 0 && frame[0] === 0x44 && frame[1] === 0x52
}

function joined(batch: readonly Waiting[]): Uint8Array {
  if (batch.length === 1) return batch[0]!.frame
  const bytes = new Uint8Array(batch.reduce((sum, { frame }) => sum + frame.length, 0))
  let offset = 0
  for (const { frame } of batch) {
    bytes.set(frame, offset)
    offset += frame.length
  }
  return bytes
}

function expired(): Fault {
  return new Fault('unavailable', 'the frame expired before the broker took it: the connection is dead or overloaded')
}

function tooLarge(bytes: number, limit: number): Fault {
  return new Fault(
    'invalid-input',
    `the frame has ${bytes} bytes and this transport carries at most ${limit}: send less in one call, or raise maximumFrameBytes and the broker's own limit`,
  )
}
