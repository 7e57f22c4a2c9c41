import {
  argumentsProblem,
  type ChatInput,
  type ChatMessage,
  type ChatOutput,
  canonicalJson,
  type ToolCall,
} from '@dinrail/core'
import { refusedArguments } from './refused-arguments.ts'

/** A live value may be read again; a loop goes on for ever. */
const mostRepeats = 2

/**
 * Why a step of a language model leads nowhere, in words, or nothing where it can be taken: it calls a tool that is not
 * there, or hands over no object, or again arguments that do not fit after its tool has refused some, or asks the same for
 * the third time. Made for the `verify` of a `fallback`, so that a model that wanders is replaced before an agent ends by it.
 */
export function stepProblem(
  { content, finishReason }: ChatOutput,
  { messages, tools = [] }: ChatInput,
): string | undefined {
  const calls = content.filter((part): part is ToolCall => part.kind === 'tool-call')
  if (calls.length === 0 && content.every((part) => part.kind !== 'text' || part.text.trim() === ''))
    return `it neither answers nor calls a tool (${finishReason})`
  const asked = new Map<string, number>()
  for (const key of messages.flatMap(keysOf)) asked.set(key, (asked.get(key) ?? 0) + 1)
  const refused = refusedArguments(messages.at(-1))
  const lastAsked = messages.slice(-2).flatMap(keysOf)
  for (const call of calls) {
    if (!tools.some(({ name }) => name === call.name)) return `there is no tool '${call.name}'`
    if (typeof call.arguments !== 'object' || call.arguments === null || Array.isArray(call.arguments))
      return `the arguments for ${call.name} are no JSON object`
    const key = keyOf(call)
    if (refused.has(call.name)) {
      const problem = lastAsked.includes(key) ? 'they are the same' : argumentsProblem(call, tools)
      if (problem !== undefined) return `${call.name} refused its arguments, and the next fit no better: ${problem}`
    }
    const times = asked.get(key) ?? 0
    if (times >= mostRepeats) return `it asks ${call.name} the same again, after ${times} times`
    asked.set(key, times + 1)
  }
  return undefined
}

function keysOf(message: ChatMessage): string[] {
  if (message.role !== 'assistant') return []
  return message.content.flatMap((part) => (part.kind === 'tool-call' ? [keyOf(part)] : []))
}

function keyOf({ name, arguments: given }: ToolCall): string {
  return `${name} ${canonicalJson(given)}`
}
