import type { ChatInput, ChatTool, JsonSchema } from '@dinrail/core'
import { type Enforceable, enforceable } from './enforceable-schema.ts'

/** What an answer may be: one of the calls, JSON of the schema, or words where nothing else was asked for. */
export interface AnswerForm {
  readonly tools: readonly ChatTool[]
  readonly answer: JsonSchema | undefined
  readonly words: boolean
}

export function answerForm({ tools = [], toolChoice = 'auto', responseSchema }: ChatInput): AnswerForm {
  const chosen =
    toolChoice === 'none'
      ? []
      : typeof toolChoice === 'object'
        ? tools.filter(({ name }) => name === toolChoice.name)
        : tools
  const mustCall = chosen.length > 0 && toolChoice !== 'auto'
  return {
    tools: chosen,
    answer: mustCall ? undefined : responseSchema,
    words: !mustCall && responseSchema === undefined,
  }
}

/** The schema of the whole answer, or undefined where only words are wanted. */
export function formSchema({ tools, answer }: AnswerForm): Enforceable | undefined {
  if (tools.length === 0) return answer && enforceable(answer)
  const definitions: Record<string, unknown> = {}
  /** Two tools may have a definition of the same name. */
  const apart = (schema: JsonSchema, place: number): JsonSchema => {
    const { $defs, definitions: old, ...rest } = schema
    const own = Object.entries({ ...($defs as object), ...(old as object) })
    for (const [name, one] of own) definitions[`${name}_${place}`] = referringTo(one, place)
    return referringTo(rest, place) as JsonSchema
  }
  const calls = tools.map(({ name, parameters }, place) => ({
    type: 'object',
    properties: { tool: { const: name }, arguments: { type: 'object', ...apart(parameters, place) } },
  }))
  const answers = answer ? [{ type: 'object', properties: { answer: apart(answer, tools.length) } }] : []
  return enforceable({ oneOf: [...calls, ...answers], $defs: definitions })
}

/** The same schema with its references to the definitions of one place. */
function referringTo(schema: unknown, place: number): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map((one) => referringTo(one, place))
  return Object.fromEntries(
    Object.entries(schema).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string' ? `${member}_${place}` : referringTo(member, place),
    ]),
  )
}

/** What the model is told of the form. The grammar enforces it; told nothing, a model would fill it with nonsense. */
export function formInWords({ tools, answer, words }: AnswerForm): string {
  if (tools.length === 0) return answer ? `Answer with JSON: ${signature(answer)}` : ''
  const lines = [
    'You can call tools. To call one, answer with JSON only: {"tool": name, "arguments": {…}}. The tools:',
    ...tools.map(({ name, description, parameters }) => `- ${name} ${signature(parameters)}: ${description}`),
  ]
  if (answer) lines.push(`To give your answer in place of a call: {"answer": ${signature(answer)}}`)
  else if (words) lines.push('To give your answer in place of a call, write it in plain words.')
  return lines.join('\n')
}

/** A schema as short as a type: what it takes to fill it in, without the annotations. */
function signature(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'any'
  const one = schema as JsonSchema
  if (one.tensor !== undefined) return '{handle}'
  if ('const' in one) return JSON.stringify(one.const)
  if (Array.isArray(one.enum)) return one.enum.map((value) => JSON.stringify(value)).join('|')
  const choices = (one.oneOf ?? one.anyOf) as unknown
  if (Array.isArray(choices)) return choices.map(signature).join('|')
  if (one.type === 'array') return `[${signature(one.items)}, …]`
  if (one.properties !== undefined)
    return `{${Object.entries(one.properties as object)
      .map(([key, member]) => `"${key}": ${signature(member)}`)
      .join(', ')}}`
  const unit = typeof one.unit === 'string' ? ` in ${one.unit}` : ''
  return `${Array.isArray(one.type) ? one.type.join('|') : (one.type ?? 'any')}${unit}`
}

/** The grammar of calls or words: whatever begins with a brace is a call. */
export function orWords(callGrammar: string): string {
  return `root ::= call | words\nwords ::= [^{\\n ] [^\\x00]*\n${callGrammar.replace(/^root ::=/m, 'call ::=')}`
}
