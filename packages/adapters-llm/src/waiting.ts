import type { RunContext } from '@dinrail/core'

/** One call of a model: its context, and when its total timeout passes. */
export interface OpenCall {
  readonly context: RunContext
  readonly totalDue: number | undefined
}

const firstPauseMs = 250
const longestPauseMs = 8_000

/** How long to wait before the next attempt: twice as long each time, and any part of that, so that callers do not come all at once. */
export function pauseBefore(attempt: number): number {
  return Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** attempt)
}

/** Whether a call still runs after so many milliseconds. */
export function hasTime({ context, totalDue = Number.POSITIVE_INFINITY }: OpenCall, waitMs: number): boolean {
  return Date.now() + waitMs < Math.min(context.deadline, totalDue)
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
