import { invoke, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NetworkCall, Tensors } from './network.ts'
import { mlp } from './networks.test-support.ts'
import { onnxModel } from './onnx-model.ts'
import { type PooledNetwork, type WorkerPoolOptions, workerPool } from './worker-pool.ts'

/** What a test and its workers share: how many loads have begun, those of a network for some threads only, and gates. */
const shared = new Int32Array(new SharedArrayBuffer(64))
const [begun, taken, open] = [0, 1, 2]
const atOnce = 0
const gated = 1
/** Only the first thread that loads it does so at once. */
const gatedForSome = 2
const slowAtFirst = 3

/**
 * A runtime whose networks are one byte: how they load. What is gated waits until the gate is opened. A run lasts as many
 * milliseconds as it is told, the first one of a network that is slow at first 200 longer, and answers with its thread and the
 * number of networks that this holds.
 */
const slow = `data:text/javascript,${encodeURIComponent(`
  import { threadId } from 'node:worker_threads'
  export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
  export const env = { wasm: {} }
  const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 1] })
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  let held = 0
  export const InferenceSession = { create: async ([kind]) => {
    const { shared } = env.wasm
    Atomics.add(shared, ${begun}, 1)
    const waits = kind === ${gated} || (kind === ${gatedForSome} && Atomics.add(shared, ${taken}, 1) > 0)
    while (waits && Atomics.load(shared, ${open}) === 0) await wait(1)
    held += 1
    let runs = 0
    return {
      inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => { held -= 1 },
      run: async ({ x }) => {
        await wait(x.data[0] + (kind === ${slowAtFirst} && runs++ === 0 ? 200 : 0))
        return { y: new Tensor('float32', Float32Array.of(threadId, held), [1, 2]) }
      },
    }
  } }`)}`

const loaded: PooledNetwork[] = []
beforeEach(() => {
  shared.fill(0)
})
afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(loaded.splice(0).map((network) => network.dispose()))
})

function poolOf(options: Partial<WorkerPoolOptions> = {}) {
  const pool = workerPool({ runtime: slow, environment: { shared }, ...options })
  return async (kind: number) => {
    const bytes = Uint8Array.of(kind)
    const network = await pool.load({ bytes, id: 'test/network', options: {}, queue: 100 })
    loaded.push(network)
    return network
  }
}
const call = (deadlineMs: number): NetworkCall => ({
  deadline: Date.now() + deadlineMs,
  isOver: false,
  signal: new AbortController().signal,
})
const lasting = (ms: number): Tensors => ({ x: { type: 'float32', data: Float32Array.of(ms), dims: [1, 1] } })
const turn = () => new Promise((resolve) => setImmediate(resolve))
/** Resolves once so many loads have begun. */
async function haveBegun(loads: number): Promise<void> {
  while (Atomics.load(shared, begun) < loads) await turn()
}
const openGate = () => Atomics.store(shared, open, 1)
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    ({ code }) => code,
  )

describe('loading into a pool that works', () => {
  it('makes calls of other networks wait, and those that are late lose nobody the worker', async () => {
    const load = poolOf()
    const first = await load(atOnce)
    const second = load(gated)
    await haveBegun(2)
    expect(await outcome(first.run(lasting(1), call(50)))).toBe('deadline-exceeded')
    openGate()
    expect(await outcome(second)).toBe('answered')
    expect(await outcome(first.run(lasting(1), call(10_000)))).toBe('answered')
    expect(shared[begun]).toBe(2)
  })

  it('goes on in the next worker where a run of another network hangs', async () => {
    const load = poolOf()
    const first = await load(atOnce)
    const hung = outcome(first.run(lasting(2 ** 30), call(100)))
    const second = load(atOnce)
    expect(await hung).toBe('deadline-exceeded')
    expect(await outcome((await second).run(lasting(1), call(10_000)))).toBe('answered')
  })

  it('leaves nothing behind where the network was disposed before all workers had it', async () => {
    const load = poolOf({ workers: 2 })
    const first = await load(atOnce)
    const held = new Map<number, number>()
    const ask = async () => {
      const { y } = await first.run(lasting(20), call(10_000))
      held.set(Number(y!.data[0]), Number(y!.data[1]))
    }
    while (held.size < 2) await Promise.all([ask(), ask()])
    await (await load(gatedForSome)).dispose()
    openGate()
    held.clear()
    while (held.size < 2) await Promise.all([ask(), ask()])
    expect([...held.values()]).toEqual([1, 1])
  })

  it('settles where a network never ends to load, and the others go on', async () => {
    // The clock of this thread alone: the workers keep theirs.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const load = poolOf({ longestLoadMs: 300 })
    const first = await load(atOnce)
    const endless = expect(load(gated)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('did not load within 300 ms'),
    })
    await haveBegun(2)
    vi.advanceTimersByTime(300)
    await endless
    expect(await outcome(first.run(lasting(1), call(10_000)))).toBe('answered')
  })
})

