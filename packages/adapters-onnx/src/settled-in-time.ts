import { Fault } from '@dinrail/core'
import { longestDelayMs } from './event-loop.ts'
import type { NetworkCall } from './network.ts'

/** The work's end, or the deadline or the caller's end where they come first. The work itself goes on. */
export function settledInTime<T>(id: string, work: Promise<T>, { deadline, signal }: NetworkCall): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => end(() => reject(Fault.from(signal.reason)))
    const onLate = () =>
      end(() => reject(new Fault('deadline-exceeded', `${id}: the network did not answer by the deadline`)))
    const timer = setTimeout(onLate, Math.min(Math.max(deadline - Date.now(), 0), longestDelayMs))
    function end(settle: () => void): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    work.then(
      (value) => end(() => resolve(value)),
      (problem) => end(() => reject(problem)),
    )
  })
}
