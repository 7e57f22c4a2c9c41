// What distance costs: the same model called here, through the in-process transport, and over an embedded broker.
import { connect, defineModel, inProcessTransport, invoke, type Model, serve, type Transport } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect as connectMqtt } from 'mqtt'
import { z } from 'zod'
import { against, compare } from './measure.ts'

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
const broker = await embeddedBroker()
const side = () => mqttTransport({ connect: connectMqtt, url: broker.url })
const [serving, calling] = [await side(), await side()]
const far = await over(serving, calling)
const oneByOne = (model: Double) => async (times: number) => {
  for (let i = 0; i < times; i++) await invoke(model, { length: 3 }, { deadlineMs: 2_000 })
}

const measured = await compare('One call after another', 500, [
  { name: 'here', run: oneByOne(here) },
  { name: 'through the in-process transport', run: oneByOne(near) },
  { name: 'over an embedded MQTT broker', run: oneByOne(far) },
])
const milliseconds = (measured['over an embedded MQTT broker'] ?? Number.NaN) / 1000
against('under 1 ms', `a call over the broker takes ${milliseconds.toFixed(2)} ms`, milliseconds < 1)
await calling.close()
await serving.close()
await broker.close()
