// A process of its own: the two small models, served over MQTT.
import { readFile } from 'node:fs/promises'
import { serve } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { connect } from 'mqtt'
import { bearingModel, surfaceModel } from './networks.ts'
import { untilParentLeaves } from './part.ts'

const transport = await mqttTransport({ connect, url: process.env.DINRAIL_LINE_BROKER ?? '' })
const models = [await bearingModel(readFile), await surfaceModel(readFile)]
for (const model of models) await serve(model, transport, { instance: 'edge-box-1' })
await untilParentLeaves(async () => {
  await transport.close()
  for (const model of models) await model.dispose?.()
})
