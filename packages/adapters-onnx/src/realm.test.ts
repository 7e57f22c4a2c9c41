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
    ['one awaited after the other', 1],
    ['all at once', 500],
  ])('lets timers run every few milliseconds while runs follow each other: %s', async (_, together) => {
    let ticks = 0
    let runsBetween = 0
    let most = 0
    const timer = setInterval(() => {
      most = Math.max(most, runsBetween)
      runsBetween = 0
      ticks += 1
    }, 1)
    const busy = async () => {
      runsBetween += 1
      const until = performance.now() + 0.2
      while (performance.now() < until);
    }
    for (let runs = 0; runs < 2_000; runs += together)
      await Promise.all(Array.from({ length: together }, () => insideRealm(busy)))
    clearInterval(timer)
    // Without a turn for the event loop there would be none at all.
    expect(ticks).toBeGreaterThan(5)
    // Sixteen milliseconds of them are 80, however busy the machine is.
    expect(most).toBeLessThan(200)
  })
})
