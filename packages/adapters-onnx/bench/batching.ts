// What joining calls gains: 256 callers at once, each with its own sample, against a raw session that takes one after the other;
// and a caller who has all of them at hand and sends them in one call.
import { invoke, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { against, compare } from '../../../bench/measure.ts'
import { loadEngine } from '../src/engine.ts'
import { rawSession, samplesOf, served, subjects } from './models.ts'

const callers = 256
const bursts = 8
const batching = { maximum: callers }

export async function batching256(): Promise<void> {
  for (const { subject, goal } of [
    { subject: subjects.mlp, goal: 12 },
    { subject: subjects.autoencoder, goal: 2.3 },
  ]) {
    const { name, bytes, input, shape } = subject
    const [session, model] = [await rawSession(subject), await served(subject, { batching })]
    const engine = await loadEngine({ runtime: ort, bytes, id: 'bench/engine', execution: { batching } })
    const whole = await served(subject, {}, ['rows', ...shape])
    const samples = samplesOf(subject, callers)
    const rows = new Float32Array(samples.flatMap((data) => [...data]))
    const dims = [1, ...shape]
    const call = { deadline: Date.now() + 3_600_000, isOver: false, signal: new AbortController().signal }
    const measured = await compare(`${name}: ${callers} callers at once, each sample`, callers * bursts, [
      {
        name: 'raw session.run, one after the other',
        async run() {
          for (let burst = 0; burst < bursts; burst++) for (const data of samples) await session.run(data)
        },
      },
      {
        name: 'joined, the engine alone',
        async run() {
          for (let burst = 0; burst < bursts; burst++)
            await Promise.all(samples.map((data) => engine.run({ [input]: { type: 'float32', data, dims } }, call)))
        },
      },
      {
        name: 'joined, through invoke',
        async run() {
          for (let burst = 0; burst < bursts; burst++)
            await Promise.all(
              samples.map((data) => invoke(model, { [input]: tensor(data, shape) }, { deadlineMs: 60_000 })),
            )
        },
      },
      {
        name: `one call of ${callers} rows, through invoke`,
        async run() {
          for (let burst = 0; burst < bursts; burst++)
            await invoke(whole, { [input]: tensor(rows, [callers, ...shape]) }, { deadlineMs: 60_000 })
        },
      },
    ])
    const [raw = Number.NaN, engineAlone = Number.NaN, invoked = Number.NaN, inOne = Number.NaN] =
      Object.values(measured)
    for (const [what, each] of [
      ['the engine alone', engineAlone],
      ['through invoke', invoked],
      [`one call of ${callers} rows`, inOne],
    ] as const)
      against(`at least ${goal}×`, `${what} ${(raw / each).toFixed(1)} times as fast`, raw / each >= goal)
    await engine.dispose()
    await model.dispose()
    await whole.dispose()
    await session.release()
  }
}
