import { type Fault, isFault } from '@dinrail/core'
import fc from 'fast-check'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { embedDescriptor, type OnnxRuntime, onnxModel } from './index.ts'
import { lines, tinyNetwork } from './tiny-networks.test-support.ts'

web.env.wasm.numThreads = 1

const whole = lines([1, 2])
const text = (words: string) => new TextEncoder().encode(words)
/** A graph that claims two gigabytes where a few bytes follow. */
const claims = Uint8Array.of(8, 8, 58, 255, 255, 255, 255, 7, 10, 0)
const unknownOperator = tinyNetwork({
  inputs: { x: [1] },
  outputs: { y: [1] },
  build: (graph) => graph.apply('Frobnicate', ['x'], { output: 'y' }),
})
const ofTheFuture = tinyNetwork({
  inputs: { x: [1] },
  outputs: { y: [1] },
  operatorSet: 99,
  build: (graph) => graph.apply('Relu', ['x'], { output: 'y' }),
})
describe.each([
  ['onnxruntime-web', web as OnnxRuntime],
  ['onnxruntime-node', native as unknown as OnnxRuntime],
])('on %s a file is refused with what it is and what to do', (_, runtime) => {
  const about = { runtime, id: 'acme/strip', version: '1.0.0', title: 'Strip', task: 'quality-inspection' } as const

  it.each([
    ['an empty file', new Uint8Array(0), 'invalid-input', /empty/],
    ['a text', text('weights: none\n'), 'invalid-input', /text/],
    ['a page of an error', text('<!DOCTYPE html><title>404</title>'), 'invalid-input', /text/],
    ['a pointer of Git LFS', text('version https://git-lfs.github.com/spec/v1\n'), 'invalid-input', /git lfs pull/],
    ['a zip archive', Uint8Array.of(80, 75, 3, 4, 20, 0, 0, 0), 'invalid-input', /zip archive/],
    ['half a file', whole.slice(0, whole.length >> 1), 'invalid-input', /truncated|damaged/],
    ['two gigabytes that are not there', claims, 'invalid-input', /truncated|damaged/],
    ['an operator set of the future', ofTheFuture, 'unsupported', /newer than this runtime.*older operator set/s],
    ['an operator that nobody knows', unknownOperator, 'unsupported', /operator/],
  ])('%s', async (_what, model, code, message) => {
    const fault = await onnxModel({ ...about, model: model as Uint8Array<ArrayBuffer> }).then(
      () => expect.fail('it was loaded'),
      (thrown: Fault) => thrown,
    )
    expect(fault).toMatchObject({ code, field: '/model' })
    expect(fault.message).toMatch(message)
  })
})

it('cut anywhere or spoilt at any byte, a file loads or ends in a fault or a TypeError, and never in a crash', async () => {
  const described = embedDescriptor(whole, {
    id: 'acme/strip',
    version: '1.0.0',
    title: 'Strip',
    task: 'quality-inspection',
    inputs: {
      x: {
        vector: [
          { name: 'a', unit: '1' },
          { name: 'b', unit: '1' },
        ],
      },
    },
    outputs: { y: { labels: ['good', 'bad'], scores: 'logits' } },
  })
  const load = async (model: Uint8Array<ArrayBuffer>) => {
    try {
      await (await onnxModel({ runtime: web, model })).dispose()
    } catch (problem) {
      expect(isFault(problem) || problem instanceof TypeError, String(problem)).toBe(true)
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.nat(described.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, bits, cut) => {
        if (cut) return load(described.slice(0, at))
        const spoilt = described.slice()
        spoilt[at]! ^= bits
        return load(spoilt)
      },
    ),
    { numRuns: 300 },
  )
})
