import { type Fault, invoke, type Model, type Tensor, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { describe, expect, it, vi } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { type Execution, onnxModel, type SessionBounds } from './index.ts'
import { sessions } from './sessions.ts'
import { adder, identity, tinyNetwork } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const about = { runtime: ort, id: 'acme/memory', version: '1.0.0', title: 'Memory', task: 'process-analysis' } as const
const counter = (bounds?: SessionBounds, execution: Execution = {}) =>
  onnxModel({
    ...about,
    execution,
    model: adder(),
    inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, total: { state: 'next' } },
    outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
    ...(bounds && { sessions: bounds }),
  })
const sound = {
  ...about,
  model: identity(['batch', 5]),
  inputs: { x: { tensor: { field: 'sound', shape: [3], unit: '1', overlap: 2 } } },
  outputs: { y: { tensor: { dtype: 'float32', shape: [5] } } },
} as const
type Counter = Model<{ readonly pieces: number; readonly session?: string }, { readonly total: number }, never>
const from = (id: string, deadlineMs = 10_000) => ({ deadlineMs, caller: { id } })
const add = async (model: Counter, pieces: number, caller = 'plc-1', session?: string) =>
  (await invoke(model, { pieces, ...(session && { session }) }, from(caller))).output.total

describe('a network with state', () => {
  it('goes on where the same caller’s last call ended, and apart from all others', async () => {
    const model = await counter()
    expect(await add(model, 1)).toBe(1)
    expect(await add(model, 2)).toBe(3)
    expect(await add(model, 10, 'plc-2')).toBe(10)
    expect(await add(model, 100, 'plc-1', 'line-b')).toBe(100)
    expect(await add(model, 4)).toBe(7)
    // No name of one caller can be mistaken for another caller's.
    expect(await add(model, 5, 'plc-1","line-b')).toBe(5)
    expect(model.health().sessions).toBe(4)
    await model.dispose()
  })

  it('keeps hundreds of sessions apart that call at once, each in order', async () => {
    const model = await counter()
    const calls = Array.from({ length: 1_000 }, (_, i) => add(model, 1, `plc-${i % 100}`))
    const totals = await Promise.all(calls)
    totals.forEach((total, i) => {
      expect(total).toBe(Math.floor(i / 100) + 1)
    })
    await model.dispose()
  })

  it('says when it remembers nothing, and asks an anonymous caller whose session it is', async () => {
    const model = await counter()
    expect((await invoke(model, { pieces: 1 }, from('plc-1'))).warnings).toMatchObject([{ code: 'session-began' }])
    expect((await invoke(model, { pieces: 1 }, from('plc-1'))).warnings).toEqual([])
    const fault = await faultOf(invoke(model, { pieces: 1 }, { deadlineMs: 5_000 }))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/session' })
    await invoke(model, { pieces: 1, session: 'shift-4711' }, { deadlineMs: 5_000 })
    await model.dispose()
  })

  it('holds what one session sent for no other one, where a gateway sends for several machines', async () => {
    const model = await onnxModel({
      ...about,
      model: adder(),
      inputs: {
        x: { vector: [{ name: 'pieces', unit: '1', missing: 'hold', maxAge: 60_000 }] },
        total: { state: 'next' },
      },
      outputs: { y: { values: [{ name: 'total', unit: '1' }] } },
    })
    const ask = (session: unknown, value?: number) => {
      const pieces = value === undefined ? {} : { pieces: { value, sourceTime: new Date().toISOString() } }
      return invoke(model, { ...pieces, session } as never, from('gateway'))
    }
    await ask('press-1', 100)
    for (const session of ['press-2', undefined, { value: 'press-2' }])
      expect(await faultOf(ask(session))).toMatchObject({ code: 'invalid-input', field: '/input/pieces' })
    await ask('press-2', 5)
    expect((await ask({ value: 'press-1' })).output).toEqual({ total: 200 })
    expect((await ask('press-2')).output).toEqual({ total: 10 })
    for (const session of [5n, null, {}, []])
      expect(await faultOf(ask(session, 1))).toMatchObject({ code: 'invalid-input', field: '/input/session' })
    await model.dispose()
  })

  it('opens sessions of their own, which end when they are disposed', async () => {
    const model = await counter({ most: 2 })
    const one = model.openSession()
    const other = model.openSession()
    const total = async (session: Counter) => (await invoke(session, { pieces: 1 }, { deadlineMs: 5_000 })).output.total
    expect([await total(one), await total(one), await total(other)]).toEqual([1, 2, 1])
    expect(() => model.openSession()).toThrow(/2 sessions/)
    // It has one state: under two names of sessions it would be mixed up.
    const named = invoke(one as Counter, { pieces: 1, session: 'line-b' }, { deadlineMs: 5_000 })
    expect(await faultOf(named)).toMatchObject({ code: 'invalid-input', field: '/input/session' })
    const last = total(one)
    await one.dispose?.()
    expect(await last).toBe(3)
    expect(await faultOf(total(one))).toMatchObject({ code: 'unavailable', retryable: false })
    expect(await total(model.openSession())).toBe(1)
    expect(await total(other)).toBe(2)
    await model.dispose()
    expect((await faultOf(total(other))).code).toBe('unavailable')
  })

  it('does not count a call that nobody got an answer of', async () => {
    const model = await counter()
    await add(model, 1)
    const controller = new AbortController()
    const given = invoke(model, { pieces: 100 }, { ...from('plc-1'), signal: controller.signal })
    controller.abort()
    expect((await faultOf(given)).code).toBe('cancelled')
    expect(await add(model, 1)).toBe(2)
    await model.dispose()
  })

  it('makes no signal for a call that nobody gives up', async () => {
    const model = await counter()
    const other = await onnxModel({ ...about, model: identity(['batch', 2]) })
    const x = tensor(new Float32Array(2), [1, 2])
    let made = 0
    class CountedController extends AbortController {
      constructor() {
        super()
        made += 1
      }
    }
    vi.stubGlobal('AbortController', CountedController)
    // The later ones wait, for their turn in the session and in the runtime.
    const calls = [1, 2, 3].flatMap(() => [add(model, 1), invoke(other, { x }, from('plc-2'))])
    await Promise.all(calls).finally(() => vi.unstubAllGlobals())
    expect(made).toBe(0)
    await Promise.all([model.dispose(), other.dispose()])
  })

  it('puts the end of the call before in front, where windows overlap', async () => {
    const model = await onnxModel(sound)
    const hear = async (caller: string, ...sound: number[]) => {
      const { output } = await invoke(model, { sound: tensor(Float32Array.from(sound)) }, from(caller))
      return Array.from(output.y.data)
    }
    expect(await hear('microphone-1', 1, 2, 3)).toEqual([0, 0, 1, 2, 3])
    expect(await hear('microphone-2', 7, 8, 9)).toEqual([0, 0, 7, 8, 9])
    expect(await hear('microphone-1', 4, 5, 6)).toEqual([2, 3, 4, 5, 6])
    await model.dispose()
  })

  it.each([
    ['int64', (...ids: number[]) => BigInt64Array.from(ids, BigInt)],
    ['uint64', (...ids: number[]) => BigUint64Array.from(ids, BigInt)],
    ['uint8', (...ids: number[]) => Uint8Array.from(ids)],
    // A class that extends the type's own, whose constructor is not to be used.
    ['uint8', (...ids: number[]) => Buffer.from(ids)],
  ] as const)('puts the end of the call before in front where windows of %s overlap', async (type, ids) => {
    const model = await onnxModel({
      ...about,
      model: identity(['batch', 3], type),
      inputs: { x: { tensor: { dtype: type, shape: [2], overlap: 1 } } },
      outputs: { y: { tensor: { dtype: type, shape: [3] } } },
    })
    const hear = async (...given: number[]) => {
      const { output } = await invoke(model, { x: tensor(ids(...given) as never) }, from('microphone-1'))
      return Array.from(output.y.data, Number)
    }
    expect([await hear(1, 2), await hear(3, 4)]).toEqual([
      [0, 1, 2],
      [2, 3, 4],
    ])
    await model.dispose()
  })

  it('keeps the state that it had where the network gives one that is no number', async () => {
    const model = await onnxModel({
      ...about,
      model: tinyNetwork({
        inputs: { x: [1, 1], root: [1, 1] },
        outputs: { y: [1, 1], next: [1, 1] },
        build(graph) {
          graph.apply('Add', ['x', 'root'], { output: 'y' })
          graph.apply('Sqrt', ['x'], { output: 'next' })
        },
      }),
      inputs: { x: { vector: [{ name: 'level', unit: '1' }] }, root: { state: 'next' } },
      outputs: { y: { values: [{ name: 'sum', unit: '1' }] } },
    })
    const sum = async (level: number) => (await invoke(model, { level }, from('plc-1'))).output.sum
    expect(await sum(4)).toBe(4)
    expect(await faultOf(sum(-1))).toMatchObject({
      code: 'invalid-output',
      message: expect.stringContaining("NaN at element 0 of 'next'"),
    })
    expect(await sum(1)).toBe(3)
    await model.dispose()
  })

  it('is proven by an answer with zeros in front, where windows overlap', async () => {
    const model = await onnxModel({
      ...sound,
      inputs: { x: { tensor: { ...sound.inputs.x.tensor, maxAge: 1_000 } } },
      golden: [
        {
          input: { sound: { value: tensor(Float32Array.of(1, 2, 3)), unit: '%' } },
          output: { y: tensor(Float32Array.of(0, 0, 0.01, 0.02, 0.03)) },
          tolerance: 1e-6,
        },
      ],
    })
    await model.dispose()
  })

  it('is refused where the state has no shape, or none of that name comes out', async () => {
    const load = (total: { state: string; shape?: number[] }) =>
      onnxModel({
        ...about,
        model: adder(),
        inputs: { x: { tensor: {} }, total },
      })
    await expect(load({ state: 'nexst' })).rejects.toThrow(/'nexst'; the file has y, next/)
    await expect(load({ state: 'next', shape: [2, 2] })).rejects.toThrow(/\[2, 2\].*\[1, 1\]/)
  })

  it('is not the memory of whoever reads it', async () => {
    const model = await onnxModel({
      ...about,
      model: adder(),
      inputs: { x: { vector: [{ name: 'pieces', unit: '1' }] }, total: { state: 'next' } },
      outputs: { next: { tensor: { dtype: 'float32' } } },
    })
    const count = async () => (await invoke(model, { pieces: 1 }, from('plc-1'))).output.next.data
    const first = await count()
    first[0] = 1_000
    expect(await count()).toEqual(Float32Array.of(2))
    await model.dispose()
  })

  it('is refused at load where what comes out is of another type than what goes in', async () => {
    const loading = onnxModel({
      ...about,
      model: tinyNetwork({
        inputs: { x: [1, 1], total: [1, 1] },
        outputs: { y: [1, 1], next: { dims: [1, 1], type: 'float64' } },
        build(graph) {
          graph.apply('Add', ['x', 'total'], { output: 'y' })
          graph.apply('Cast', ['x'], { output: 'next', attributes: { to: { kind: 'integer', value: 11 } } })
        },
      }),
      inputs: { x: { tensor: {} }, total: { state: 'next' } },
    })
    await expect(loading).rejects.toThrow(/inputs.total.state.*'next' gives float64, .*'total' takes float32/)
  })

  it('is nothing that one without state can open', async () => {
    const model = await onnxModel({
      ...about,
      model: identity(['batch', 1]),
    })
    expect(() => model.openSession()).toThrow(TypeError)
    const { output } = await invoke(
      model,
      { x: { dtype: 'float32', shape: [1, 1], data: Float32Array.of(3) } },
      from('a'),
    )
    expect((output.y as Tensor).data[0]).toBe(3)
    await model.dispose()
  })
})

