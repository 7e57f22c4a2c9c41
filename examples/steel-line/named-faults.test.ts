import { connect, type Fault, invoke, memoryJournal, sample, serve, type Transport, tensor } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { type EmbeddedBroker, embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect as connectMqtt } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearingDiagnosis } from './contracts.ts'
import { guardedMillSpeed } from './mill-speed.ts'
import { bearingModel, surfaceModel } from './networks.ts'
import { simulatedShift } from './shift.ts'

/** Bad input goes over the real path: this side, a broker, the serving side. */
const journal = memoryJournal()
const drive = { speed: 12, stripThreaded: true }
const shift = simulatedShift(1)
const window = shift.windows[1]!
const { strip } = shift.strips[0]!
let broker: EmbeddedBroker
let plant: Transport
let caller: Transport

beforeAll(async () => {
  broker = await embeddedBroker()
  plant = await mqttTransport({ connect: connectMqtt, url: broker.url })
  caller = await mqttTransport({ connect: connectMqtt, url: broker.url })
  await serve(await bearingModel(), plant)
  await serve(await surfaceModel(), plant)
  await serve(
    guardedMillSpeed(drive, journal, async () => ({ granted: false, approver: 'test' })),
    plant,
  )
})

afterAll(async () => {
  await caller.close()
  await plant.close()
  await broker.close()
})

const within = { deadlineMs: 5_000, caller: { id: 'test/agent', roles: ['agent'] } }
const faultOf = async (id: string, input: unknown): Promise<Fault> => {
  const model = await connect(caller, id, { deadlineMs: 2_000 })
  return invoke(model, input, within).then(
    () => expect.fail(`${id} answered`),
    (fault: Fault) => fault,
  )
}
const bearing = (change: object) => ({ vibration: window.vibration, shaftSpeed: window.shaftSpeed, ...change })
const nanAt = (place: number) => {
  const signal = window.vibration.value.data.slice()
  signal[place] = Number.NaN
  return tensor(signal)
}

describe('bad input ends in the fault that names it', () => {
  it.each([
    [
      'a wrong unit',
      'dinrail/bearing-diagnosis',
      bearing({ vibration: sample(window.vibration.value, 'mm/s') }),
      'unit-mismatch',
      '/input/vibration',
    ],
    [
      'a NaN in a window',
      'dinrail/bearing-diagnosis',
      bearing({ vibration: nanAt(1_000) }),
      'invalid-input',
      '/input/vibration',
    ],
    [
      'a window of another length',
      'dinrail/bearing-diagnosis',
      bearing({ vibration: tensor(new Float32Array(1_024)) }),
      'invalid-input',
      '/input/vibration',
    ],
    [
      'a shaft faster than any in training',
      'dinrail/bearing-diagnosis',
      bearing({ shaftSpeed: 3_000 }),
      'out-of-limits',
      '/input/shaftSpeed',
    ],
    [
      'a missing field',
      'dinrail/surface-inspection',
      { ...strip, pixelsAreas: undefined },
      'invalid-input',
      '/input/pixelsAreas',
    ],
    ['a speed above the limits', 'plant/mill-speed', { speed: 15.1, reason: 'test' }, 'out-of-limits', '/input/speed'],
    ['a speed below the limits', 'plant/mill-speed', { speed: 1.9, reason: 'test' }, 'out-of-limits', '/input/speed'],
    [
      'a speed that is none',
      'plant/mill-speed',
      { speed: Number.NaN, reason: 'test' },
      'invalid-input',
      '/input/speed',
    ],
    [
      'a speed in another dimension',
      'plant/mill-speed',
      { speed: sample(12, 'kg'), reason: 'test' },
      'unit-mismatch',
      '/input/speed',
    ],
  ])('%s', async (_, id, input, code, field) => {
    expect(await faultOf(id, input)).toMatchObject({ code, field })
  })

  it('while the same window in another unit of acceleration gets the same answer', async () => {
    const model = await connect(caller, bearingDiagnosis, { deadlineMs: 2_000 })
    const { data } = window.vibration.value
    for (const [unit, perUnit] of [
      ['mm/s2', 1e3],
      ['[g]', 1 / 9.80665],
    ] as const) {
      const vibration = sample(tensor(data.map((value) => value * perUnit)), unit)
      const { output } = await invoke(model, bearing({ vibration }), within)
      expect(output.label).toBe(window.truth)
    }
  })

  it('an unknown model id', async () => {
    const unknown = connect(caller, 'plant/no-such-model', { deadlineMs: 200 })
    await expect(unknown).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('plant/no-such-model'),
    })
  })

  it('a caller that nobody allowed', async () => {
    const model = await connect(caller, 'plant/mill-speed', { deadlineMs: 2_000 })
    const asked = invoke(model, { speed: 11.5, reason: 'test' }, { deadlineMs: 2_000, caller: { id: 'a stranger' } })
    await expect(asked).rejects.toMatchObject({ code: 'denied' })
  })

  it('and whatever reached the boundary and was refused is in the journal while the mill keeps its speed', async () => {
    const refused: unknown[] = []
    for await (const { kind, data } of journal.entries())
      if (kind === 'write-refused') refused.push((data as { fault: string }).fault)
    expect(refused).toEqual(['out-of-limits', 'out-of-limits', 'unit-mismatch', 'denied'])
    expect(drive.speed).toBe(12)
  })
})
