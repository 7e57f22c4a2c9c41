import { afterEach, expect, it, vi } from 'vitest'
import { pause } from './waiting.ts'

afterEach(() => void vi.useRealTimers())

it('a pause that nobody waits for leaves no timer behind', async () => {
  vi.useFakeTimers()
  const reason = new Error('given up')
  await expect(pause(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
  const controller = new AbortController()
  const waiting = pause(60_000, controller.signal)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  expect(vi.getTimerCount()).toBe(0)
})
