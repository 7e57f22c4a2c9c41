import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { invoke, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { floats, load, within } from './engine.test-support.ts'
import type { Execution } from './engine.ts'
import { faultOf } from './fault-of.test-support.ts'
import { cnn, counter, mlp, weights } from './networks.test-support.ts'
import { onnxModel } from './onnx-model.ts'
import type { OnnxTensor } from './runtime.ts'
import { workerPool } from './worker-pool.ts'

ort.env.wasm.numThreads = 1
const runtimeUrl = pathToFileURL(createRequire(import.meta.url).resolve('onnxruntime-web'))
const pooled = (workers = 1): Execution => ({ where: 'pool', pool: workerPool({ runtime: runtimeUrl, workers }) })

const trips = (count: bigint): OnnxTensor => ({ type: 'int64', data: BigInt64Array.of(count), dims: [] })
const counting = (start: number, count: bigint) => ({ x: floats(Float32Array.of(start), 1), trips: trips(count) })
const endless = 2n ** 62n

/** A runtime in which any network gives back what it is fed, except that −100 ends its thread and −200 never ends. */
const mortal = `data:text/javascript,${encodeURIComponent(`
  export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
  const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 1] })
  export const InferenceSession = { create: async () => ({
    inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => {},
    run: async ({ x }) => {
      if (x.data.includes(-100)) process.exit(7)
      while (x.data.includes(-200));
      return { y: new Tensor('float32', x.data.slice(), x.dims) }
    },
  }) }`)}`
const one = (value: number) => ({ x: floats(Float32Array.of(value), 1, 1) })

