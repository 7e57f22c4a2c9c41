import { createHash } from 'node:crypto'
import { invoke, tensor } from '@dinrail/core'
import { modelChecks, toReport } from '@dinrail/core/conformance'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { onnxModel } from './index.ts'

ort.env.wasm.numThreads = 1

const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'))
/** features[batch,3] → Gemm with w = [[1,-1],[0.5,0],[0,2]], b = [0.1,-0.1] → Softmax → probabilities[batch,2] */
const linear = bytesOf(
  'CAgSAXg6ugEKGQoIZmVhdHVyZXMKAXcKAWISAXoiBEdlbW0KGwoBehINcHJvYmFiaWxpdGllcyIHU29mdG1heBIBZyojCAMIAhABQgF3ShgAAIA/AACAvwAAAD8AAAAAAAAAAAAAAEAqEQgCEAFCAWJKCM3MzD3NzMy9Wh8KCGZlYXR1cmVzEhMKEQgBEg0KBxIFYmF0Y2gKAggDYiQKDXByb2JhYmlsaXRpZXMSEwoRCAESDQoHEgViYXRjaAoCCAJCBAoAEBE=',
)
/** The same graph with 0 / 0 at its end. */
const nan = bytesOf(
  'CAgSAXg6yQEKGQoIZmVhdHVyZXMKAXcKAWISAXoiBEdlbW0KDgoBegoBehIBcSIDU3ViChoKAXEKAXESDXByb2JhYmlsaXRpZXMiA0RpdhIBZyojCAMIAhABQgF3ShgAAIA/AACAvwAAAD8AAAAAAAAAAAAAAEAqEQgCEAFCAWJKCM3MzD3NzMy9Wh8KCGZlYXR1cmVzEhMKEQgBEg0KBxIFYmF0Y2gKAggDYiQKDXByb2JhYmlsaXRpZXMSEwoRCAESDQoHEgViYXRjaAoCCAJCBAoAEBE=',
)
/** features[batch,3] → a sequence of tensors. */
const sequence = bytesOf(
  'CAgSAXg6dwo2CghmZWF0dXJlcwoIZmVhdHVyZXMSDXByb2JhYmlsaXRpZXMiEVNlcXVlbmNlQ29uc3RydWN0EgFnWh8KCGZlYXR1cmVzEhMKEQgBEg0KBxIFYmF0Y2gKAggDYhkKDXByb2JhYmlsaXRpZXMSCCIGCgQKAggBQgQKABAR',
)
/** window[batch,4] → softmax of (mean, −mean). */
const windowMean = bytesOf(
  'CAgSAXg6yQEKNQoGd2luZG93EgFtIgpSZWR1Y2VNZWFuKgsKBGF4ZXNAAaABByoPCghrZWVwZGltcxgBoAECCgsKAW0SAW4iA05lZwoeCgFtCgFuEgF6IgZDb25jYXQqCwoEYXhpcxgBoAECChsKAXoSDXByb2JhYmlsaXRpZXMiB1NvZnRtYXgSAWdaHQoGd2luZG93EhMKEQgBEg0KBxIFYmF0Y2gKAggEYiQKDXByb2JhYmlsaXRpZXMSEwoRCAESDQoHEgViYXRjaAoCCAJCBAoAEBE=',
)

const stated = { version: '1.0.0', title: 'A classifier', task: 'quality-inspection', runtime: ort } as const
const inputs = {
  features: {
    vector: [
      { name: 'length', unit: 'mm', limits: { physical: { min: -1e6, max: 1e6 }, training: { min: -10, max: 10 } } },
      { name: 'width', unit: 'mm' },
      { name: 'brightness', unit: '1' },
    ],
  },
} as const
const outputs = { probabilities: { labels: ['good', 'bad'] } } as const
const strips = (change: object = {}) =>
  onnxModel({ ...stated, id: 'acme/strip', model: linear, inputs, outputs, ...change })
