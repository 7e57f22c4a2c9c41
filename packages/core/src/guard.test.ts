import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  type Boundary,
  connect,
  defineModel,
  type Fault,
  guard,
  inProcessTransport,
  invoke,
  type JournalEntry,
  memoryJournal,
  serve,
} from './index.ts'

const agent = { id: 'plant/agent', roles: ['agent'] }
const input = z.object({
  speed: z.number().meta({ unit: 'm/s', limits: { physical: { min: 0, max: 40 }, operating: { min: 2, max: 15 } } }),
})

function mill(change: Partial<Boundary<{ speed: number }>> = {}, run?: () => never) {
  const drive = { speed: 10, writes: 0, threaded: true }
  const actuator = defineModel({
    id: 'plant/mill-speed',
    version: '1.0.0',
    title: 'Mill speed',
    task: 'parameter-control',
    effect: 'actuate',
    input,
    output: z.object({ speed: z.number() }),
    run({ speed }) {
      run?.()
      drive.writes += 1
      drive.speed = speed
      return { output: { speed } }
    },
  })
  const journal = memoryJournal()
  const ask = vi.fn(async () => ({ granted: true, approver: 'shift-lead' }))
  const model = guard(actuator, {
    authority: 'act-within-limits',
    allow: [{ role: 'agent' }],
    rates: [
      {
        name: 'speed',
        unit: 'm/s',
        target: ({ speed }) => speed,
        current: () => drive.speed,
        atMost: 3,
        withinMs: 60_000,
      },
    ],
    interlocks: [{ name: 'threaded', holds: () => drive.threaded }],
    approval: { when: ({ speed }) => Math.abs(speed - drive.speed) > 1, ask, validMs: 1_000 },
    readBack: ({ speed }) => drive.speed === speed,
    journal,
    ...change,
  })
  const write = (speed: unknown, options = {}) =>
    invoke(model, { speed } as { speed: number }, { deadlineMs: 2_000, caller: agent, ...options })
  const kinds = async () => {
    const entries: JournalEntry[] = []
    for await (const entry of journal.entries()) entries.push(entry)
    return entries.map(({ kind, data }) =>
      [kind, (data as { outcome?: string; fault?: string }).outcome ?? (data as { fault?: string }).fault]
        .filter(Boolean)
        .join(' '),
    )
  }
  return { drive, journal, ask, model, write, kinds }
}
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was written'),
    (fault: Fault) => fault,
  )

