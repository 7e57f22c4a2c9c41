// A vendor's script: whatever inspects quality on the plant's broker is found by its task and asked.
import assert from 'node:assert/strict'
import { discover, invoke } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { connect } from 'mqtt'
import { startExamplePlant } from './example-plant.ts'

const plant = await startExamplePlant()
const transport = await mqttTransport({ connect, url: plant.url })

const [inspector] = await discover(transport, { task: 'quality-inspection' })
assert(inspector, 'nothing on this broker inspects quality')
const strip = { thickness: { value: 0.0021, unit: 'm' }, scratches: 3 }
const { output, confidence, servedBy, elapsedMs } = await invoke(inspector, strip, { deadlineMs: 1_000 })
console.log(`${servedBy[0]?.id} says`, output, `with confidence ${confidence} after ${elapsedMs.toFixed(1)} ms`)
assert.deepEqual(output, { verdict: 'rework' })

await transport.close()
await plant.close()
