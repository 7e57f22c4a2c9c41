import type { AgentStep } from '@dinrail/agent-kit'
import type { Journal, JournalEntry } from '@dinrail/core'
import { dim, green, red, say, yellow } from './terminal.ts'

/** A journal whose entries are shown as soon as they are durable: what the terminal tells is what the journal holds. */
export function shownJournal<Kind extends Journal>(journal: Kind): Kind {
  return {
    ...journal,
    async append(event) {
      const entry = await journal.append(event)
      const line = lineOf(entry)
      if (line !== undefined) say(line)
      return entry
    },
  }
}

interface GuardRecord {
  readonly arguments?: { readonly speed?: number }
  readonly fault?: string
  readonly message?: string
  readonly outcome?: string
  readonly readBack?: unknown
  readonly approver?: string
  readonly granted?: boolean
  readonly reason?: string
}

function lineOf({ kind, actor, data }: JournalEntry): string | undefined {
  const step = data as AgentStep
  const record = data as GuardRecord
  const boundary = (text: string) => `    ${dim('boundary')}  ${text}`
  switch (kind) {
    case 'agent-started':
    case 'agent-reasoned':
    case 'tool-called':
    case 'tool-answered':
    case 'agent-answered':
    case 'agent-failed':
      return stepLine(step)
    case 'approval-asked':
      return boundary(`${yellow('asks a person')}: mill speed to ${record.arguments?.speed} m/s`)
    case 'approval-decided':
      return boundary(
        `${actor} ${record.granted ? 'approved' : `did not approve: ${record.reason ?? 'no reason given'}`}`,
      )
    case 'write-intent':
      return boundary(`within all limits, writes ${record.arguments?.speed} m/s`)
    case 'write-outcome':
      return record.outcome === 'done'
        ? boundary(`${green('accepted')}: ${record.arguments?.speed} m/s, read back: ${record.readBack}`)
        : boundary(`${red(`${record.outcome}: ${record.fault}`)}  ${record.message}`)
    case 'write-refused':
      return boundary(`${red(`refused: ${record.fault}`)}  ${record.message}`)
    default:
      return undefined
  }
}

function stepLine(step: AgentStep): string {
  switch (step.kind) {
    case 'agent-started':
      return '  the agent begins'
    case 'agent-reasoned': {
      const plan = step.calls.length > 0 ? `calls ${step.calls.map(({ name }) => name).join(' and ')}` : 'answers'
      const who = step.servedBy.map(({ id }) => id).join(' + ')
      const doubts = step.warnings.map(({ message }) => `\n    ${yellow('!')} ${dim(message)}`).join('')
      return `  step ${step.step}  ${plan}  ${dim(`${step.elapsedMs.toFixed(1)} ms  ${who}`)}${doubts}`
    }
    case 'tool-called':
      return `    → ${step.model}  ${dim(shortened(JSON.stringify(step.call.arguments)))}`
    case 'tool-answered': {
      const { outcome, result } = step.result
      const { output, code, message } = result as { output?: unknown; code?: string; message?: string }
      const sure = step.confidence === undefined ? '' : `  confidence ${(step.confidence * 100).toFixed(0)} %`
      const said = outcome === 'ok' ? shortened(JSON.stringify(output)) : red(`${code}: ${message}`)
      return `    ← ${step.model}  ${said}${sure}  ${dim(`${step.elapsedMs.toFixed(1)} ms`)}`
    }
    case 'agent-answered':
      return '  the agent is done'
    case 'agent-failed':
      return `  ${red(`the agent failed: ${step.code}`)}  ${step.message}`
  }
}

function shortened(text: string): string {
  return text.length > 110 ? `${text.slice(0, 109)}…` : text
}
