import { expect, it } from 'vitest'
import { BoundedRequest } from './bounded-request.ts'

it.each([{}, { attemptMs: 1_000 }])('a call that was over before sends nothing: %o', async (timeouts) => {
  const reason = new Error('nobody wants it any more')
  let sent = 0
  const request = new BoundedRequest({
    send: () => {
      sent += 1
      return new Promise(() => {})
    },
    request: { url: 'http://plant/v1', headers: {}, body: '{}' },
    host: 'plant',
    timeouts,
    totalDue: undefined,
    signal: AbortSignal.abort(reason),
    longestAnswer: 1_000,
  })
  await expect(request.open()).rejects.toBe(reason)
  expect(sent).toBe(0)
})
