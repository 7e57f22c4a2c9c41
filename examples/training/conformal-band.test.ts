import { describe, expect, it } from 'vitest'
import { addBand, bandAt, fitBand } from './conformal-band.ts'
import { largestDifference, runModel } from './model-run.ts'
import { encodeOnnx, onnxGraph } from './onnx-file.ts'
import { seededRandom } from './random.ts'

const random = seededRandom(11)
/** Errors that grow with the estimate, as those of remaining lives do. */
const drawn = (count: number) =>
  Array.from({ length: count }, () => {
    const value = 100 * random.uniform()
    return { value, truth: value + (1 + value / 5) * random.normal() }
  })
const band = fitBand(drawn(4_000), { level: 0.9, bins: 8 })

describe('a conformal band', () => {
  it('holds the promised share of truths that it was not made of, where errors are small and where they are large', () => {
    for (const [from, to] of [
      [0, 100],
      [0, 30],
      [70, 100],
    ] as const) {
      const others = drawn(20_000).filter(({ value }) => value >= from && value < to)
      const inside = others.filter(({ value, truth }) => {
        const { low, high } = bandAt(band, value)
        return truth >= low && truth <= high
      })
      expect(inside.length / others.length).toBeGreaterThan(0.87)
      expect(inside.length / others.length).toBeLessThan(0.94)
    }
    const width = (value: number) => bandAt(band, value).high - bandAt(band, value).low
    expect(width(90)).toBeGreaterThan(2 * width(10))
  })

  it('is the same in the graph as in the training', async () => {
    const graph = onnxGraph()
    addBand(graph, 'estimate', band, { output: 'band' })
    const bytes = encodeOnnx({
      name: 'band',
      description: '',
      producer: { name: 'dinrail', version: '1.0.0' },
      operatorSets: { '': 17 },
      nodes: graph.nodes,
      constants: graph.constants,
      inputs: [{ name: 'estimate', dims: ['batch', 1], description: '' }],
      outputs: [{ name: 'band', dims: ['batch', 3], description: '' }],
      metadata: {},
    })
    const values = [-5, 0, ...band.knots, 50, 99, 140]
    const answers = await runModel(
      bytes,
      { input: 'estimate', output: 'band' },
      values.map((value) => Float32Array.of(value)),
    )
    const expected = values.map((value) => {
      const { low, high } = bandAt(band, value)
      return Float64Array.of(low, value, high)
    })
    expect(largestDifference(answers, expected)).toBeLessThan(1e-4)
  })
})