describe('a network whose first run is slow', () => {
  it('is given the time for it after a few calls that came too late', async () => {
    const load = poolOf()
    const network = await load(slowAtFirst)
    const other = await load(atOnce)
    const outcomes: string[] = []
    while (outcomes.length < 6 && outcomes.at(-1) !== 'answered') {
      outcomes.push(await outcome(network.run(lasting(1), call(60))))
      // The worker has started again by then.
      await other.run(lasting(1), call(10_000))
    }
    expect(outcomes.at(-1)).toBe('answered')
  })
})

describe('what is fed to a pool', () => {
  it('is what the network takes, and not all that lies in the same memory', async () => {
    const measuring = `data:text/javascript,${encodeURIComponent(`
      export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
      const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 1] })
      export const InferenceSession = { create: async (bytes) => ({
        inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => {},
        run: async ({ x }) => ({
          y: new Tensor('float32', Float32Array.of(bytes.buffer.byteLength, x.data.buffer.byteLength), [1, 2]),
        }),
      }) }`)}`
    const bytes = Buffer.alloc(1_000).subarray(10, 20)
    const network = await workerPool({ runtime: measuring }).load({ bytes, id: 'test/a', options: {}, queue: 1 })
    loaded.push(network)
    const data = new Float32Array(1_000).subarray(10, 11)
    const { y } = await network.run({ x: { type: 'float32', data, dims: [1, 1] } }, call(10_000))
    expect(y!.data).toEqual(Float32Array.of(10, 4))
  })
})

describe('a golden question', () => {
  /** Any network answers with its thread and how often it has run there before; what is negative ends the thread. */
  const counting = `data:text/javascript,${encodeURIComponent(`
    import { threadId } from 'node:worker_threads'
    export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
    export const env = { wasm: {} }
    const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 2] })
    export const InferenceSession = { create: async () => {
      let before = 0
      return {
        inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => {},
        run: async ({ x }) => {
          if (x.data[0] < 0) process.exit(7)
          await new Promise((resolve) => setTimeout(resolve, x.data[0]))
          Atomics.add(env.wasm.shared, ${taken}, 1)
          return { y: new Tensor('float32', Float32Array.of(threadId, before++), [1, 2]) }
        },
      }
    } }`)}`
  const lastingFor = (ms: number) => tensor(Float32Array.of(ms, 0), [1, 2])

  it('warms all workers up before the model is handed out, and each later one before it takes calls', async () => {
    const model = await onnxModel({
      runtime: ort,
      model: mlp(),
      id: 'acme/counting',
      version: '1.0.0',
      title: 'Counting',
      task: 'process-analysis',
      golden: [{ input: { x: lastingFor(1) }, output: { y: lastingFor(0) }, tolerance: 1e6 }],
      execution: { where: 'pool', pool: workerPool({ runtime: counting, workers: 3, environment: { shared } }) },
    })
    expect(shared[taken]).toBe(3)
    const firstOf = new Map<number, number>()
    const ask = async (ms: number) => {
      const { output } = await invoke(model, { x: lastingFor(ms) }, { deadlineMs: 10_000 })
      const [thread, before] = Array.from((output as { readonly y: { readonly data: Float32Array } }).y.data)
      if (!firstOf.has(thread!)) firstOf.set(thread!, before!)
    }
    while (firstOf.size < 3) await Promise.all([ask(20), ask(20), ask(20)])
    await expect(ask(-1)).rejects.toMatchObject({ code: 'internal' })
    while (firstOf.size < 5) await Promise.all([ask(20), ask(20), ask(20)])
    expect(Math.min(...firstOf.values())).toBeGreaterThan(0)
    await model.dispose()
  })
})
