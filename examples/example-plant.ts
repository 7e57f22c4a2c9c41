import { defineModel, serve } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect } from 'mqtt'
import { z } from 'zod'

/** A broker with one inspecting model on it, for the vendor's script to find. */
export async function startExamplePlant(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const broker = await embeddedBroker()
  const transport = await mqttTransport({ connect, url: broker.url })
  const inspector = defineModel({
    id: 'plant/strip-inspector',
    version: '1.0.0',
    title: 'Says what becomes of a strip',
    task: 'quality-inspection',
    input: z.object({
      thickness: z.number().meta({ unit: 'mm', limits: { physical: { min: 0.1, max: 30 } } }),
      scratches: z.number().int().min(0),
    }),
    output: z.object({ verdict: z.enum(['ship', 'rework', 'scrap']) }),
    run: ({ thickness, scratches }) => {
      const reworkable = thickness > 1 ? 'rework' : 'scrap'
      return { output: { verdict: scratches === 0 ? 'ship' : reworkable }, confidence: 0.93 }
    },
  })
  await serve(inspector, transport)
  return {
    url: broker.url,
    async close() {
      await transport.close()
      await broker.close()
    },
  }
}
