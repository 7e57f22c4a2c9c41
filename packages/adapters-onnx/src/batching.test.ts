import { Fault } from '@dinrail/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { batched, type Window } from './batching.ts'
import { numbersOf } from './element-types.ts'
import { within } from './engine.test-support.ts'
import type { Network, NetworkCall, Tensors } from './network.ts'
import { joinRows } from './rows.ts'
import type { OnnxTensor } from './runtime.ts'

afterEach(() => {
  vi.useRealTimers()
})

const row = (...values: number[]): OnnxTensor => ({
  type: 'float32',
  dims: [1, values.length],
  data: Float32Array.from(values),
})
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    ({ code }) => code,
  )

/** Doubles each number, and fails where one of them is 13. Notes the rows of each run. */
function doubling(parallel = 1) {
  const runs: number[] = []
  const calls: NetworkCall[] = []
  let release: (() => void) | undefined
  const network: Network & { hold: boolean } = {
    inputs: [{ name: 'x', isTensor: true, type: 'float32', shape: ['batch', -1] }],
    outputs: [{ name: 'y', isTensor: true, type: 'float32', shape: ['batch', -1] }],
    parallel,
    hold: false,
    async run({ x }, call) {
      const { dims, data } = x as OnnxTensor & { data: Float32Array }
      runs.push(dims[0]!)
      calls.push(call)
      if (network.hold) await new Promise<void>((resolve) => (release = resolve))
      if (data.includes(13)) throw new Fault('internal', 'thirteen')
      return { y: { type: 'float32', dims, data: data.map((value) => value * 2) } }
    },
    async dispose() {},
  }
  return { network, runs, calls, release: () => release?.() }
}

const window = (change: Partial<Window> = {}): Window => ({ maximum: 8, waitMs: 0, queue: 100, ...change })
const yOf = async (results: Promise<Tensors>) => [...((await results).y!.data as Float32Array)]

describe('calls of one turn of the event loop', () => {
  it('become one run, and each gets its own rows', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const two = { type: 'float32', dims: [2, 1], data: Float32Array.of(8, 9) } as const
    const answers = [1, 2, 3].map((value) => joined.run({ x: row(value) }, within(10_000)))
    const pair = await joined.run({ x: two }, within(10_000))
    expect(pair.y).toEqual({ type: 'float32', dims: [2, 1], data: Float32Array.of(16, 18) })
    expect(await Promise.all(answers.map(yOf))).toEqual([[2], [4], [6]])
    expect(runs).toEqual([5])
  })

  it('leave out whoever has given up', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const controller = new AbortController()
    const kept = [1, 2].map((value) => yOf(joined.run({ x: row(value) }, within(10_000))))
    const left = codeOf(joined.run({ x: row(3) }, within(10_000, controller.signal)))
    controller.abort(new Fault('cancelled', 'the caller gave up'))
    expect([await Promise.all(kept), await left, runs]).toEqual([[[2], [4]], 'cancelled', [2]])
  })

  it('are never more than the maximum, and one that is larger goes alone', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window({ maximum: 4 }))
    const calls = Array.from({ length: 10 }, (_, value) => yOf(joined.run({ x: row(value) }, within(10_000))))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 10 }, (_, value) => [value * 2]))
    expect(Math.max(...runs)).toBe(4)
    expect(runs.length).toBe(3)
    const large = { type: 'float32', dims: [9, 1], data: new Float32Array(9) } as const
    expect((await joined.run({ x: large }, within(10_000))).y?.dims).toEqual([9, 1])
  })

  it('are kept apart where their shapes differ', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const calls = [row(1), row(1, 2), row(3), row(3, 4)].map((x) => yOf(joined.run({ x }, within(10_000))))
    expect(await Promise.all(calls)).toEqual([[2], [2, 4], [6], [6, 8]])
    expect(runs).toEqual([2, 2])
  })

  it('wait for more as long as is stated', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window({ waitMs: 30 }))
    const first = joined.run({ x: row(1) }, within(10_000))
    await new Promise(setImmediate)
    vi.advanceTimersByTime(29)
    const second = joined.run({ x: row(2) }, within(10_000))
    vi.advanceTimersByTime(1)
    await Promise.all([first, second])
    expect(runs).toEqual([2])
  })

  it('gather while a run goes on', async () => {
    const { network, runs, release } = doubling()
    network.hold = true
    const joined = batched('test/double', network, window())
    const first = joined.run({ x: row(1) }, within(10_000))
    await new Promise(setImmediate)
    const later: Promise<number[]>[] = []
    for (let value = 2; value < 5; value++) {
      later.push(yOf(joined.run({ x: row(value) }, within(10_000))))
      await new Promise(setImmediate)
    }
    network.hold = false
    release()
    await first
    expect(await Promise.all(later)).toEqual([[4], [6], [8]])
    expect(runs).toEqual([1, 3])
  })
})

