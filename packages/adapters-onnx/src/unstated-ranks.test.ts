import { invoke, type Tensor, tensor } from '@dinrail/core'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { type InputRecipe, type OnnxModel, type OnnxRuntime, type OutputRecipe, onnxModel } from './index.ts'
import { tinyNetwork, unranked } from './tiny-networks.test-support.ts'

web.env.wasm.numThreads = 1

type Recipes = { readonly inputs?: Record<string, InputRecipe>; readonly outputs?: Record<string, OutputRecipe> }
const load = (recipes: Recipes, runtime: OnnxRuntime = web) =>
  onnxModel({
    runtime,
    model: unranked(),
    id: 'acme/unranked',
    version: '1.0.0',
    title: 'Of any number of axes',
    task: 'process-analysis',
    ...recipes,
  }) as Promise<OnnxModel<object, unknown>>

async function answer(recipes: Recipes, input: object, runtime?: OnnxRuntime): Promise<unknown> {
  const model = await load(recipes, runtime)
  const { output } = await invoke(model, input, { deadlineMs: 10_000, caller: { id: 'plc-1' } })
  await model.dispose()
  return output
}
const rows = { tensor: { shape: ['rows', 2] } } as const
const two = { vector: ['a', 'b'].map((name) => ({ name, unit: '1' })) }

describe('a file that does not say how many axes its tensors have', () => {
  it.each([
    ['onnxruntime-web', web],
    ['onnxruntime-node', native],
  ])('takes and gives the shape that is stated: %s', async (_, runtime) => {
    const x = tensor(Float32Array.of(1, 2, 3, 4), [2, 2])
    expect(await answer({ inputs: { x: rows }, outputs: { y: rows } }, { x }, runtime)).toEqual({ y: x })
  })

  it('gets a vector, its window and a picture with a batch axis in front', async () => {
    expect(await answer({ inputs: { x: two }, outputs: { y: rows } }, { a: 1, b: 2 })).toEqual({
      y: tensor(Float32Array.of(1, 2), [1, 2]),
    })
    const window = { ...two, window: { length: 3, from: 'input' } } as const
    const a = tensor(Float32Array.of(1, 2, 3))
    expect(
      await answer({ inputs: { x: window }, outputs: { y: { tensor: { shape: [1, 3, 2] } } } }, { a, b: a }),
    ).toMatchObject({ y: { shape: [1, 3, 2] } })
    const image = { image: { size: [1, 1], colour: 'grey', range: 255 } } as const
    const x = tensor(Uint8Array.of(7), [1, 1, 1])
    expect(await answer({ inputs: { x: image }, outputs: { y: { tensor: { shape: [1, 1, 1, 1] } } } }, { x })).toEqual({
      y: tensor(Float32Array.of(7), [1, 1, 1, 1]),
    })
  })

  it('is read as labels and values of any number', async () => {
    const labels = ['low', 'right', 'high']
    const x = tensor(Float32Array.of(0.1, 0.7, 0.2), [1, 3])
    const inputs = { x: { tensor: { shape: [1, 3] } } }
    expect(await answer({ inputs, outputs: { y: { labels } } }, { x })).toMatchObject({ label: 'right' })
  })

  it.each<[string, Recipes, RegExp]>([
    ['input', {}, /how many axes the ONNX input 'x' has: state its shape, as in inputs: \{ "x": \{ tensor: \{ shape:/],
    [
      'output',
      { inputs: { x: rows } },
      /how many axes the ONNX output 'y' has: state its shape, as in outputs: \{ "y"/,
    ],
    ['state', { inputs: { x: { state: 'y' } } }, /which shape the state 'x' has: state it in numbers/],
  ])('is refused where that of an %s cannot be known', async (_, recipes, message) => {
    await expect(load(recipes)).rejects.toThrow(message)
  })

  it('cannot be joined with others', async () => {
    const batching = onnxModel({
      runtime: web,
      model: unranked(),
      id: 'acme/unranked',
      execution: { batching: { maximum: 2 } },
    })
    await expect(batching).rejects.toThrow(/does not say how many axes the ONNX input 'x' has/)
  })
})

it('a scalar that the file says to be one stays one', async () => {
  const scalar = await onnxModel({
    runtime: web,
    model: tinyNetwork({
      inputs: { x: [] },
      outputs: { y: [] },
      build: (graph) => graph.apply('Identity', ['x'], { output: 'y' }),
    }),
    id: 'acme/scalar',
    version: '1.0.0',
    title: 'Scalar',
    task: 'process-analysis',
  })
  const x: Tensor = tensor(Float32Array.of(3), [])
  expect((await invoke(scalar, { x }, { deadlineMs: 10_000 })).output).toEqual({ y: x })
  await scalar.dispose()
})
