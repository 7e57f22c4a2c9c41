import {
  answerCheck,
  type ChatInput,
  type ChatMessage,
  type ChatOutput,
  type ChatTool,
  Fault,
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
  const problems = new Map<string, string>()
  for (const call of calls) {
    const problem = argumentsProblem(call, tools)
    if (problem !== undefined) problems.set(call.callId, problem)
  }
  const first = calls.find(({ callId }) => problems.has(callId))
  if (first === undefined) return {}
  const results = calls.map(({ callId, name }) => ({
    kind: 'tool-result' as const,
    callId,
    name,
    outcome: 'fault' as const,
    result: {
      code: 'invalid-input',
      message: problems.get(callId) ?? 'it was not run: another call beside it did not fit. Make both again.',
    },
  }))
  return {
    flaw: {
      message: `calls ${first.name} with arguments that do not fit: ${problems.get(first.callId)}${wasCut}`,
      complaint: [
        // With the reasoning before them, which some servers want back beside calls.
        { role: 'assistant', content },
        { role: 'tool', content: results },
      ],
    },
  }
}

/** A tool that was not offered is left to whoever runs tools, and so is a schema that cannot be checked here. */
function argumentsProblem({ name, arguments: given }: ToolCall, tools: readonly ChatTool[]): string | undefined {
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) return undefined
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return typeof given === 'string' ? 'the arguments are no JSON' : 'the arguments are no JSON object'
  try {
    const check = answerCheck(tool.parameters)
    const problem = check(given)
    return problem === undefined ? undefined : check(withoutSamples(given))
  } catch (thrown) {
    if (Fault.from(thrown).code === 'unsupported') return undefined
    throw thrown
  }
}

const sampleMembers = new Set(['value', 'unit', 'quality', 'sourceTime'])

/** A measured value may be stated with its unit (clause 4.3), which no parameter's own schema says. */
function withoutSamples(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutSamples)
  const members = Object.entries(value)
  const isSample = 'value' in value && members.every(([name]) => sampleMembers.has(name))
  return isSample ? value.value : Object.fromEntries(members.map(([name, member]) => [name, withoutSamples(member)]))
}
