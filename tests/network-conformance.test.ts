import { type Model, tensor } from '@dinrail/core'
import { modelChecks, toReport } from '@dinrail/core/conformance'
import { describe, expect, it } from 'vitest'
import { forecastModel } from '../examples/forecast-energy/forecast-model.ts'
import { surfaceModel } from '../examples/inspect-surface/surface-model.ts'
import { drawnScratches } from '../examples/inspect-surface/surface-pictures.ts'
import { STEP, voiceModel } from '../examples/listen-for-voice/voice-model.ts'
import { lifeModel } from '../examples/remaining-life/life-model.ts'
import { simulateEngine } from '../examples/remaining-life/simulated-engine.ts'

const [cycle] = simulateEngine({ seed: 1, cycles: 200 })

const checksOf =
  <In, Out>(create: () => Promise<Model<In, Out>>, input: In) =>
  () =>
    modelChecks({ create, input })

describe('the examples’ networks keep every clause that a model must', () => {
  it.each([
    ['remaining life', checksOf(lifeModel, { ...cycle!, session: 'engine-1' })],
    [
      'energy forecast',
      checksOf(forecastModel, { usage: tensor(new Float32Array(96).fill(40)), hour: 12, weekday: 'Monday' }),
    ],
    ['surface picture', checksOf(surfaceModel, { picture: drawnScratches(2) })],
    ['voice activity', checksOf(voiceModel, { sound: tensor(new Float32Array(STEP)), session: 'gate' })],
  ] as const)('%s', async (_, checks) => {
    const report = await toReport(await checks())
    expect(report.conforms, report.text).toBe(true)
  })
})
