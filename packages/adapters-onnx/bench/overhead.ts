// What the contract costs: `invoke` of a model of one tensor against `session.run` alone.
import { invoke, tensor } from '@dinrail/core'
import { against, compare } from '../../../bench/measure.ts'
import { rawSession, samplesOf, served, subjects } from './models.ts'

export async function overhead(): Promise<void> {
  for (const { subject, times } of [
    { subject: subjects.mlp, times: 2_000 },
    { subject: subjects.cnn, times: 10 },
  ]) {
    const [session, model] = [await rawSession(subject), await served(subject)]
    const [data] = samplesOf(subject, 1) as [Float32Array<ArrayBuffer>]
    const { shape, input, name } = subject
    const measured = await compare(
      `${name}: one call after the other`,
      times,
      [
        {
          name: 'raw session.run',
          async run(count) {
            for (let i = 0; i < count; i++) await session.run(data)
          },
        },
        {
          name: 'invoke',
          async run(count) {
            for (let i = 0; i < count; i++)
              await invoke(model, { [input]: tensor(data, shape) }, { deadlineMs: 60_000 })
          },
        },
      ],
      61,
    )
    const { 'raw session.run': raw = Number.NaN, invoke: ours = Number.NaN } = measured
    if (subject === subjects.mlp)
      against('at most 1.5 µs more', `${(ours - raw).toFixed(2)} µs more`, ours - raw <= 1.5)
    else against('at most 1.03×', `${(ours / raw).toFixed(3)}×`, ours / raw <= 1.03)
    await model.dispose()
    await session.release()
  }
}
