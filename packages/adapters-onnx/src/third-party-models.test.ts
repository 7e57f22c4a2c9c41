import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { invoke, isFault, tensor } from '@dinrail/core'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { type OnnxRuntime, onnxModel } from './index.ts'

web.env.wasm.numThreads = 1

const folder = path.join(
  process.env.DINRAIL_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  'onnx-models',
)
const missing = `there is no ${folder}: DINRAIL_DATA names the folder that holds onnx-models/`
const bytesOf = async (file: string) => new Uint8Array(await readFile(path.join(folder, file)))
const about = (id: string) =>
  ({ id: `third-party/${id}`, version: '1.0.0', title: id, task: 'visual-recognition' }) as const
const bounds = { deadlineMs: 10_000 }

/** Strokes on black, as the digits of MNIST are: points in a box of 20 × 20 in the middle of 28 × 28. */
function digit(...strokes: readonly (readonly [x: number, y: number])[][]) {
  const data = new Uint8Array(28 * 28)
  for (const stroke of strokes)
    for (const [index, [x1, y1]] of stroke.slice(1).entries()) {
      const [x0, y0] = stroke[index]!
      for (let y = 0; y < 28; y++)
        for (let x = 0; x < 28; x++) {
          const [dx, dy] = [x1 - x0, y1 - y0]
          const along = ((x - 4 - x0) * dx + (y - 4 - y0) * dy) / (dx * dx + dy * dy)
          const share = Math.min(1, Math.max(0, along))
          const away = Math.hypot(x - 4 - x0 - share * dx, y - 4 - y0 - share * dy)
          data[y * 28 + x] = Math.max(data[y * 28 + x]!, Math.round(255 * Math.min(1, Math.max(0, 2 - away))))
        }
    }
  return tensor(data, [28, 28, 1])
}
const ring = Array.from({ length: 25 }, (_, i) => {
  const angle = (i / 24) * 2 * Math.PI
  return [10 + 6 * Math.cos(angle), 10 + 9 * Math.sin(angle)] as const
})
const drawn = {
  '0': digit([...ring]),
  '1': digit([
    [10, 0],
    [10, 19],
  ]),
  '4': digit(
    [
      [5, 0],
      [3, 10],
      [16, 10],
    ],
    [
      [13, 1],
      [12, 19],
    ],
  ),
  '7': digit([
    [2, 1],
    [16, 1],
    [8, 19],
  ]),
}

/** Values of the reference implementation of ONNX (onnx 1.23.2), which shares no code with the runtimes. */
const trees = [
  {
    file: 'treecl.onnx',
    features: 20,
    output: 'proba_0',
    labels: ['0', '1', '2'],
    scores: 'probabilities',
    answers: [
      { row: [0.5], probabilities: [0.65175325, 0.15066913, 0.19757763] },
      { row: [2], probabilities: [0.62844789, 0.17306769, 0.19848441] },
      { row: [-1, 3], probabilities: [0.21110862, 0.61918908, 0.16970229] },
    ],
  },
  {
    file: 'treecl2.onnx',
    features: 20,
    output: 'proba_2',
    labels: ['0', '1'],
    scores: 'probabilities',
    answers: [
      { row: [0.5], probabilities: [0.30135411, 0.69864589] },
      { row: [2], probabilities: [0.81934297, 0.180657] },
      { row: [-1, 3], probabilities: [0.1972222, 0.80277783] },
    ],
  },
  {
    file: 'treecl3.onnx',
    features: 10,
    output: 'proba_0',
    labels: ['0', '1', '2', '3'],
    scores: 'logits',
    answers: [
      { row: [0.5], probabilities: softmax([-1.93896055, -1.8101356, -1.74176442, -1.16389346]) },
      { row: [2], probabilities: softmax([-1.93782413, -1.8101356, -1.52297854, -1.26990867]) },
      { row: [-1, 3], probabilities: softmax([-1.93578577, -1.8101356, -1.74176442, -0.71489513]) },
    ],
  },
] as const

function softmax(logits: readonly number[]): number[] {
  const powers = logits.map(Math.exp)
  const sum = powers.reduce((all, one) => all + one, 0)
  return powers.map((one) => one / sum)
}

