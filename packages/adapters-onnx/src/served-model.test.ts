import { type Fault, invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import type { Engine } from './engine.ts'
import type { OnnxTensor } from './runtime.ts'
import { servedModel } from './served-model.ts'

/** An engine whose runs end when the test says so: no real one can be stopped at one moment. */
function heldEngine() {
  const runs: { readonly feeds: Readonly<Record<string, OnnxTensor>>; end(): void }[] = []
  const port = (name: string) => ({ name, isTensor: true, type: 'float32', shape: [1, 1] })
  let isDisposed = false
  const engine: Engine = {
    inputs: [port('x'), port('total')],
    outputs: [port('y'), port('next')],
    place: 'here',
    leftBehind: 0,
    run: (feeds) =>
      new Promise((resolve) => {
        const sum = (feeds.x!.data[0] as number) + (feeds.total!.data[0] as number)
        const given: OnnxTensor = { type: 'float32', dims: [1, 1], data: Float32Array.of(sum) }
        runs.push({ feeds, end: () => resolve({ y: given, next: given }) })
      }),
    async warmUp() {},
    async dispose() {
      isDisposed = true
    },
  }
  /** Waits for the run of a call, and ends it. */
  async function endNext(before: () => void = () => {}) {
    while (runs.length === 0) await new Promise((resolve) => setImmediate(resolve))
    before()
    runs.shift()!.end()
  }
  return { engine, endNext, isDisposed: () => isDisposed }
}

const about = { id: 'acme/counter', version: '1.0.0', title: 'Counter', task: 'process-analysis' }
const contract = {
  ...about,
  inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, total: { state: 'next' } },
  outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
} as const
const bounds = { deadlineMs: 10_000, caller: { id: 'plc-1' } }

describe('a call that is given up in the middle of its run', () => {
  it('leaves the state as it was, so that the same call can be made again', async () => {
    const { engine, endNext } = heldEngine()
    const { model } = servedModel(engine, contract, 'sha256:0')
    const total = async (pieces: number) => {
      const reply = invoke(model, { pieces }, bounds)
      await endNext()
      return (await reply).output as { total: number }
    }
    expect(await total(1)).toEqual({ total: 1 })
    const controller = new AbortController()
    const given = invoke(model, { pieces: 100 }, { ...bounds, signal: controller.signal }).catch(
      (fault: Fault) => fault,
    )
    await endNext(() => controller.abort())
    expect(await given).toMatchObject({ code: 'cancelled' })
    expect(await total(2)).toEqual({ total: 3 })
  })
})

describe('a state', () => {
  it('keeps no memory of the calls that its run was shared with', async () => {
    const { engine, endNext } = heldEngine()
    const fed: ArrayBufferLike[] = []
    const joined: Engine = {
      ...engine,
      async run(feeds, call) {
        fed.push((feeds.total!.data as Float32Array).buffer)
        const { y } = await engine.run(feeds, call)
        // As of a joined run: all answers are in one array.
        const whole = new Float32Array(1_000).fill(y!.data[0] as number)
        return { y: y!, next: { ...y!, data: whole.subarray(5, 6) } }
      },
    }
    const { model } = servedModel(joined, contract, 'sha256:0')
    for (const expected of [1, 2]) {
      const reply = invoke(model, { pieces: 1 }, bounds)
      await endNext()
      expect((await reply).output).toEqual({ total: expected })
    }
    expect(fed[1]!.byteLength).toBe(4)
  })
})

describe('a model that is disposed in the middle of a run', () => {
  it('frees its network after the answer, and not before', async () => {
    const { engine, endNext, isDisposed } = heldEngine()
    const { model } = servedModel(engine, contract, 'sha256:0')
    const reply = invoke(model, { pieces: 1 }, bounds)
    let disposal: Promise<void> | undefined
    await endNext(() => {
      disposal = model.dispose()
      expect(isDisposed()).toBe(false)
    })
    expect((await reply).output).toEqual({ total: 1 })
    await disposal
    expect(isDisposed()).toBe(true)
    expect(model.health().state).toBe('disposed')
  })
})
