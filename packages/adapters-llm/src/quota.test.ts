import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QuotaKeeper } from './quota.ts'

describe('a quota', () => {
  it('never lets more through in any minute than it allows, nor more tokens, and keeps the order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 100, max: 500 }),
        fc.array(fc.record({ after: fc.nat({ max: 20_000 }), tokens: fc.nat({ max: 200 }) }), { maxLength: 40 }),
        (requestsPerMinute, tokensPerMinute, requests) => {
          const keeper = new QuotaKeeper({ requestsPerMinute, tokensPerMinute })
          const sent: { at: number; tokens: number }[] = []
          let now = 1_000_000
          for (const { after, tokens } of requests) {
            now += after
            sent.push({ at: now + keeper.take(tokens, now).waitMs, tokens })
          }
          for (const [i, { at }] of sent.entries()) {
            expect(at).toBeGreaterThanOrEqual(sent[i - 1]?.at ?? 0)
            const minute = sent.filter((one) => one.at > at - 60_000 && one.at <= at)
            expect(minute.length).toBeLessThanOrEqual(requestsPerMinute)
            const tokens = minute.reduce((sum, one) => sum + one.tokens, 0)
            if (minute.length > 1) expect(tokens).toBeLessThanOrEqual(tokensPerMinute)
          }
        },
      ),
    )
  })

  it('counts what a request really took, and nothing of one that was not sent', () => {
    const keeper = new QuotaKeeper({ tokensPerMinute: 100 })
    const first = keeper.take(90, 0)
    expect(keeper.take(90, 0).waitMs).toBe(60_000)
    const roomy = new QuotaKeeper({ tokensPerMinute: 100 })
    roomy.take(90, 0).took(10)
    expect(roomy.take(90, 0).waitMs).toBe(0)
    const empty = new QuotaKeeper({ tokensPerMinute: 100 })
    empty.take(90, 0).giveBack()
    expect(empty.take(90, 0).waitMs).toBe(0)
    expect(first.waitMs).toBe(0)
  })

  it('lets one through alone that is larger than itself', () => {
    const keeper = new QuotaKeeper({ tokensPerMinute: 100 })
    expect(keeper.take(500, 0).waitMs).toBe(0)
    expect(keeper.take(1, 0).waitMs).toBe(60_000)
  })

  it('comes to an end at moments that are no whole milliseconds', () => {
    const keeper = new QuotaKeeper({ requestsPerMinute: 1 })
    for (const now of [0.1, 0.3, 1_234.567_891]) expect(keeper.take(0, now).waitMs).toBeLessThan(200_000)
  })

  it('leaves the server alone for as long as it asked', () => {
    const keeper = new QuotaKeeper({})
    keeper.pause(4_000, 1_000)
    expect(keeper.take(0, 1_000).waitMs).toBe(4_000)
    expect(keeper.take(0, 6_000).waitMs).toBe(0)
    keeper.pause(1e12, 6_000)
    expect(keeper.take(0, 6_000).waitMs).toBe(3_600_000)
  })
})
