// A process of its own: the maintenance agent. All that it knows and does comes and goes over the rail.
import { playbook } from '@dinrail/adapters-llm'
import { defineAgent } from '@dinrail/agent-kit'
import { fallback } from '@dinrail/collab'
import { connect, Fault, invoke, type Journal, serve } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { connect as connectMqtt } from 'mqtt'
import {
  bearingDiagnosis,
  eventLog,
  maintenanceAgent,
  millSpeed,
  ownAuthority,
  surfaceInspection,
  workOrder,
} from './contracts.ts'
import { largeModelOf } from './large-model.ts'
import { maintenanceProblem } from './maintenance-checks.ts'
import { furtherStep, maintenanceRules } from './maintenance-rules.ts'
import { readLargeModel } from './options.ts'
import { untilParentLeaves } from './part.ts'

const instructions = `You look after the rolling mill of a hot strip line. A vibration alarm comes with a window of
vibration, the shaft speed, the latest strip and the mill speed. Diagnose the bearing and inspect the strip. If the
bearing is damaged, file one work order, then lower the mill speed by ${ownAuthority} m/s, which you may do by yourself, and after
that propose a further step of at most ${furtherStep} m/s, which a person decides on. A refusal is final: do not try again.
Report what was found, what was done and what is left to people.`

/** How long the large model may think about one step before the playbook takes over. */
const thinkingMs = { endpoint: 20_000, inProcess: 120_000 }

const transport = await mqttTransport({ connect: connectMqtt, url: process.env.DINRAIL_LINE_BROKER ?? '' })
const found = { deadlineMs: 30_000 }
const log = await connect(transport, eventLog, found)
const tools = await Promise.all(
  [bearingDiagnosis, surfaceInspection, workOrder, millSpeed].map(({ id }) => connect(transport, id, found)),
)

/** The line's one journal, through the rail: an entry is durable there before the agent goes on. */
const journal: Journal = {
  async append(event) {
    const { output } = await invoke(log, { ...event }, { deadlineMs: 5_000, caller: { id: maintenanceAgent.id } })
    return output
  },
  entries() {
    throw new Fault('unsupported', 'the journal is read where it is kept')
  },
}

const llm = readLargeModel(process.env)
const rules = playbook({ id: 'plant/maintenance-playbook', title: 'Maintenance playbook', rules: maintenanceRules })
const agent = defineAgent({
  ...maintenanceAgent,
  version: '1.0.0',
  title: 'Maintenance agent',
  description: 'Finds out why a machine shakes, plans its maintenance and proposes a mill speed.',
  task: 'predictive-maintenance',
  // What the large model says is checked step by step; where it is lost or wrong, the rules answer that step.
  model: llm
    ? fallback([await largeModelOf(llm), rules], {
        attemptMs: 'url' in llm ? thinkingMs.endpoint : thinkingMs.inProcess,
        verify: maintenanceProblem,
      })
    : rules,
  tools,
  instructions,
  budget: { steps: 12 },
  journal,
})

await serve(agent, transport, { instance: 'plant-server' })
await untilParentLeaves(() => transport.close())
