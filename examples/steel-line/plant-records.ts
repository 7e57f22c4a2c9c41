import { defineModel, type Journal } from '@dinrail/core'
import { eventLog, workOrder } from './contracts.ts'

export interface FiledOrder {
  readonly number: string
  readonly asset: string
  readonly fault: string
  readonly priority: string
  readonly action: string
}

/** Files work orders into the journal, so that none is lost and none is filed twice. */
export function workOrderTool(journal: Journal, filed: FiledOrder[]) {
  return defineModel({
    ...workOrder,
    version: '1.0.0',
    title: 'Work order',
    description: 'Files a maintenance work order.',
    task: 'plan-generation',
    effect: 'record',
    async run(order, { caller }) {
      const number = `WO-${String(1001 + filed.length)}`
      await journal.append({ kind: 'work-order', actor: caller.id, data: { number, ...order } })
      filed.push({ number, ...order })
      return { output: { number } }
    },
  })
}

/** Lets the other processes of the line write into its one journal: an entry is durable before the answer. */
export function eventLogTool(journal: Journal) {
  return defineModel({
    ...eventLog,
    version: '1.0.0',
    title: 'Event log',
    description: 'Appends an event to the journal of the line.',
    task: 'coordination',
    effect: 'record',
    run: async (event) => ({ output: { ...(await journal.append(event)) } }),
  })
}
