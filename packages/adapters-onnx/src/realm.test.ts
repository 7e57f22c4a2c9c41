import { describe, expect, it } from 'vitest'
import { enterRealm, insideRealm, leaveRealm } from './realm.ts'

describe('the realm', () => {
  it('lets in at once whoever finds it empty', () => {
    expect(enterRealm()).toBeUndefined()
    leaveRealm()
  })

  it('lets one in after the other, in the order in which they came, whatever becomes of them', async () => {
    let inside = 0
    let most = 0
    const order: number[] = []
    const work = Array.from({ length: 3_000 }, (_, index) =>
      insideRealm(async () => {
        inside += 1
        most = Math.max(most, inside)
        await (index % 3 === 0 ? new Promise(setImmediate) : undefined)
        order.push(index)
        inside -= 1
        if (index % 7 === 0) throw new Error('a run that fails')
      }).catch(() => {}),
    )
    await Promise.all(work)
    expect(most).toBe(1)
    expect(order).toEqual(work.map((_, index) => index))
    await new Promise(setImmediate)
    expect(enterRealm()).toBeUndefined()
    leaveRealm()
  })

  it('is one for all copies of the package', async () => {
    const elsewhere = (globalThis as unknown as Record<symbol, { enter(): Promise<void> | undefined; leave(): void }>)[
      Symbol.for('dinrail.onnx.realm/1')
    ]!
    await elsewhere.enter()
    let entered = false
    const here = insideRealm(async () => {
      entered = true
    })
    await new Promise(setImmediate)
    expect(entered).toBe(false)
    elsewhere.leave()
    await here
    expect(entered).toBe(true)
  })

  it.each([
    ['one awaited after the other', (work: () => Promise<void>) => work()],
    ['all at once', (work: () => Promise<void>) => Promise.all(Array.from({ length: 500 }, work))],
  ])('lets timers run every few milliseconds while runs follow each other: %s', async (_, round) => {
    let ticks = 0
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      ticks += 1
    }, 1)
    const busy = (ms: number) => {
      const until = performance.now() + ms
      while (performance.now() < until);
    }
    const started = performance.now()
    while (performance.now() - started < 300) await round(() => insideRealm(async () => busy(0.2)))
    clearInterval(timer)
    // Without a turn for the event loop there would be none at all.
    expect(ticks).toBeGreaterThan(5)
    expect(longest).toBeLessThan(200)
  })
})