const windows = () =>
  onnxModel({
    ...stated,
    id: 'acme/window',
    model: windowMean,
    inputs: { window: { tensor: { field: 'vibration', shape: [4], axes: ['time'], unit: 'm/s2' } } },
    context: { shaftSpeed: { unit: '1/min', limits: { training: { min: 100, max: 200 } } } },
    outputs: { probabilities: { labels: ['up', 'down'] } },
  })

const softmax = (a: number, b: number) => Math.exp(a) / (Math.exp(a) + Math.exp(b))
const expected = (length: number, width: number, brightness: number) =>
  softmax(length + width / 2 + 0.1, -length + 2 * brightness - 0.1)

describe('an ONNX classifier on the rail', () => {
  it('answers with the label, all probabilities and its confidence', async () => {
    const model = await strips()
    const { output, confidence } = await invoke(model, { length: 1, width: 2, brightness: 0.5 }, { deadlineMs: 5_000 })
    expect(output.label).toBe('good')
    expect(output.probabilities.good).toBeCloseTo(expected(1, 2, 0.5), 5)
    expect(confidence).toBe(output.probabilities.good)
    await model.dispose?.()
  })

  it('takes tensors, converts their unit and bounds them by their context', async () => {
    const model = await windows()
    const vibration = { value: tensor(Float32Array.of(1, 1, 1, 1)), unit: 'km/s2' }
    const { output } = await invoke(model, { vibration, shaftSpeed: 150 }, { deadlineMs: 5_000 })
    expect(output.label).toBe('up')
    const outside = invoke(model, { vibration, shaftSpeed: 300 }, { deadlineMs: 5_000 })
    expect(await faultOf(outside)).toMatchObject({ code: 'out-of-limits', field: '/input/shaftSpeed' })
    for (const one of [1, 'AACAPw=='])
      expect(
        await faultOf(invoke(model, { vibration: one, shaftSpeed: 150 } as never, { deadlineMs: 5_000 })),
      ).toMatchObject({ code: 'invalid-input', field: '/input/vibration' })
    await model.dispose?.()
  })

  it.each([
    ['a missing field', { length: 1, width: 2 }, 'invalid-input', '/input/brightness'],
    ['an unknown field', { length: 1, width: 2, brightness: 1, colour: 3 }, 'invalid-input', '/input/colour'],
    ['a number as text', { length: '1', width: 2, brightness: 1 }, 'invalid-input', '/input/length'],
    ['NaN', { length: Number.NaN, width: 2, brightness: 1 }, 'invalid-input', '/input/length'],
    ['what it was not trained on', { length: 11, width: 2, brightness: 1 }, 'out-of-limits', '/input/length'],
    ['a wrong unit', { length: { value: 1, unit: 's' }, width: 2, brightness: 1 }, 'unit-mismatch', '/input/length'],
  ])('refuses %s', async (_, input, code, field) => {
    const model = await strips()
    expect(await faultOf(invoke(model, input as never, { deadlineMs: 5_000 }))).toMatchObject({ code, field })
    await model.dispose?.()
  })

  it('never gives a number that is none', async () => {
    const model = await strips({ model: nan })
    expect((await faultOf(invoke(model, { length: 1, width: 2, brightness: 1 }, { deadlineMs: 5_000 }))).code).toBe(
      'invalid-output',
    )
  })

  it('passes the conformance kit', async () => {
    const report = await toReport(
      await modelChecks({ create: () => strips(), input: { length: 1, width: 2, brightness: 1 } }),
    )
    expect(report.text).not.toContain('✗')
  })
})

