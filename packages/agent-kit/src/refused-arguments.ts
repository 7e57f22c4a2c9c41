import type { ChatMessage, ToolResult } from '@dinrail/core'

/**
 * The tool that has refused its arguments in the last two steps running and ran in neither, with its last reason. It
 * follows from the conversation alone, so an agent that resumes decides as it would have before. Limits, interlocks and
 * refusals of people are answers, which a model may do something about: they do not count.
 */
export function refusedTwice(
  messages: readonly ChatMessage[],
): { readonly name: string; readonly problem: string } | undefined {
  const before = refusedArguments(messages.at(-3))
  for (const [name, problem] of refusedArguments(messages.at(-1))) if (before.has(name)) return { name, problem }
  return undefined
}

/** Tools that did nothing in a step but refuse their arguments, with the last reason of each. */
export function refusedArguments(step: ChatMessage | undefined): ReadonlyMap<string, string> {
  const refused = new Map<string, string>()
  if (step?.role !== 'tool') return refused
  for (const result of step.content) {
    const problem = refusalIn(result)
    if (problem !== undefined) refused.set(result.name, problem)
  }
  for (const result of step.content) if (refusalIn(result) === undefined) refused.delete(result.name)
  return refused
}

/** A fault of the tool's own about its input; one with a `model` comes from what the tool itself called. */
function refusalIn({ outcome, result }: ToolResult): string | undefined {
  if (outcome !== 'fault' || typeof result !== 'object' || result === null) return undefined
  const { code, field, model, message } = result as Partial<Record<string, unknown>>
  const isOwn = model === undefined && typeof field === 'string' && /^\/input(?:\/|$)/.test(field)
  return code === 'invalid-input' && isOwn ? String(message) : undefined
}
