// What joining calls gains: 256 callers at once, each its own sample, against a raw session that takes one after the other.
import * as ort from 'onnxruntime-web'
import { against, compare } from '../../../bench/measure.ts'
import { loadEngine } from '../src/engine.ts'
import { autoencoder, mlp, weights } from '../src/networks.test-support.ts'

const callers = 256
const call = { deadline: Date.now() + 3_600_000, signal: new AbortController().signal }

export async function benchBatching(): Promise<void> {
  for (const { name, bytes, input, width, goal } of [
    { name: 'MLP 64-32-1', bytes: mlp(), input: 'features', width: 64, goal: 12 },
    { name: 'autoencoder 512-64-512', bytes: autoencoder(), input: 'signal', width: 512, goal: 2.3 },
  ]) {
    const session = await ort.InferenceSession.create(bytes)
    const engine = await loadEngine({
      runtime: ort,
      bytes,
      id: 'bench/batching',
      execution: { batching: { maximum: 256 } },
    })
    const samples = Array.from({ length: callers }, (_, seed) => weights(seed)(width, 1))
    const dims = [1, width]
    const measured = await compare(`${name}, ${callers} callers at once, each sample`, callers, [
      {
        name: 'raw session.run, one after the other',
        async run() {
          for (const data of samples) await session.run({ [input]: new ort.Tensor('float32', data, dims) })
        },
      },
      {
        name: 'engine with batching',
        async run() {
          await Promise.all(samples.map((data) => engine.run({ [input]: { type: 'float32', data, dims } }, call)))
        },
      },
    ])
    const [raw = 0, joined = 0] = Object.values(measured)
    against(`at least ${goal} times as fast`, `${(raw / joined).toFixed(1)} times as fast`, raw / joined >= goal)
    await engine.dispose()
    await session.release()
  }
}