const runtimes: readonly (readonly [string, OnnxRuntime])[] = [
  ['onnxruntime-web', web],
  ['onnxruntime-node', native as unknown as OnnxRuntime],
]

describe.each(runtimes)('ONNX files that nobody here made, by %s', (_, runtime) => {
  it('multiplies two matrices by the file’s own names and shapes', async ({ skip }) => {
    skip(!existsSync(folder), missing)
    const model = await onnxModel({ runtime, ...about('matmul'), model: await bytesOf('matmul-quickstart.onnx') })
    const a = tensor(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [3, 4],
    )
    const b = tensor(
      Float32Array.from({ length: 12 }, (_, i) => i - 5),
      [4, 3],
    )
    const { output } = await invoke(model, { a, b }, bounds)
    const expected = [0, 1, 2].flatMap((row) =>
      [0, 1, 2].map((column) =>
        [0, 1, 2, 3].reduce((sum, k) => sum + a.data[row * 4 + k]! * b.data[k * 3 + column]!, 0),
      ),
    )
    expect(output.c).toEqual(tensor(Float32Array.from(expected), [3, 3]))
    await expect(invoke(model, { a, b: a }, bounds)).rejects.toMatchObject({ code: 'invalid-input', field: '/input/b' })
    await model.dispose()
  })

  it('reads drawn digits with a picture’s recipe, whatever the size of the picture', async ({ skip }) => {
    skip(!existsSync(folder), missing)
    const model = await onnxModel({
      runtime,
      ...about('mnist'),
      model: await bytesOf('mnist.onnx'),
      inputs: { Input3: { image: { field: 'picture', size: [28, 28], colour: 'grey', range: 255, resize: 'area' } } },
      outputs: {
        Plus214_Output_0: { labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], scores: 'logits' },
      },
    })
    for (const [name, picture] of Object.entries(drawn)) {
      expect((await invoke(model, { picture }, bounds)).output.label).toBe(name)
      const large = tensor(
        Uint8Array.from(
          { length: 84 * 84 },
          (_, i) => picture.data[Math.floor(i / 84 / 3) * 28 + Math.floor((i % 84) / 3)]!,
        ),
        [84, 84, 1],
      )
      expect((await invoke(model, { picture: large }, bounds)).output.label).toBe(name)
    }
    await model.dispose()
  })

  it.for(trees)(
    '$file gives the reference’s probabilities',
    async ({ file, features, output, labels, scores, answers }, { skip }) => {
      skip(!existsSync(folder), missing)
      const vector = Array.from({ length: features }, (_, i) => ({ name: `x${i}`, unit: '1' }))
      const definition = {
        runtime,
        ...about(file.replace('.onnx', '')),
        model: await bytesOf(`sklearn-onnx/${file}`),
        inputs: { input: { vector } },
        outputs: { [output]: { labels: [...labels], scores } },
      }
      const model = await onnxModel(definition)
      for (const { row, probabilities } of answers) {
        const input = Object.fromEntries(vector.map(({ name }, i) => [name, row[i % row.length]!]))
        const reply = await invoke(model, input, bounds)
        const given = (reply.output as { probabilities: Record<string, number> }).probabilities
        for (const [i, label] of labels.entries()) expect(given[label]).toBeCloseTo(probabilities[i]!, 5)
        expect(reply.confidence).toBeCloseTo(Math.max(...probabilities), 5)
      }
      await model.dispose()
    },
  )

  it('refuses the super-resolution network at load, since no runtime here knows its operators, and says what to do', async ({
    skip,
  }) => {
    skip(!existsSync(folder), missing)
    const problem: unknown = await onnxModel({
      runtime,
      ...about('superresolution'),
      model: await bytesOf('superresolution_with_pre_post_op18.onnx'),
    }).then(
      (model) => model.dispose(),
      (refusal) => refusal,
    )
    expect(isFault(problem) && problem.message).toMatch(/DecodeImage/)
    expect(isFault(problem) && problem.message).toMatch(/export/i)
  })
})
