import { connect, defineModel, inProcessTransport, invoke, type Model, serve, type Transport } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect as connectMqtt } from 'mqtt'
import { bench, describe } from 'vitest'
import { z } from 'zod'

/** What distance costs: the same model called here, through the in-process transport, and over a broker. */
const contract = {
  id: 'bench/double',
  input: z.object({ length: z.number().meta({ unit: 'm' }) }),
  output: z.object({ length: z.number().meta({ unit: 'm' }) }),
}
const here = defineModel({
  ...contract,
  version: '1.0.0',
  title: 'Double',
  task: 'process-analysis',
  run: ({ length }) => ({ output: { length: 2 * length } }),
})

type Double = Model<{ length: number }, { length: number }>

async function over(serving: Transport, calling: Transport): Promise<Double> {
  await serve(here, serving)
  return connect(calling, contract, { deadlineMs: 2_000 })
}

const inProcess = inProcessTransport()
const near = await over(inProcess, inProcess)
// The broker lives as long as this benchmark's process.
const { url } = await embeddedBroker()
const side = () => mqttTransport({ connect: connectMqtt, url })
const far = await over(await side(), await side())
const call = (model: Double) => async () => {
  await invoke(model, { length: 3 }, { deadlineMs: 2_000 })
}

describe('one call', () => {
  bench('here', call(here))
  bench('through the in-process transport', call(near))
  bench('over an embedded MQTT broker', call(far))
})
