// A process of its own: the two small models, served over MQTT.
import { serve } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { connect } from 'mqtt'
import { bearingModel, surfaceModel } from './networks.ts'
import { untilParentLeaves } from './part.ts'

const transport = await mqttTransport({ connect, url: process.env.DINRAIL_LINE_BROKER ?? '' })
const bearing = await bearingModel()
const surface = await surfaceModel()
await serve(bearing, transport, { instance: 'edge-box-1' })
await serve(surface, transport, { instance: 'edge-box-1' })
await untilParentLeaves(async () => {
  await transport.close()
  await bearing.dispose?.()
  await surface.dispose?.()
})
