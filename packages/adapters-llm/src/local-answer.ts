import { type AssistantPart, type ChatInput, type ChatPart, Fault } from '@dinrail/core'
import type { AnswerForm } from './answer-grammar.ts'
import { callIds, unusedId } from './call-ids.ts'

/** What comes before the arguments of a call, in the form that the grammar makes. */
const callStart = /^\s*\{\s*"tool"\s*:\s*"([^"]*)"\s*,\s*"arguments"\s*:\s*/

/** Tells parts as they come. What may still become a call or an answer is held back until it is known which. */
export function answerReader({ tools }: AnswerForm, input: ChatInput, tell: (part: ChatPart) => void = () => {}) {
  const callId = unusedId('', callIds(input))
  let held = ''
  let isWords = tools.length === 0
  /** Where the arguments begin in what is held, and how much of them was told. */
  let begin: number | undefined
  let told = 0
  /** Words that were told, and blanks that are held back: the engine leaves them out at the end of an answer. */
  let said = ''
  let blanks = ''

  function sayWords(text: string): void {
    const solid = (blanks + text).trimEnd()
    blanks = (blanks + text).slice(solid.length)
    said += solid
    if (solid !== '') tell({ kind: 'text-delta', text: solid })
  }

  function tellArguments(until: number): void {
    const text = held.slice(begin, until).slice(told)
    told += text.length
    if (text !== '') tell({ kind: 'tool-call-delta', callId, text })
  }

  function takeText(text: string): void {
    held += text
    if (isWords) sayWords(text)
    else if (held.trimStart() !== '' && !held.trimStart().startsWith('{')) {
      isWords = true
      sayWords(held)
    } else if (begin === undefined) {
      const start = callStart.exec(held)
      if (start === null) return
      begin = start[0].length
      tell({ kind: 'tool-call-start', callId, name: start[1]! })
    } else tellArguments(held.trimEnd().replace(/[}\s]+$/, '').length)
  }

  return {
    take(kind: 'text' | 'reasoning', text: string): void {
      if (text === '') return
      if (kind === 'reasoning') tell({ kind: 'reasoning-delta', text })
      else takeText(text)
    },
    end(whole: readonly (string | { readonly text: string })[], wasCut: boolean): AssistantPart[] {
      const reasoning = whole.flatMap((piece) =>
        typeof piece === 'string' || piece.text === '' ? [] : [{ kind: 'reasoning' as const, text: piece.text }],
      )
      const text = whole.filter((piece) => typeof piece === 'string').join('')
      const read = isWords ? { text } : readForm(text, wasCut)
      if ('text' in read) {
        const rest = read.text.startsWith(said) ? read.text.slice(said.length) : ''
        if (rest !== '') tell({ kind: 'text-delta', text: rest })
        return read.text === '' ? reasoning : [...reasoning, { kind: 'text', text: read.text }]
      }
      const call = { kind: 'tool-call', callId, ...read } as const
      // The last brace closes the form around the arguments, where it was not cut.
      if (begin !== undefined)
        tellArguments(typeof read.arguments === 'string' ? held.trimEnd().length : held.lastIndexOf('}'))
      tell({ kind: 'tool-call', call })
      return [...reasoning, call]
    },
  }
}

function readForm(text: string, wasCut: boolean): { text: string } | { name: string; arguments: unknown } {
  try {
    const {
      tool,
      arguments: given,
      answer,
    } = JSON.parse(text) as { tool?: string; arguments?: unknown; answer?: unknown }
    return tool === undefined ? { text: JSON.stringify(answer) } : { name: tool, arguments: given }
  } catch (problem) {
    // Cut within its arguments it is a call whose arguments are no JSON, cut before them it is nothing yet.
    const start = callStart.exec(text)
    if (wasCut) return start === null ? { text } : { name: start[1]!, arguments: text.slice(start[0].length) }
    throw new Fault('internal', `the grammar let something through that is not JSON: ${text.slice(0, 200)}`, {
      cause: problem,
    })
  }
}
