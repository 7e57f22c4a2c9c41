import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { floats, load, within } from './engine.test-support.ts'
import type { Engine } from './engine.ts'
import { faultOf } from './fault-of.test-support.ts'
import { autoencoder, mlp, rowMixer, unknownOperator, weights } from './networks.test-support.ts'
import type { OnnxTensor } from './runtime.ts'

ort.env.wasm.numThreads = 1

describe('feeds that do not fit are invalid-input that names the input and what it takes', () => {
  const ints: OnnxTensor = { type: 'int32', data: new Int32Array(64), dims: [1, 64] }
  it.each([
    ['nothing', {}, /'features' is not fed; this network takes features/],
    ['another type', { features: ints }, /takes float32, not int32/],
    ['another rank', { features: floats(new Float32Array(64), 64) }, /takes the shape \[batch, 64\], not \[64\]/],
    [
      'another length',
      { features: floats(new Float32Array(63), 1, 63) },
      /takes the shape \[batch, 64\], not \[1,63\]/,
    ],
    [
      'too few values',
      { features: floats(new Float32Array(63), 1, 64) },
      /holds 63 values where its shape .* takes 64/,
    ],
    [
      'an array of another type',
      { features: { ...ints, type: 'float32' } },
      /'features' takes float32 as Float32Array, not as Int32Array/,
    ],
    ['an extra name', { features: floats(new Float32Array(64), 1, 64), colour: ints }, /'colour' is no input/],
  ])('%s', async (_, feeds, message) => {
    const engine = await load(mlp())
    const { code, message: given } = await faultOf(engine.run(feeds as Record<string, OnnxTensor>, within(1_000)))
    expect(code).toBe('invalid-input')
    expect(given).toMatch(message)
  })

  it('an empty batch, and batches of different lengths, where calls are joined', async () => {
    const engine = await load(mlp(), { batching: { maximum: 8 } })
    const { code, message } = await faultOf(engine.run({ features: floats(new Float32Array(), 0, 64) }, within(1_000)))
    expect([code, message]).toEqual(['invalid-input', expect.stringContaining('an empty batch has no answer')])
  })
})

describe('files that cannot be served are refused at load', () => {
  it('an operator that the runtime lacks', async () => {
    const { code, message } = await faultOf(load(unknownOperator()))
    expect([code, message]).toEqual(['unsupported', expect.stringContaining('Telepathy')])
  })

  it('a file that is none, before the runtime sees it', async () => {
    expect(await faultOf(load(new TextEncoder().encode('hello')))).toMatchObject({ code: 'invalid-input' })
  })

  it('a pool that is asked for and not given', async () => {
    await expect(load(mlp(), { where: 'pool' })).rejects.toThrow(/pass a workerPool/)
  })

  it('a network that mixes rows, where calls are to be joined', async () => {
    await expect(load(rowMixer(), { batching: { maximum: 8 } })).rejects.toThrow(/the network mixes rows/)
    expect((await load(rowMixer())).place).toBe('here')
  })
})

describe('in this thread', () => {
  it('the provider that is asked for computes, and one that is not there is a fault', async () => {
    const engine = await load(mlp(), { providers: ['wasm'] })
    const feeds = { features: floats(weights(5)(64, 1), 1, 64) }
    expect((await engine.run(feeds, within(5_000))).answer?.dims).toEqual([1, 1])
    const { message } = await faultOf(load(mlp(), { providers: ['abacus'] }))
    expect(message).toContain('abacus')
  })

  it('a joined answer is the single one within the tolerance', async () => {
    const [single, joined] = [await load(autoencoder()), await load(autoencoder(), { batching: { maximum: 32 } })]
    const samples = Array.from({ length: 100 }, (_, seed) => weights(seed)(512, 1))
    const answers = await Promise.all(
      samples.map((data) => joined.run({ signal: floats(data, 1, 512) }, within(5_000))),
    )
    for (const [index, data] of samples.entries()) {
      const { rebuilt } = await single.run({ signal: floats(data, 1, 512) }, within(5_000))
      const given = answers[index]!.rebuilt!
      expect(given.dims).toEqual([1, 512])
      for (const [at, value] of rebuilt!.data.entries())
        expect(Math.abs(Number(given.data[at]) - Number(value))).toBeLessThan(1e-5)
    }
  })

  it('calls beyond the queue are overloaded, and those in it are answered', async () => {
    const engine = await load(mlp(), { queue: 10 })
    const calls = Array.from({ length: 20 }, () =>
      engine.run({ features: floats(new Float32Array(64), 1, 64) }, within(5_000)),
    )
    const codes = await Promise.all(
      calls.map((call) =>
        call.then(
          () => 'answered',
          ({ code }) => code,
        ),
      ),
    )
    expect(codes.filter((code) => code === 'answered').length).toBe(11)
    expect(codes.filter((code) => code === 'overloaded').length).toBe(9)
  })

  it('a queue of none lets one call after the other run, and refuses what would wait', async () => {
    const [engine, other] = [await load(mlp(), { queue: 0 }), await load(mlp())]
    const ask = (asked: Engine) => asked.run({ features: floats(new Float32Array(64), 1, 64) }, within(10_000))
    // Longer than timers are kept waiting: the turn that they get is no wait for another call.
    const until = performance.now() + 50
    while (performance.now() < until) await ask(engine)
    const running = ask(engine)
    expect((await faultOf(ask(engine))).code).toBe('overloaded')
    await expect(load(mlp(), { queue: 0, batching: { maximum: 8 } })).rejects.toThrow(/queue of 0 calls join nothing/)
    await running
    const others = ask(other)
    expect((await faultOf(ask(engine))).code).toBe('overloaded')
    await others
    expect((await ask(engine)).answer?.dims).toEqual([1, 1])
  })

  it('a call that only waits for timers to have their turn takes no place in the queue', async () => {
    const engine = await load(mlp(), { queue: 2 })
    const ask = () => engine.run({ features: floats(new Float32Array(64), 1, 64) }, within(10_000))
    await ask()
    // Longer than timers are kept waiting: the next call waits until they had their turn.
    const until = performance.now() + 20
    while (performance.now() < until);
    const codes = await Promise.all(
      Array.from({ length: 4 }, () =>
        ask().then(
          () => 'answered',
          ({ code }) => code,
        ),
      ),
    )
    expect(codes).toEqual(['answered', 'answered', 'answered', 'overloaded'])
  })

  it('a call whose caller has given up, or whose deadline passed while it waited, never starts', async () => {
    const engine = await load(mlp())
    const feeds = { features: floats(new Float32Array(64), 1, 64) }
    const controller = new AbortController()
    const first = engine.run(feeds, within(5_000))
    const left = faultOf(engine.run(feeds, within(5_000, controller.signal)))
    const late = faultOf(engine.run(feeds, within(-1)))
    controller.abort()
    await first
    expect([(await left).code, (await late).code]).toEqual(['cancelled', 'deadline-exceeded'])
  })

  it('runs in flight end before the network is released, and later ones are refused', async () => {
    const engine = await load(mlp())
    const feeds = { features: floats(new Float32Array(64), 1, 64) }
    const running = Array.from({ length: 50 }, () => engine.run(feeds, within(5_000)))
    const disposed = engine.dispose()
    expect((await faultOf(engine.run(feeds, within(5_000)))).code).toBe('unavailable')
    expect((await Promise.all(running)).length).toBe(50)
    await disposed
    await engine.dispose()
  })
})
