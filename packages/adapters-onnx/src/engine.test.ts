import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Fault } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { afterEach, describe, expect, it } from 'vitest'
import { type Engine, type Execution, loadEngine } from './engine.ts'
import { counter, mlp, weights } from './networks.test-support.ts'
import type { OnnxTensor } from './runtime.ts'
import { workerPool } from './worker-pool.ts'

ort.env.wasm.numThreads = 1
const runtimeUrl = pathToFileURL(createRequire(import.meta.url).resolve('onnxruntime-web'))
const pooled = (workers = 1): Execution => ({ where: 'pool', pool: workerPool({ runtime: runtimeUrl, workers }) })

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()))
})

async function load(bytes: Uint8Array, execution: Execution = {}): Promise<Engine> {
  const engine = await loadEngine({ runtime: ort, bytes, id: 'test/network', execution })
  engines.push(engine)
  return engine
}

const within = (ms: number, signal = new AbortController().signal) => ({ deadline: Date.now() + ms, signal })
const floats = (data: Float32Array, ...dims: number[]): OnnxTensor => ({ type: 'float32', data, dims })
const trips = (count: bigint): OnnxTensor => ({ type: 'int64', data: BigInt64Array.of(count), dims: [] })
const counting = (start: number, count: bigint) => ({ x: floats(Float32Array.of(start), 1), trips: trips(count) })
const endless = 2n ** 62n
const faultOf = (promise: Promise<unknown>): Promise<Fault> =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('in the pool', () => {
  it('answers as in this thread', async () => {
    const [here, there] = [await load(mlp()), await load(mlp(), pooled())]
    const feeds = { features: floats(weights(5)(128, 1), 2, 64) }
    const results = await there.run(feeds, within(5_000))
    expect(there.place).toBe('pool')
    expect(there.inputs).toEqual(here.inputs)
    expect(results.answer?.data).toEqual((await here.run(feeds, within(5_000))).answer?.data)
    expect(results.answer?.dims).toEqual([2, 1])
  })

  it('ends a run that never ends at its deadline, and answers the next call', async () => {
    const engine = await load(counter(), pooled())
    expect((await engine.run(counting(1, 3n), within(5_000))).y?.data).toEqual(Float32Array.of(4))
    const started = Date.now()
    const hung = engine.run(counting(1, endless), within(200))
    const waiting = engine.run(counting(2, 2n), within(10_000))
    expect((await faultOf(hung)).code).toBe('deadline-exceeded')
    console.log('settled after', Date.now() - started)
    expect((await waiting).y?.data).toEqual(Float32Array.of(4))
    console.log('next after', Date.now() - started)
  })
})