describe('no call fails through another', () => {
  it('where one makes the run fail', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const calls = [1, 13, 3].map((value) => joined.run({ x: row(value) }, within(10_000)))
    const [one, thirteen, three] = calls as [Promise<Tensors>, Promise<Tensors>, Promise<Tensors>]
    expect(await codeOf(thirteen)).toBe('internal')
    expect([await yOf(one), await yOf(three)]).toEqual([[2], [6]])
    expect(runs).toEqual([3, 1, 1, 1])
  })

  it('where the tensors of one cannot be joined with those of the others', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const odd = { ...row(1), data: BigInt64Array.of(1n) }
    const [spoilt, sound] = [odd, row(2)].map((x) => joined.run({ x }, within(10_000)))
    expect(await codeOf(spoilt!)).not.toBe('deadline-exceeded')
    expect(await yOf(sound!)).toEqual([4])
    expect(runs).toEqual([1, 1])
  })

  it('where one is late already', async () => {
    const { network, runs } = doubling()
    const joined = batched('test/double', network, window())
    const [late, inTime] = [joined.run({ x: row(1) }, within(-1)), joined.run({ x: row(2) }, within(10_000))]
    expect(await codeOf(late)).toBe('deadline-exceeded')
    expect(await yOf(inTime)).toEqual([4])
    expect(runs).toEqual([1])
  })

  it('where an output does not have a row for each', async () => {
    const { network } = doubling()
    const whole: Network = {
      ...network,
      async run(feeds, call) {
        const { y } = await network.run(feeds, call)
        return { y: { ...y!, dims: [1, y!.data.length] } }
      },
    }
    const joined = batched('test/double', whole, window())
    const calls = [1, 2].map((value) => yOf(joined.run({ x: row(value) }, within(10_000))))
    expect(await Promise.all(calls)).toEqual([[2], [4]])
  })

  it('and a shared run is begun while anybody waits for it and stopped for the first', async () => {
    const { network, calls } = doubling()
    const joined = batched('test/double', network, window())
    const [soon, later] = [within(10_000), within(60_000)]
    await Promise.all([joined.run({ x: row(1) }, soon), joined.run({ x: row(2) }, later)])
    expect(calls[0]).toMatchObject({ deadline: later.deadline, stopAt: soon.deadline })
  })
})

const { Float16Array: HalfFloats } = globalThis as { Float16Array?: { of(...values: number[]): Uint16Array } }

describe('half floats', () => {
  it.runIf(HalfFloats !== undefined)(
    'are joined whether they are given as numbers or as their bits (skipped where there is no Float16Array, as on Node 20)',
    () => {
      const half = (data: Uint16Array): Tensors => ({ x: { type: 'float16', dims: [1, 1], data } })
      // The state of a session begins as bits and goes on as what the runtime gave.
      const [bits, numbers] = [half(Uint16Array.of(0x3c00)), half(HalfFloats!.of(2))]
      for (const [parts, expected] of [
        [
          [bits, numbers],
          [1, 2],
        ],
        [
          [numbers, bits],
          [2, 1],
        ],
      ] as const)
        expect(Array.from(numbersOf('x', joinRows(['x'], parts, [1, 1]).x))).toEqual(expected)
    },
  )
})

describe('bounds', () => {
  it('refuse calls beyond the queue as overloaded', async () => {
    const { network } = doubling()
    const joined = batched('test/double', network, window({ queue: 3, maximum: 100 }))
    const codes = await Promise.all(
      [1, 2, 3, 4, 5].map((value) => codeOf(joined.run({ x: row(value) }, within(10_000)))),
    )
    expect(codes).toEqual(['answered', 'answered', 'answered', 'overloaded', 'overloaded'])
  })

  it('let what waits end before it is disposed, and refuse what comes after', async () => {
    const { network } = doubling()
    const joined = batched('test/double', network, window())
    const waiting = yOf(joined.run({ x: row(1) }, within(10_000)))
    const disposed = joined.dispose()
    expect(await codeOf(joined.run({ x: row(2) }, within(10_000)))).toBe('unavailable')
    expect(await waiting).toEqual([2])
    await disposed
  })
})
