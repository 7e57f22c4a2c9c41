import { answerCheck } from './answer-schema.ts'
import type { ChatTool, ToolCall } from './chat.ts'
import { Fault } from './fault.ts'

/**
 * Why the arguments of a call do not fit its tool, in words for the model that made it; undefined where they do. A tool that
 * was not offered is left to whoever runs tools, and so is a schema that cannot be checked here.
 */
export function argumentsProblem({ name, arguments: given }: ToolCall, tools: readonly ChatTool[]): string | undefined {
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