describe('a file that does not fit its contract is refused when it is loaded', () => {
  const flipped = linear.slice()
  flipped[100]! ^= 1
  const pin = `sha256:${createHash('sha256').update(linear).digest('hex')}`

  it.each([
    ['text', { model: new TextEncoder().encode('not a model') }, /no ONNX model/],
    ['a truncated file', { model: linear.slice(0, 80) }, /no ONNX model/],
    ['an unknown input', { inputs: { pixels: inputs.features } }, /the file has features/],
    ['another number of fields', { inputs: { features: { vector: inputs.features.vector.slice(1) } } }, /has \[.*3\]/],
    ['an unknown output', { outputs: { scores: outputs.probabilities } }, /the file has probabilities/],
    ['another number of labels', { outputs: { probabilities: { labels: ['a', 'b', 'c'] } } }, /3 labels are stated/],
    ['an output that is a sequence', { model: sequence }, /zipmap=False/],
    ['a flipped bit in pinned weights', { model: flipped, sha256: pin }, /pinned are/],
    [
      'a wrong golden answer',
      {
        golden: [
          {
            input: { length: 1, width: 2, brightness: 1 },
            output: { probabilities: { good: 0.1, bad: 0.9 } },
            tolerance: 1e-3,
          },
        ],
      },
      /golden answer/,
    ],
  ])('%s', async (_, change, message) => {
    await expect(strips(change)).rejects.toThrow(message)
  })

  it('and what fits is accepted', async () => {
    const golden = [
      {
        input: { length: 1, width: 2, brightness: 0.5 },
        output: { probabilities: { good: expected(1, 2, 0.5), bad: 1 - expected(1, 2, 0.5) } },
        tolerance: 1e-5,
      },
    ]
    const model = await strips({ sha256: pin, golden })
    expect(model.descriptor.provenance?.artefact).toBe(pin)
    await model.dispose?.()
  })
})

describe('under concurrency', () => {
  it('answers 4,000 overlapping calls of two models without one wrong', async () => {
    const [strip, window] = await Promise.all([strips(), windows()])
    let wrong = 0
    const calls = Array.from({ length: 2_000 }, (_, i) => {
      const value = ((i * 37) % 19) / 10 - 0.9
      const one = invoke(strip, { length: value, width: 1, brightness: 0 }, { deadlineMs: 60_000 }).then(
        ({ output }) => {
          if (Math.abs(output.probabilities.good - expected(value, 1, 0)) > 1e-5) wrong += 1
        },
      )
      const other = invoke(
        window,
        { vibration: tensor(new Float32Array(4).fill(value)), shaftSpeed: 150 },
        { deadlineMs: 60_000 },
      ).then(({ output }) => {
        if (Math.abs(output.probabilities.up - softmax(value, -value)) > 1e-5) wrong += 1
      })
      return [one, other]
    })
    await Promise.all(calls.flat())
    expect(wrong).toBe(0)
    await Promise.all([strip.dispose?.(), window.dispose?.()])
  })

  it('lets timers run while calls follow each other', async () => {
    const model = await strips()
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    for (let calls = 0; ticks === 0 && calls < 50_000; calls++)
      await invoke(model, { length: 1, width: 2, brightness: 1 }, { deadlineMs: 5_000 })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(0)
    await model.dispose?.()
  })

  it('lets runs in flight end before it is disposed, and refuses later ones', async () => {
    const model = await strips()
    const call = () => invoke(model, { length: 1, width: 2, brightness: 1 }, { deadlineMs: 5_000 })
    const running = Array.from({ length: 50 }, call)
    const disposed = new Promise<void>((resolve) => setImmediate(() => resolve(model.dispose?.())))
    expect((await Promise.all(running)).every(({ output }) => output.label === 'good')).toBe(true)
    await disposed
    expect((await faultOf(call())).code).toBe('unavailable')
  })

  it('never starts a run whose caller has given up while it waited', async () => {
    const model = await strips()
    const controller = new AbortController()
    const before = Array.from({ length: 20 }, () =>
      invoke(model, { length: 1, width: 2, brightness: 1 }, { deadlineMs: 5_000 }),
    )
    const waiting = invoke(
      model,
      { length: 1, width: 2, brightness: 1 },
      { deadlineMs: 5_000, signal: controller.signal },
    )
    controller.abort()
    expect((await faultOf(waiting)).code).toBe('cancelled')
    await Promise.all(before)
    await model.dispose?.()
  })
})
