// A researcher's script: a rule that is sure of the clear cases, a slower model for the rest, one cascade of both.
import assert from 'node:assert/strict'
import { cascade } from '@dinrail/collab'
import { defineModel, invoke } from '@dinrail/core'
import { z } from 'zod'

const input = z.object({ velocity: z.number().meta({ unit: 'mm/s', limits: { physical: { min: 0, max: 100 } } }) })
const output = z.object({ zone: z.enum(['A', 'B', 'C', 'D']) })
const contract = { version: '1.0.0', title: 'Vibration zone', task: 'predictive-maintenance', input, output }
const zoneOf = (velocity: number) => (velocity < 1.4 ? 'A' : velocity < 2.8 ? 'B' : velocity < 4.5 ? 'C' : 'D')

const rule = defineModel({
  ...contract,
  id: 'lab/rule',
  run: ({ velocity: v }) => ({ output: { zone: v < 3 ? 'A' : 'D' }, confidence: v < 1 || v > 6 ? 0.99 : 0.5 }),
})
const standard = defineModel({
  ...contract,
  id: 'lab/iso',
  run: ({ velocity }) => ({ output: { zone: zoneOf(velocity) } }),
})
const both = cascade([rule, standard], { minimumConfidence: 0.9 })

for (const velocity of [0.4, 2.1, 3.9, 9.5]) {
  const reply = await invoke(both, { velocity }, { deadlineMs: 100 })
  console.log(`${velocity} mm/s is zone ${reply.output.zone}, says ${reply.servedBy[0]?.id}`)
  assert.equal(reply.output.zone, zoneOf(velocity))
}
