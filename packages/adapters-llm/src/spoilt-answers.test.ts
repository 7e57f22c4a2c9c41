import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  conversation,
  type Ending,
  type Fixture,
  fixtures,
  modelOf,
  type Read,
  readAnswer,
  sending,
} from './fixtures.test-support.ts'

const named = fixtures.map((fixture) => [`${fixture.protocol}: ${fixture.name}`, fixture] as const)

const read = (fixture: Fixture, pieces: readonly Uint8Array[], ending?: Ending) =>
  readAnswer(modelOf(fixture, sending(pieces, ending)), conversation(fixture.expected.earlier))

/** Every fault that an answer which was spoilt on its way may end in. */
const spoilt = ['unavailable', 'overloaded', 'invalid-input', 'denied', 'not-found']

function expectFaultOrWhole(found: Read, once: Read, why: string): void {
  const said = ({ reply }: Read) => JSON.stringify(reply?.output.content)
  if (found.fault === undefined) expect(said(found), why).toBe(said(once))
  else expect(spoilt, `${why}: ${found.fault.message}`).toContain(found.fault.code)
}

/** Whether the server had said by then that nothing more comes. */
const isOver = ({ bytes }: Fixture, at: number) => Buffer.from(bytes.subarray(0, at)).includes('data: [DONE]\n\n')

describe('an answer that is spoilt on its way', () => {
  it.each(named)('is a fault, or whole, when it is cut: %s', async (_, fixture) => {
    const once = await read(fixture, [fixture.bytes])
    for (let at = 0; at < fixture.bytes.length; at++) {
      const part = [fixture.bytes.subarray(0, at)]
      expectFaultOrWhole(await read(fixture, part), once, `ended at ${at}`)
      // What breaks off is a fault even where nothing seems to be missing, unless its server has said that it is whole.
      const broken = await read(fixture, part, 'break')
      if (isOver(fixture, at)) expectFaultOrWhole(broken, once, `broken off at ${at}`)
      else expect(broken.fault, `broken off at ${at}`).toBeDefined()
    }
  })

  it.each(named)('is a fault, or whole, when a byte is garbled: %s', async (_, fixture) => {
    const once = await read(fixture, [fixture.bytes])
    for (let at = 0; at < fixture.bytes.length; at++) {
      const garbled = fixture.bytes.slice()
      // The one is never UTF-8, the other never part of JSON.
      garbled[at] = at % 2 === 0 ? 0xff : 0x00
      expectFaultOrWhole(await read(fixture, [garbled]), once, `garbled at ${at}`)
    }
  })

  describe('in silence', () => {
    afterEach(() => void vi.useRealTimers())

    it.each(named)('is a fault that can fail over, wherever it stalls: %s', async (_, fixture) => {
      // Nobody waits here for the time that passes.
      vi.useFakeTimers()
      const { fault: own } = fixture.expected
      let open = fixture.bytes.length
      const stalls = Array.from(fixture.bytes, async (_byte, at) => {
        const send = sending([fixture.bytes.subarray(0, at)], 'stall')
        const found = await readAnswer(modelOf(fixture, send, { idleMs: 30 }), conversation(fixture.expected.earlier))
        open -= 1
        return [at, found] as const
      })
      while (open > 0) await vi.advanceTimersByTimeAsync(30)
      for (const [at, { fault, reply }] of await Promise.all(stalls)) {
        const why = `stalled at ${at}: ${fault?.message}`
        if (isOver(fixture, at)) {
          expect(reply?.output.finishReason, why).toBe(fixture.expected.finishReason)
          continue
        }
        expect(reply, why).toBeUndefined()
        if (own !== undefined && fault?.message.includes(own.message)) expect(fault.code, why).toBe(own.code)
        else expect(fault, why).toMatchObject({ code: 'unavailable', retryable: true, details: { timeout: 'idle' } })
      }
    })
  })
})
