import { createInterface } from 'node:readline/promises'
import type { Fault, Model, Reply } from '@dinrail/core'

const paint = process.stdout.isTTY && !process.env.NO_COLOR
const color = (code: number) => (text: string) => (paint ? `\u001b[${code}m${text}\u001b[0m` : text)
export const bold = color(1)
export const dim = color(2)
export const red = color(31)
export const green = color(32)
export const yellow = color(33)

export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function heading(text: string): void {
  say(`\n${bold(text)}`)
}

/** What was found on the broker, one line each. */
export function sayModels(models: readonly Model[]): void {
  const width = Math.max(...models.map(({ descriptor }) => descriptor.id.length))
  for (const { descriptor } of models) {
    const { id, version, kind, task, effect, safety } = descriptor
    const boundary = safety ? `, ${safety.authority}` : ''
    say(`  ${id.padEnd(width)}  ${version}  ${kind.padEnd(5)}  ${task.padEnd(22)}  effect ${effect}${boundary}`)
  }
}

/** One answered call: what, how sure, who answered, how long. */
export function sayReply(what: string, { confidence, servedBy, elapsedMs, warnings, quality }: Reply<unknown>): void {
  const who = servedBy.map(({ id, instance }) => (instance ? `${id}@${instance}` : id)).join(' + ')
  const sure = confidence === undefined ? '' : `  confidence ${(confidence * 100).toFixed(0).padStart(3)} %`
  const doubt = quality === 'good' ? '' : `  ${yellow(quality)}`
  say(`  ${what.padEnd(46)}${sure}${doubt}  ${dim(`${elapsedMs.toFixed(1)} ms  ${who}`)}`)
  for (const warning of warnings) say(`    ${yellow('!')} ${warning.message}`)
}

export function sayFault(what: string, fault: Fault): void {
  say(`  ${what}`)
  say(`    ${red(`refused: ${fault.code}`)}  ${fault.message}`)
}

/** Asks a yes-or-no question; silence for so long means no. */
export async function askPerson(question: string, patienceMs: number): Promise<boolean | 'no answer'> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = await terminal.question(
      `  ${yellow('?')} ${question}\n    approve? [y/N] (${patienceMs / 1000} s) `,
      {
        signal: AbortSignal.timeout(patienceMs),
      },
    )
    return /^y(es)?$/i.test(answer.trim())
  } catch {
    say('\n    nobody answered')
    return 'no answer'
  } finally {
    terminal.close()
  }
}

/** A bar for what takes more than a moment; on a terminal only, since a log has no use for it. */
export function progress(label: string, done: number, of: number): void {
  if (!process.stdout.isTTY) return
  const cells = Math.round((done / of) * 30)
  process.stdout.write(
    `\r  ${label} ${'█'.repeat(cells)}${'░'.repeat(30 - cells)} ${done}/${of}${done === of ? '\n' : ''}`,
  )
}
