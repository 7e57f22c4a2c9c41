import type { Conversation, Rule } from '@dinrail/adapters-llm'
import { toolName } from '@dinrail/agent-kit'
import { Fault } from '@dinrail/core'
import {
  bearingDiagnosis,
  type MaintenanceReport,
  millSpeed,
  ownAuthority,
  surfaceInspection,
  workOrder,
} from './contracts.ts'
import type { BearingCondition } from './training/cwru-bearing.ts'
import type { StripDefect } from './training/steel-plates.ts'

/** What a maintenance engineer would do about a vibration alarm, as rules: the agent's reasoning without a language model. */

export interface Alarm {
  readonly asset: string
  readonly vibration: unknown
  readonly shaftSpeed: unknown
  readonly strip: unknown
  readonly millSpeed: number
}

export const tools = {
  diagnosis: toolName(bearingDiagnosis.id),
  inspection: toolName(surfaceInspection.id),
  order: toolName(workOrder.id),
  speed: toolName(millSpeed.id),
}
/** How much slower still a damaged bearing should run, m/s, which a person decides on. */
export const furtherStep = 1.5

export const maintenanceRules: readonly Rule[] = [
  {
    name: 'look at the bearing and at the strip',
    when: (talk) => unanswered(talk).length > 0,
    do: (talk) => ({ call: unanswered(talk) }),
  },
  {
    name: 'nothing is wrong with the bearing',
    when: (talk) => diagnosisOf(talk) === 'normal',
    do: (talk) => ({ say: report(talk, 'The bearing is sound: nothing was changed.') }),
  },
  {
    name: 'file a work order',
    when: (talk) => settled(talk, tools.order).length === 0,
    do: (talk) => ({
      call: [
        {
          name: tools.order,
          arguments: {
            asset: alarmOf(talk).asset,
            fault: `bearing damage: ${diagnosisOf(talk)}`,
            priority: 'high',
            action: 'Replace the bearing at the next roll change; until then run slower and watch the vibration.',
          },
        },
      ],
    }),
  },
  {
    name: 'slow down as far as no person is needed',
    when: (talk) => settled(talk, tools.speed).length === 0,
    do: (talk) => slower(talk, ownAuthority, 'lower load on the damaged bearing'),
  },
  {
    name: 'propose a further step to a person',
    when: (talk) => settled(talk, tools.speed).length === 1,
    do: (talk) => slower(talk, furtherStep, 'half the bearing load until the roll change'),
  },
  {
    name: 'report',
    when: () => true,
    do: (talk) => ({ say: report(talk, outcomeOf(talk)) }),
  },
]

/** The questions to the small models that nobody has asked yet: a language model that was lost may have asked some. */
function unanswered(talk: Conversation) {
  const { vibration, shaftSpeed, strip } = alarmOf(talk)
  const questions = [
    { name: tools.diagnosis, arguments: { vibration, shaftSpeed } },
    { name: tools.inspection, arguments: strip },
  ]
  return questions.filter(({ name }) => settled(talk, name).length === 0)
}

/**
 * The calls of a tool that were carried out, or that these rules made themselves: what a language model asked for in a form
 * that was refused is as good as not asked.
 */
function settled({ calls }: Conversation, tool: string) {
  return calls.filter(({ call, result, byPlaybook }) => call.name === tool && (byPlaybook || result?.outcome === 'ok'))
}

export const alarmOf = ({ request }: Conversation) => request as Alarm

/** The label that a small model gave. Throws its fault where it gave none: without it there is nothing to plan on. */
function labelOf(talk: Conversation, tool: string): string {
  const last = talk.resultsOf(tool).at(-1)
  if (last?.outcome === 'ok') return (last.result as { output: { label: string } }).output.label
  const { code, message } = (last?.result ?? {}) as { code?: string; message?: string }
  throw new Fault('unavailable', `${tool} gave no answer (${code}: ${message}): a person must look at the machine`)
}

const diagnosisOf = (talk: Conversation) => labelOf(talk, tools.diagnosis) as BearingCondition

export function speedOf(talk: Conversation): number {
  const written = talk.resultsOf(tools.speed).findLast(({ outcome }) => outcome === 'ok')
  return (written?.result as { output: { speed: number } } | undefined)?.output.speed ?? alarmOf(talk).millSpeed
}

function slower(talk: Conversation, by: number, why: string) {
  const reason = `${diagnosisOf(talk)} damage at ${alarmOf(talk).asset}: ${why}`
  return { call: [{ name: tools.speed, arguments: { speed: speedOf(talk) - by, reason } }] }
}

function outcomeOf(talk: Conversation): string {
  const left = settled(talk, tools.speed).flatMap(({ result }) =>
    result?.outcome === 'fault' ? [(result.result as { message: string }).message] : [],
  )
  return left.length === 0 ? 'All proposals were carried out.' : `Left to people: ${left.join('; ')}.`
}

function report(talk: Conversation, outcome: string): MaintenanceReport {
  const order = talk.resultsOf(tools.order).findLast(({ outcome }) => outcome === 'ok')
  const diagnosis = diagnosisOf(talk)
  const speed = speedOf(talk)
  return {
    diagnosis,
    quality: labelOf(talk, tools.inspection) as StripDefect,
    workOrder: (order?.result as { output: { number: string } } | undefined)?.output.number ?? 'none',
    millSpeed: speed,
    summary: `Bearing of ${alarmOf(talk).asset}: ${diagnosis}; the mill runs at ${speed} m/s. ${outcome}`,
  }
}