describe('the boundary', () => {
  it('lets a small change through, journals the intent before it and the outcome after it', async () => {
    const { drive, write, kinds, ask } = mill()
    expect((await write(9.5)).output.speed).toBe(9.5)
    expect(drive.speed).toBe(9.5)
    expect(ask).not.toHaveBeenCalled()
    expect(await kinds()).toEqual(['write-intent', 'write-outcome done'])
  })

  it('asks a person for a larger change', async () => {
    const { write, kinds, ask } = mill()
    await write(8)
    expect(ask).toHaveBeenCalledOnce()
    expect(await kinds()).toEqual(['approval-asked', 'approval-decided', 'write-intent', 'write-outcome done'])
  })

  it.each([
    ['a speed outside the operating limits', 16, {}, 'out-of-limits'],
    ['a speed that cannot be', 1000, {}, 'invalid-input'],
    ['no number', Number.NaN, {}, 'invalid-input'],
    ['a wrong unit', { value: 9, unit: 'Cel' }, {}, 'unit-mismatch'],
    ['too large a step', 14.5, {}, 'out-of-limits'],
    ['somebody who is not allowed', 9.5, { caller: { id: 'visitor' } }, 'denied'],
    ['somebody unknown', 9.5, { caller: undefined }, 'denied'],
  ])('refuses %s, writes nothing and journals the refusal', async (_, speed, options, code) => {
    const { drive, write, kinds } = mill()
    expect((await faultOf(write(speed, options))).code).toBe(code)
    expect(drive).toMatchObject({ speed: 10, writes: 0 })
    expect(await kinds()).toEqual([`write-refused ${code}`])
  })

  it('sums the changes within its window, so that many small steps are no way around it', async () => {
    const { drive, write } = mill()
    for (const speed of [9, 8, 7]) await write(speed)
    expect((await faultOf(write(6))).message).toMatch(/more than 3 m\/s/)
    expect(drive.speed).toBe(7)
  })

  it.each([
    ['does not hold', () => false],
    [
      'cannot be read',
      () => {
        throw new Error('sensor gone')
      },
    ],
    ['answers something else', () => 'yes' as never],
  ])('blocks when an interlock %s', async (_, holds) => {
    const { drive, write } = mill({ interlocks: [{ name: 'threaded', holds }] })
    expect(await faultOf(write(9.5))).toMatchObject({ code: 'interlocked', details: { interlock: 'threaded' } })
    expect(drive.writes).toBe(0)
  })

  it('checks again after the approval, because a person takes time', async () => {
    const { drive, write } = mill({
      approval: {
        validMs: 1_000,
        ask: async () => {
          drive.threaded = false
          return { granted: true, approver: 'shift-lead' }
        },
      },
    })
    expect((await faultOf(write(8))).code).toBe('interlocked')
    expect(drive.writes).toBe(0)
  })

  it.each([
    ['refused', { granted: false, approver: 'shift-lead' }, 'approval-required'],
    ['given by the proposer itself', { granted: true, approver: agent.id }, 'denied'],
  ])('does not write when the approval was %s', async (_, decision, code) => {
    const { drive, write } = mill({ approval: { validMs: 1_000, ask: async () => decision } })
    expect((await faultOf(write(8))).code).toBe(code)
    expect(drive.writes).toBe(0)
  })

  it('does not write when the approval came too late', async () => {
    const { drive, write } = mill({
      approval: { validMs: -1, ask: async () => ({ granted: true, approver: 'shift-lead' }) },
    })
    expect((await faultOf(write(8))).code).toBe('approval-expired')
    expect(drive.writes).toBe(0)
  })

  it('does not write when the approval expired while an earlier write took its time', async () => {
    const now = Date.now.bind(Date)
    let later = 0
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + later)
    let approve = () => {}
    const both = new Promise<void>((resolve) => {
      approve = resolve
    })
    let asked = 0
    const { write, drive } = mill({
      rates: [],
      authority: 'act-after-approval',
      approval: {
        validMs: 10_000,
        ask: async () => {
          asked += 1
          if (asked === 2) approve()
          await both
          return { granted: true, approver: 'shift-lead' }
        },
      },
      readBack: () => {
        later = 20_000
        return true
      },
    })
    const first = write(9, { deadlineMs: 60_000 })
    const second = faultOf(write(8, { deadlineMs: 60_000 }))
    await first
    expect((await second).code).toBe('approval-expired')
    expect(drive.writes).toBe(1)
    clock.mockRestore()
  })

  it('never writes with the authority to recommend', async () => {
    const { drive, write } = mill({ authority: 'recommend' })
    expect((await faultOf(write(9.5))).code).toBe('denied')
    expect(drive.writes).toBe(0)
  })

  it('writes once for one idempotency key, and refuses the key for another value', async () => {
    const { drive, write } = mill()
    await write(9.5, { idempotencyKey: 'k' })
    expect((await write(9.5, { idempotencyKey: 'k' })).output.speed).toBe(9.5)
    expect(drive.writes).toBe(1)
    expect((await faultOf(write(9, { idempotencyKey: 'k' }))).code).toBe('invalid-input')
  })

  it('remembers from the journal what was written before a restart, and what is in doubt', async () => {
    const { journal, write } = mill()
    await write(9.5, { idempotencyKey: 'done' })
    const data = { model: 'plant/mill-speed', key: 'crashed', arguments: { speed: 9 } }
    await journal.append({ kind: 'write-intent', actor: agent.id, data })
    const restarted = mill({ journal })
    expect((await restarted.write(9.5, { idempotencyKey: 'done' })).output.speed).toBe(9.5)
    expect(await faultOf(restarted.write(9, { idempotencyKey: 'crashed' }))).toMatchObject({
      code: 'unavailable',
      retryable: false,
      details: { inDoubt: true },
    })
    expect(restarted.drive.writes).toBe(0)
  })

  it('says that a write is in doubt when the equipment failed in the middle or reads back another value', async () => {
    const failing = mill({}, () => {
      throw new Error('fieldbus down')
    })
    await faultOf(failing.write(9.5))
    expect(await failing.kinds()).toEqual(['write-intent', 'write-outcome in-doubt'])
    const deaf = mill({ readBack: () => false })
    expect((await faultOf(deaf.write(9.5))).message).toMatch(/reads back another value/)
    expect(await deaf.kinds()).toEqual(['write-intent', 'write-outcome in-doubt'])
  })

  it('writes nothing when the intent cannot be journaled', async () => {
    const broken = { append: () => Promise.reject(new Error('disk full')), entries: memoryJournal().entries }
    const { drive, write } = mill({ journal: broken })
    expect((await faultOf(write(9.5))).message).toBe('disk full')
    expect(drive.writes).toBe(0)
  })
})

it('sees and journals what a caller elsewhere asks for, so that no attempt is refused out of its sight', async () => {
  const { model, kinds, drive } = mill()
  const transport = inProcessTransport()
  await serve(model, transport)
  const remote = await connect(
    transport,
    { id: 'plant/mill-speed', input, output: z.object({ speed: z.number() }) },
    { deadlineMs: 100 },
  )
  const asked = invoke(remote, { speed: 25 }, { deadlineMs: 500, caller: agent })
  await expect(asked).rejects.toMatchObject({ code: 'out-of-limits', field: '/input/speed', origin: 'remote' })
  expect(await kinds()).toEqual(['write-refused out-of-limits'])
  expect(drive.writes).toBe(0)
  await transport.close()
})
