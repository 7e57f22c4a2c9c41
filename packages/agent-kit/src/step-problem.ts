import { type ChatInput, type ChatOutput, canonicalJson, type ToolCall } from '@dinrail/core'

/** A live value may be read again; a loop goes on for ever. */
const mostRepeats = 2

/**
 * Why a step of a language model leads nowhere, in words, or nothing where it can be taken: it calls a tool that is not
 * there, or hands over no object, or asks the same for the third time. Made for the `verify` of a `fallback`, so that
 * a model that wanders is replaced before an agent has used up its budget on it.
 */
export function stepProblem(
  { content, finishReason }: ChatOutput,
  { messages, tools = [] }: ChatInput,
): string | undefined {
  const calls = content.filter((part): part is ToolCall => part.kind === 'tool-call')
  if (calls.length === 0 && content.every((part) => part.kind !== 'text' || part.text.trim() === ''))
    return `it neither answers nor calls a tool (${finishReason})`
  const asked = new Map<string, number>()
  for (const message of messages)
    if (message.role === 'assistant')
      for (const part of message.content)
        if (part.kind === 'tool-call') asked.set(keyOf(part), (asked.get(keyOf(part)) ?? 0) + 1)
  for (const call of calls) {
    if (!tools.some(({ name }) => name === call.name)) return `there is no tool '${call.name}'`
    if (typeof call.arguments !== 'object' || call.arguments === null || Array.isArray(call.arguments))
      return `the arguments for ${call.name} are no JSON object`
    const key = keyOf(call)
    const times = asked.get(key) ?? 0
    if (times >= mostRepeats) return `it asks ${call.name} the same again, after ${times} times`
    asked.set(key, times + 1)
  }
  return undefined
}

function keyOf({ name, arguments: given }: ToolCall): string {
  return `${name} ${canonicalJson(given)}`
}