describe('in a pool', () => {
  it.each([
    ['onnxruntime-web', 0],
    ['onnxruntime-node', 1e-6],
  ])('a network answers as in this thread: %s', async (name, tolerance) => {
    const runtime = pathToFileURL(createRequire(import.meta.url).resolve(name))
    const here = await load(mlp(), {})
    const there = await load(mlp(), { where: 'pool', pool: workerPool({ runtime }) })
    const feeds = { features: floats(weights(5)(128, 1), 2, 64) }
    const results = await there.run(feeds, within(20_000))
    expect([here.place, there.place]).toEqual(['here', 'pool'])
    expect(there.inputs).toEqual(here.inputs)
    expect(results.answer?.dims).toEqual([2, 1])
    const expected = (await here.run(feeds, within(20_000))).answer!.data
    for (const [at, value] of results.answer!.data.entries())
      expect(Math.abs(Number(value) - Number(expected[at]))).toBeLessThanOrEqual(tolerance)
    // What was fed stays the caller's.
    expect(feeds.features.data.length).toBe(128)
  })

  it('a run that never ends is ended at its deadline, and the calls behind it are answered', async () => {
    const engine = await load(counter(), pooled())
    const hung = faultOf(engine.run(counting(1, endless), within(150)))
    const waiting = engine.run(counting(2, 2n), within(20_000))
    expect((await hung).code).toBe('deadline-exceeded')
    expect((await waiting).y?.data).toEqual(Float32Array.of(4))
    expect((await engine.run(counting(5, 1n), within(20_000))).y?.data).toEqual(Float32Array.of(6))
  })

  it('a caller who gives up is told at once, in the middle of a run too', async () => {
    const engine = await load(counter(), pooled())
    const controller = new AbortController()
    const hung = faultOf(engine.run(counting(1, endless), within(1_000, controller.signal)))
    controller.abort()
    expect((await hung).code).toBe('cancelled')
    expect((await engine.run(counting(5, 1n), within(20_000))).y?.data).toEqual(Float32Array.of(6))
  })

  it('a hung run of one network loses no call of another', async () => {
    const pool = workerPool({ runtime: runtimeUrl, workers: 2 })
    const [loops, answers] = [
      await load(counter(), { where: 'pool', pool }),
      await load(mlp(), { where: 'pool', pool }),
    ]
    const hung = [1, 2, 3].map(() => faultOf(loops.run(counting(1, endless), within(200))))
    const others = Array.from({ length: 50 }, (_, seed) =>
      answers.run({ features: floats(weights(seed)(64, 1), 1, 64) }, within(30_000)),
    )
    expect((await Promise.all(hung)).map(({ code }) => code)).toEqual(Array(3).fill('deadline-exceeded'))
    expect((await Promise.all(others)).length).toBe(50)
  })

  it('a joined run that hangs or dies is a fault of the call that did it, and the others are answered', async () => {
    const pool = workerPool({ runtime: mortal, workers: 2 })
    const engine = await load(mlp(), { where: 'pool', pool, batching: { maximum: 8 } })
    for (const [deadly, ms, code] of [
      [-200, 300, 'deadline-exceeded'],
      [-100, 20_000, 'internal'],
    ] as const) {
      const bad = faultOf(engine.run(one(deadly), within(ms)))
      const others = [1, 2, 3].map((value) => engine.run(one(value), within(20_000)))
      expect((await bad).code).toBe(code)
      expect((await Promise.all(others)).map(({ y }) => y?.data)).toEqual(
        [1, 2, 3].map((value) => Float32Array.of(value)),
      )
    }
  })

  it('a call whose worker dies is given to another once, and then is a fault; the rest are answered', async () => {
    const engine = await load(mlp(), { where: 'pool', pool: workerPool({ runtime: mortal }) })
    const deadly = faultOf(engine.run(one(-100), within(20_000)))
    const others = [2, 3].map((value) => engine.run(one(value), within(20_000)))
    expect(await deadly).toMatchObject({ code: 'internal', message: expect.stringContaining('2 times with this call') })
    expect((await Promise.all(others)).map(({ y }) => y?.data[0])).toEqual([2, 3])
  })

  it('a worker whose runtime cannot be fetched for a moment is started again', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dinrail-pool-'))
    const file = path.join(folder, 'runtime.mjs')
    await writeFile(path.join(folder, 'starts'), '')
    // Its second start fails.
    await writeFile(
      file,
      `import { appendFileSync, readFileSync } from 'node:fs'
      const starts = new URL('starts', import.meta.url)
      appendFileSync(starts, '.')
      if (readFileSync(starts).length === 2) throw new Error('offline')
      ${decodeURIComponent(mortal.slice(mortal.indexOf(',') + 1))}`,
    )
    const engine = await load(mlp(), { where: 'pool', pool: workerPool({ runtime: pathToFileURL(file) }) })
    const deadly = faultOf(engine.run(one(-100), within(20_000)))
    expect((await engine.run(one(2), within(20_000))).y?.data[0]).toBe(2)
    expect((await deadly).code).toBe('internal')
    expect(readFileSync(path.join(folder, 'starts')).length).toBeGreaterThan(2)
    await rm(folder, { recursive: true })
  })

  it('a thread that cannot be stopped is counted until it ends', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dinrail-pool-'))
    const gate = path.join(folder, 'gate')
    // As native code does, waiting for a process keeps its thread from being ended.
    const waiting = `const { existsSync } = require('node:fs'); setInterval(() => existsSync(${JSON.stringify(gate)}) && process.exit(), 5)`
    const deaf = `data:text/javascript,${encodeURIComponent(`
      import { spawnSync } from 'node:child_process'
      export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }) } }
      const port = (name) => ({ name, isTensor: true, type: 'float32', shape: ['batch', 1] })
      export const InferenceSession = { create: async () => ({
        inputMetadata: [port('x')], outputMetadata: [port('y')], release: async () => {},
        run: async ({ x }) => {
          if (x.data[0] < 0) spawnSync(process.execPath, ['-e', ${JSON.stringify(waiting)}])
          return { y: x }
        },
      }) }`)}`
    const model = await onnxModel({
      runtime: ort,
      model: mlp(),
      id: 'acme/deaf',
      version: '1.0.0',
      title: 'Deaf',
      task: 'process-analysis',
      execution: { where: 'pool', pool: workerPool({ runtime: deaf }) },
    })
    const ask = (value: number) => invoke(model, { x: tensor(Float32Array.of(value), [1, 1]) }, { deadlineMs: 20_000 })
    await ask(1)
    expect(model.health().leftBehind).toBe(0)
    const hung = invoke(model, { x: tensor(Float32Array.of(-1), [1, 1]) }, { deadlineMs: 100 })
    expect((await faultOf(hung)).code).toBe('deadline-exceeded')
    await ask(1)
    expect(model.health().leftBehind).toBe(1)
    await writeFile(gate, '')
    while (model.health().leftBehind > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await model.dispose()
    await rm(folder, { recursive: true })
  })

  it('calls beyond the queue are overloaded', async () => {
    const engine = await load(counter(), { ...pooled(), queue: 2 })
    const calls = Array.from({ length: 5 }, () => engine.run(counting(1, 1n), within(20_000)))
    const codes = await Promise.all(
      calls.map((call) =>
        call.then(
          () => 'answered',
          ({ code }) => code,
        ),
      ),
    )
    expect(codes).toEqual(['answered', 'answered', 'answered', 'overloaded', 'overloaded'])
  })

  it('runs in flight end before it is disposed, later calls are refused, and it can be loaded again', async () => {
    const pool = workerPool({ runtime: runtimeUrl })
    const engine = await load(counter(), { where: 'pool', pool })
    const running = engine.run(counting(1, 100n), within(20_000))
    const disposed = engine.dispose()
    expect((await faultOf(engine.run(counting(1, 1n), within(1_000)))).code).toBe('unavailable')
    expect((await running).y?.data).toEqual(Float32Array.of(101))
    await disposed
    const again = await load(counter(), { where: 'pool', pool })
    expect((await again.run(counting(1, 1n), within(20_000))).y?.data).toEqual(Float32Array.of(2))
  })

  it('a runtime that is not there, and a file that it refuses, are faults at load', async () => {
    const absent = workerPool({ runtime: 'file:///there/is/no/runtime.js' })
    expect(await faultOf(load(mlp(), { where: 'pool', pool: absent }))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('runtime.js'),
    })
    const empty = workerPool({ runtime: 'data:text/javascript,export const nothing = 1' })
    expect((await faultOf(load(mlp(), { where: 'pool', pool: empty }))).message).toContain('is no ONNX runtime')
  })
})

describe('where it is worth it', () => {
  it('is measured: a small network runs here, a large one in the pool', async () => {
    const pool = workerPool({ runtime: runtimeUrl })
    expect((await load(mlp(), { pool })).place).toBe('here')
    expect((await load(cnn(), { pool })).place).toBe('pool')
  })
})

describe('a pool of what nobody knows is refused when it is made', () => {
  it.each([
    ['no runtime', {}, /workerPool.runtime is missing/],
    ['a runtime that is none', { runtime: ort }, /workerPool.runtime is no address: pass import.meta.resolve/],
    ['nobody', { runtime: runtimeUrl, workers: 0 }, /workerPool.workers is 0: it must be a whole number above 0/],
    ['a misspelt bound', { runtime: runtimeUrl, longestLoad: 5 }, /workerPool.longestLoad is no member of it/],
    ['no time', { runtime: runtimeUrl, longestLoadMs: -5 }, /workerPool.longestLoadMs is -5: it must be 1 or more/],
  ])('%s', (_, options, message) => {
    const make = () => workerPool(options as unknown as Parameters<typeof workerPool>[0])
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})
