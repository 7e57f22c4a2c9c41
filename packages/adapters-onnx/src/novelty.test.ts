import { type Fault, invoke } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { type Novelty, onnxModel } from './index.ts'
import { identity, lines, tinyNetwork } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const load = (novelty: Novelty, outsideTraining?: 'uncertain') =>
  onnxModel({
    runtime: ort,
    id: 'acme/tiny',
    version: '1.0.0',
    title: 'Tiny',
    task: 'quality-inspection',
    ...(outsideTraining && { outsideTraining }),
    // Gives 0.9 times its input beside its answer: good near zero, bad far away.
    model: tinyNetwork({
      inputs: { x: ['batch', 2] },
      outputs: { score: ['batch', 2], again: ['batch', 2] },
      build(graph) {
        graph.apply('Softmax', ['x'], { output: 'score' })
        graph.apply('Mul', ['x', graph.floats([0.9, 0.9], [2])], { output: 'again' })
      },
    }),
    inputs: {
      x: {
        vector: [
          { name: 'length', unit: 'mm', scale: { mean: 10, deviation: 2 } },
          { name: 'width', unit: 'mm' },
        ],
      },
    },
    outputs: { score: { labels: ['good', 'bad'] } },
    novelty,
  })

const precision = [
  [1, 0],
  [0, 4],
]
const half = Math.SQRT1_2
const kinds: readonly (readonly [string, Novelty, readonly [number, number], readonly [number, number]])[] = [
  // The distance of (4, 0) from (0, 0) in units of one deviation is 4; of (0, 2) it is 4 too.
  [
    'mahalanobis of an input',
    { kind: 'mahalanobis', of: 'x', mean: [0, 0], precision, threshold: 3 },
    [14, 0],
    [18, 0],
  ],
  [
    'mahalanobis of an output',
    { kind: 'mahalanobis', of: 'again', mean: [0, 0], precision, threshold: 3 },
    [14, 1],
    [10, 2],
  ],
  // Along the diagonal everything is explained, across it nothing.
  [
    'residual',
    { kind: 'residual', of: 'x', mean: [0, 0], components: [[half, half]], threshold: 0.5 },
    [30, 10],
    [10, 2],
  ],
  ['reconstruction', { kind: 'reconstruction', of: 'x', by: 'again', threshold: 0.15 }, [12, 1], [16, 1]],
]

describe.each(kinds)('a score of %s', (_, novelty, [length, width], [farLength, farWidth]) => {
  const bounds = { deadlineMs: 5_000 }

  it('lets pass what resembles the training data', async () => {
    const model = await load(novelty)
    const reply = await invoke(model, { length, width }, bounds)
    expect(reply.quality).toBe('good')
    expect(reply.confidence).toBeGreaterThan(0)
    await model.dispose()
  })

  it('refuses all else with the score and its threshold', async () => {
    const model = await load(novelty)
    const fault = await invoke(model, { length: farLength, width: farWidth }, bounds).then(
      () => expect.fail('it was answered'),
      (thrown: Fault) => thrown,
    )
    expect(fault).toMatchObject({ code: 'out-of-limits', field: '/input', details: { threshold: novelty.threshold } })
    expect((fault.details as { score: number }).score).toBeGreaterThan(novelty.threshold)
    await model.dispose()
  })

  it('or answers without confidence where the descriptor says so', async () => {
    const model = await load(novelty, 'uncertain')
    const reply = await invoke(model, { length: farLength, width: farWidth }, bounds)
    expect(reply.quality).toBe('uncertain')
    expect(reply.confidence).toBeUndefined()
    expect(reply.warnings.map(({ code }) => code)).toEqual(['outside-training-distribution'])
    await model.dispose()
  })
})

describe('a limit of one field that is passed', () => {
  it('takes the confidence of an uncertain answer too', async () => {
    const model = await onnxModel({
      runtime: ort,
      id: 'acme/tiny',
      version: '1.0.0',
      title: 'Tiny',
      task: 'quality-inspection',
      outsideTraining: 'uncertain',
      model: lines([1, 1]),
      inputs: {
        x: {
          vector: [
            { name: 'a', unit: '1', limits: { training: { min: 0, max: 1 } } },
            { name: 'b', unit: '1' },
          ],
        },
      },
      outputs: { y: { labels: ['a', 'b'], scores: 'logits' } },
    })
    const reply = await invoke(model, { a: 9, b: 0 }, { deadlineMs: 5_000 })
    expect(reply.quality).toBe('uncertain')
    expect(reply.confidence).toBeUndefined()
    await model.dispose()
  })
})

describe('a score that does not fit the file is refused when it is loaded', () => {
  it.each([
    ['an unknown tensor', { kind: 'mahalanobis', of: 'z', mean: [0, 0], precision, threshold: 1 }, /'z'; the file has/],
    [
      'another length',
      { kind: 'mahalanobis', of: 'x', mean: [0], precision: [[1]], threshold: 1 },
      /1 numbers, 'x' has 2/,
    ],
    [
      'no square matrix',
      { kind: 'mahalanobis', of: 'x', mean: [0, 0], precision: [[1, 0]], threshold: 1 },
      /2 columns/,
    ],
    [
      'components that are not orthonormal',
      { kind: 'residual', of: 'x', mean: [0, 0], components: [[2, 0]], threshold: 1 },
      /components must be orthonormal/,
    ],
    [
      'a matrix by which nothing is far',
      {
        kind: 'mahalanobis',
        of: 'x',
        mean: [0, 0],
        precision: [
          [1, 2],
          [2, 1],
        ],
        threshold: 1,
      },
      /precision is the inverse of no covariance/,
    ],
    ['a tensor and itself', { kind: 'reconstruction', of: 'x', by: 'x', threshold: 1 }, /'x' with itself: no input/],
    [
      'components that leave nothing',
      {
        kind: 'residual',
        of: 'x',
        mean: [0, 0],
        components: [
          [1, 0],
          [0, 1],
        ],
        threshold: 1,
      },
      /leave nothing of 2 dimensions/,
    ],
    [
      'a matrix of zeros',
      {
        kind: 'mahalanobis',
        of: 'x',
        mean: [0, 0],
        precision: [
          [0, 0],
          [0, 0],
        ],
        threshold: 1,
      },
      /precision is zero/,
    ],
    [
      'a threshold that is none',
      { kind: 'residual', of: 'x', mean: [0, 0], components: [], threshold: -1 },
      /threshold/,
    ],
  ])('%s', async (_, novelty, message) => {
    await expect(load(novelty as unknown as Novelty)).rejects.toThrow(message)
  })

  it('texts', async () => {
    const novelty = { kind: 'mahalanobis', of: 'x', mean: [0], precision: [[1]], threshold: 1 } as const
    const about = { runtime: ort, id: 'acme/tiny', version: '1.0.0', title: 'Tiny', task: 'process-analysis' } as const
    const loading = onnxModel({ ...about, model: identity([1], 'string'), novelty })
    await expect(loading).rejects.toThrow(/'x', which holds texts/)
  })
})
