import { invoke, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { autoencoder, mlp, rowSum, weights } from './networks.test-support.ts'
import { onnxModel } from './onnx-model.ts'

const window = 64
const samples = 97
const stated = { version: '1.0.0', task: 'process-analysis', runtime: ort } as const

/**
 * Calls three models at once, 64 calls at any time, each with an input of its own, and counts what is not what the raw
 * runtime alone gives. Runs of the same network that overlap answer each other's questions where nothing keeps them apart.
 */
export async function overlappedInvokes(times: number) {
  const networks = await Promise.all(
    [
      { name: 'mlp', bytes: mlp(), input: 'features', output: 'answer', width: 64 },
      { name: 'rebuild', bytes: autoencoder(), input: 'signal', output: 'rebuilt', width: 512 },
      { name: 'sum', bytes: rowSum(), input: 'values', output: 'total', width: 8 },
    ].map(async ({ name, bytes, input, output, width }) => {
      const inputs = Array.from({ length: samples }, (_, seed) => weights(seed + width)(width, 1))
      const session = await ort.InferenceSession.create(bytes)
      const expected: Float32Array[] = []
      for (const data of inputs)
        expected.push(
          (await session.run({ [input]: new ort.Tensor('float32', data, [1, width]) }))[output]!.data as Float32Array,
        )
      await session.release()
      const model = await onnxModel({
        ...stated,
        id: `test/${name}`,
        title: name,
        model: bytes,
        inputs: { [input]: { tensor: { shape: [width], unit: '1' } } },
      })
      const ask = inputs.map((data) => ({ [input]: tensor(data) }))
      return { model, ask, expected, output }
    }),
  )
  let [wrong, lost, answered, next] = [0, 0, 0, 0]

  async function caller(): Promise<void> {
    while (next < times) {
      const call = next++
      const { model, ask, expected, output } = networks[call % networks.length]!
      const sample = (call * 31) % samples
      try {
        const reply = await invoke(model, ask[sample] as never, { deadlineMs: 120_000 })
        const { data } = (reply.output as Record<string, { data: Float32Array }>)[output]!
        answered += 1
        if (!data.every((value, at) => Object.is(value, expected[sample]![at]))) wrong += 1
      } catch {
        lost += 1
      }
    }
  }

  const started = performance.now()
  await Promise.all(Array.from({ length: window }, caller))
  const seconds = (performance.now() - started) / 1000
  await Promise.all(networks.map(({ model }) => model.dispose()))
  return { wrong, lost, answered, seconds }
}
