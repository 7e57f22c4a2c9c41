import { type Conversation, readConversation } from '@dinrail/adapters-llm'
import { stepProblem } from '@dinrail/agent-kit'
import {
  type ChatInput,
  type ChatOutput,
  canonicalJson,
  type Reply,
  type ToolCall,
  type ToolResult,
} from '@dinrail/core'
import { type MaintenanceReport, ownAuthority } from './contracts.ts'
import { alarmOf, furtherStep, speedOf, tools } from './maintenance-rules.ts'

/**
 * What is wrong with a step of the large model, in words: it is not trusted to see what the small models see. It asks them
 * about this alarm and nothing else, acts on what they found, makes the mill only ever slower and reports what was done. The
 * boundary stands behind this and trusts neither; here it is a matter of right answers, there of safe ones.
 */
export function maintenanceProblem({ output }: Reply<ChatOutput>, input: ChatInput): string | undefined {
  const wandering = stepProblem(output, input)
  if (wandering !== undefined) return wandering
  const talk = readConversation(input)
  const calls = output.content.filter((part): part is ToolCall => part.kind === 'tool-call')
  if (calls.length === 0) return reportProblem(output.structured?.value as MaintenanceReport | undefined, talk)
  for (const [i, call] of calls.entries()) {
    if (calls.slice(0, i).some(({ name }) => name === call.name)) return `it calls ${call.name} twice at once`
    const problem = callProblem(call, talk)
    if (problem !== undefined) return problem
  }
  return undefined
}

function callProblem({ name, arguments: given }: ToolCall, talk: Conversation): string | undefined {
  const alarm = alarmOf(talk)
  const earlier = talk.resultsOf(name)
  if (name !== tools.speed && earlier.some(({ outcome }) => outcome === 'ok'))
    return `it asks ${name} again, which has answered`
  switch (name) {
    case tools.diagnosis: {
      const { vibration, shaftSpeed } = given as { vibration?: unknown; shaftSpeed?: unknown }
      return same(handleOf(vibration), handleOf(alarm.vibration)) && same(shaftSpeed, alarm.shaftSpeed)
        ? undefined
        : 'it asks about another vibration than the alarm’s'
    }
    case tools.inspection:
      return same(given, alarm.strip) ? undefined : 'it asks about another strip than the alarm’s'
    case tools.order: {
      const { asset, fault } = given as { asset?: unknown; fault?: unknown }
      const damage = damageOf(talk)
      if (damage === undefined) return 'it files a work order, and no damage was found'
      if (asset !== alarm.asset) return `it files a work order for ${JSON.stringify(asset)}`
      return String(fault).includes(damage) ? undefined : `its work order does not name the damage, ${damage}`
    }
    case tools.speed: {
      const { speed } = given as { speed?: unknown }
      if (damageOf(talk) === undefined) return 'it changes the speed, and no damage was found'
      if (earlier.some(wasDecided)) return 'it proposes again what was refused'
      const slower = speedOf(talk) - Number(speed)
      return slower > 0 && slower <= Math.max(ownAuthority, furtherStep)
        ? undefined
        : `it would take the mill from ${speedOf(talk)} to ${JSON.stringify(speed)} m/s`
    }
    default:
      return undefined
  }
}

function reportProblem(report: MaintenanceReport | undefined, talk: Conversation): string | undefined {
  const diagnosis = labelOf(talk, tools.diagnosis)
  const quality = labelOf(talk, tools.inspection)
  if (report === undefined) return 'it reports nothing'
  if (diagnosis === undefined || quality === undefined) return 'it reports before the small models were asked'
  if (report.diagnosis !== diagnosis) return `it reports ${report.diagnosis}, and ${diagnosis} was found`
  if (report.quality !== quality) return `it reports ${report.quality}, and ${quality} was found`
  const order = filedOrder(talk)
  if (diagnosis !== 'normal' && talk.resultsOf(tools.order).length === 0)
    return 'it reports before a work order is filed'
  if (diagnosis !== 'normal' && talk.resultsOf(tools.speed).length === 0) return 'it reports before the mill is slower'
  if (order !== undefined && report.workOrder !== order)
    return `it reports the work order ${report.workOrder}, and ${order} was filed`
  return report.millSpeed === speedOf(talk)
    ? undefined
    : `it reports ${report.millSpeed} m/s, and the mill runs at ${speedOf(talk)} m/s`
}

function labelOf(talk: Conversation, tool: string): string | undefined {
  const answered = talk.resultsOf(tool).findLast(({ outcome }) => outcome === 'ok')
  return (answered?.result as { output: { label: string } } | undefined)?.output.label
}

function damageOf(talk: Conversation): string | undefined {
  const label = labelOf(talk, tools.diagnosis)
  return label === 'normal' ? undefined : label
}

function filedOrder(talk: Conversation): string | undefined {
  const filed = talk.resultsOf(tools.order).findLast(({ outcome }) => outcome === 'ok')
  return (filed?.result as { output: { number: string } } | undefined)?.output.number
}

/** Refused for good, and not only in its form. */
function wasDecided({ outcome, result }: ToolResult): boolean {
  return outcome === 'fault' && (result as { code?: unknown }).code !== 'invalid-input'
}

/** A tensor is the same one when its handle is; how it is described beside that does not matter. */
function handleOf(value: unknown): unknown {
  return (value as { handle?: unknown } | null | undefined)?.handle
}

function same(one: unknown, other: unknown): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null)
}