describe('sessions are bounded', () => {
  const caller = (id: string) => ({ id })

  it('and so are the calls that wait in each', async () => {
    const model = await counter(undefined, { queue: 2 })
    const calls = Array.from({ length: 5 }, () => add(model, 1).catch(({ code }: Fault) => code))
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 'overloaded', 'overloaded'])
    await model.dispose()
  })

  it('and refuse a new one while all are in use, so that none is forgotten unnoticed', () => {
    const kept = sessions('acme/counter', { most: 2, idleMs: 1_000 })
    kept.of(caller('a'), undefined)
    kept.of(caller('b'), undefined)
    expect(() => kept.of(caller('c'), undefined)).toThrow(/remembers 2 sessions/)
    expect(kept.of(caller('a'), undefined).isNew).toBe(true)
  })

  it('and begin anew after their idle time, but never in the middle of a call', async () => {
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    try {
      const kept = sessions('acme/counter', { most: 1, idleMs: 1_000 })
      const first = kept.of(caller('a'), undefined)
      let end = () => {}
      const working = first.inTurn(
        () =>
          new Promise<void>((resolve) => {
            end = resolve
          }),
      )
      now = 5_000
      expect(kept.of(caller('a'), undefined)).toBe(first)
      expect(() => kept.of(caller('b'), undefined)).toThrow(/remembers 1 sessions/)
      await Promise.resolve()
      end()
      await working
      now = 5_500
      expect(kept.of(caller('a'), undefined)).toBe(first)
      now = 6_600
      expect(kept.of(caller('b'), undefined)).not.toBe(first)
      expect(kept.count).toBe(1)
    } finally {
      clock.mockRestore()
    }
  })
})
