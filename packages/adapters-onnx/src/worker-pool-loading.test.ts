import { afterEach, describe, expect, it } from 'vitest'
import type { NetworkCall, Tensors } from './network.ts'
import { type PooledNetwork, type WorkerPoolOptions, workerPool } from './worker-pool.ts'

/**
 * A runtime whose networks are two bytes: tens of milliseconds that one takes to load, 255 for ever, and whether that is so in
 * every second thread only. A run lasts as long as it is told, the first of a network 200 ms longer where its first byte is 1,
 * and answers with its thread and the number of networks that this holds.
 */
const slow = `data:text/javascript,${encodeURIComponent(`
  import { threadId } from 'node:worker_threads'
  export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
  const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 1] })
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  let held = 0
  export const InferenceSession = { create: async ([tens, some]) => {
    if (some === 0 || threadId % 2 === 0) await wait(tens === 255 ? 2 ** 30 : 10 * tens)
    held += 1
    let runs = 0
    return {
      inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => { held -= 1 },
      run: async ({ x }) => {
        await wait(x.data[0] + (tens === 1 && runs++ === 0 ? 200 : 0))
        return { y: new Tensor('float32', Float32Array.of(threadId, held), [1, 2]) }
      },
    }
  } }`)}`

const loaded: PooledNetwork[] = []
afterEach(async () => {
  await Promise.all(loaded.splice(0).map((network) => network.dispose()))
})

function poolOf(options: Partial<WorkerPoolOptions> = {}) {
  const pool = workerPool({ runtime: slow, ...options })
  return async (tens: number, someThreads = 0) => {
    const bytes = Uint8Array.of(tens, someThreads)
    const network = await pool.load({ bytes, id: 'test/network', options: {}, queue: 100 })
    loaded.push(network)
    return network
  }
}
const call = (deadlineMs: number): NetworkCall => ({
  deadline: Date.now() + deadlineMs,
  signal: new AbortController().signal,
})
const lasting = (ms: number): Tensors => ({ x: { type: 'float32', data: Float32Array.of(ms), dims: [1, 1] } })
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    ({ code }) => code,
  )

describe('loading into a pool that works', () => {
  it('makes calls of other networks wait, and those that are late lose nobody the worker', async () => {
    const load = poolOf()
    const first = await load(0)
    const second = load(40)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await outcome(first.run(lasting(1), call(100)))).toBe('deadline-exceeded')
    expect(await outcome(second)).toBe('answered')
    expect(await outcome(first.run(lasting(1), call(10_000)))).toBe('answered')
  })

  it('goes on in the next worker where a run of another network hangs', async () => {
    const load = poolOf()
    const first = await load(0)
    const hung = outcome(first.run(lasting(2 ** 30), call(200)))
    const second = load(0)
    expect(await hung).toBe('deadline-exceeded')
    expect(await outcome((await second).run(lasting(1), call(10_000)))).toBe('answered')
  })

  it('leaves nothing behind where the network was disposed before all workers had it', async () => {
    const load = poolOf({ workers: 2 })
    const first = await load(0)
    const held = new Map<number, number>()
    const ask = async () => {
      const { y } = await first.run(lasting(20), call(10_000))
      held.set(Number(y!.data[0]), Number(y!.data[1]))
    }
    while (held.size < 2) await Promise.all([ask(), ask()])
    await (await load(30, 1)).dispose()
    held.clear()
    while (held.size < 2) await Promise.all([ask(), ask()])
    expect([...held.values()]).toEqual([1, 1])
  })

  it('settles where a network never ends to load, and the others go on', async () => {
    const load = poolOf({ longestLoadMs: 300 })
    const first = await load(0)
    await expect(load(255)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('did not load within 300 ms'),
    })
    expect(await outcome(first.run(lasting(1), call(10_000)))).toBe('answered')
  })
})

describe('a network whose first run is slow', () => {
  it('is given the time for it after a few calls that came too late', async () => {
    const load = poolOf()
    const network = await load(1)
    const other = await load(0)
    const outcomes: string[] = []
    while (outcomes.length < 6 && outcomes.at(-1) !== 'answered') {
      outcomes.push(await outcome(network.run(lasting(1), call(60))))
      // The worker has started again by then.
      await other.run(lasting(1), call(10_000))
    }
    expect(outcomes.at(-1)).toBe('answered')
  })
})
