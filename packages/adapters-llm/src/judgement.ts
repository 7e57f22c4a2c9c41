import {
  argumentsProblem,
  type ChatInput,
  type ChatMessage,
  type ChatOutput,
  type ChatTool,
  readStructured,
  type ToolCall,
} from '@dinrail/core'

/** Why an answer cannot be taken. */
interface Flaw {
  /** In words for people, after the name of the model. */
  readonly message: string
  /** What the conversation goes on with, so that the model answers again. */
  readonly complaint: readonly ChatMessage[]
}

/** Holds an answer against what was asked for: its calls against their tools' parameters, its JSON against the schema. */
export function judge(
  output: ChatOutput,
  { tools = [], responseSchema }: ChatInput,
): { readonly flaw?: Flaw; readonly value?: unknown } {
  const calls = output.content.filter((part) => part.kind === 'tool-call')
  const wasCut = output.finishReason === 'length' ? ', and the answer was cut off at its longest' : ''
  if (calls.length > 0) return flawOf(output, calls, tools, wasCut)
  if (responseSchema === undefined) return {}
  const found = readStructured(output.content, responseSchema)
  if ('value' in found) return found
  // Servers refuse a turn in which nothing was said.
  const said = output.content.some((part) => part.kind === 'text' && part.text.trim() !== '')
  return {
    flaw: {
      message: `answered outside the responseSchema: ${found.problem}${wasCut}`,
      complaint: [
        ...(said ? [{ role: 'assistant', content: output.content } as const] : []),
        {
          role: 'user',
          content: `That answer does not keep the schema: ${found.problem}. Answer again, within the schema and with nothing else.`,
        },
      ],
    },
  }
}

function flawOf(
  { content }: ChatOutput,
  calls: readonly ToolCall[],
  tools: readonly ChatTool[],
  wasCut: string,
): { readonly flaw?: Flaw } {
  const problems = calls.map((call) => argumentsProblem(call, tools))
  const first = problems.findIndex((problem) => problem !== undefined)
  if (first === -1) return {}
  const results = calls.map(({ callId, name }, i) => ({
    kind: 'tool-result' as const,
    callId,
    name,
    outcome: 'fault' as const,
    result: {
      code: 'invalid-input',
      message: problems[i] ?? 'it was not run: another call beside it did not fit. Make both again.',
    },
  }))
  return {
    flaw: {
      message: `calls ${calls[first]?.name} with arguments that do not fit: ${problems[first]}${wasCut}`,
      complaint: [
        // With the reasoning before them, which some servers want back beside calls.
        { role: 'assistant', content },
        { role: 'tool', content: results },
      ],
    },
  }
}
