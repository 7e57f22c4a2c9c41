import type { ChatInput, ChatTool } from '@dinrail/core'

type JsonSchema = ChatTool['parameters']

/** What the engine's grammar can enforce of a schema, and the keywords that it cannot. */
interface Enforceable {
  readonly schema: JsonSchema
  readonly unenforced: readonly string[]
}

/** Members that say something without narrowing what is valid, or that are enforced here. */
const handled = new Set([
  ...['type', 'properties', 'required', 'items', 'prefixItems', 'minItems', 'maxItems', 'minLength', 'maxLength'],
  ...['enum', 'const', 'oneOf', 'anyOf', '$ref', '$defs', 'definitions', 'additionalProperties', 'tensor'],
  ...['minProperties', 'maxProperties'],
  ...[
    '$schema',
    '$id',
    '$comment',
    'title',
    'description',
    'default',
    'examples',
    'deprecated',
    'readOnly',
    'writeOnly',
  ],
  ...['unit', 'quantity', 'semantics', 'limits', 'maxAge', 'missing'],
])
const formats = new Set(['date-time', 'time', 'date'])
const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null'])
const anyScalar = { type: ['string', 'number', 'boolean', 'null'] }
/** A tensor is never written out: what stands for it is its handle. */
const handle = { type: 'object', properties: { handle: { type: 'string', maxLength: 200 } } }
/** Where a schema does not bound a text, the grammar does, so that a wandering model comes to an end. */
const longestText = 2_000

/**
 * A schema in the part of JSON Schema that the engine makes a grammar of. What it makes is always valid except for the
 * keywords that are named; every property is written, optional ones too, which no schema forbids.
 */
function enforceable(schema: JsonSchema): Enforceable {
  const unenforced = new Set<string>()
  const defs = { ...(schema.$defs as object), ...(schema.definitions as object) }
  const converted = convert(schema, unenforced)
  const named = Object.entries(defs).map(([name, one]) => [name, convert(one as JsonSchema, unenforced)])
  return {
    schema: named.length === 0 ? converted : { ...converted, $defs: Object.fromEntries(named) },
    unenforced: [...unenforced].sort(),
  }
}

function convert(schema: unknown, unenforced: Set<string>): JsonSchema {
  if (typeof schema !== 'object' || schema === null) return anyScalar
  const one = schema as JsonSchema
  for (const keyword of Object.keys(one))
    if (!handled.has(keyword) && !(keyword === 'format' && formats.has(String(one.format)))) unenforced.add(keyword)
  if (one.tensor !== undefined) return handle
  if (typeof one.$ref === 'string') return { $ref: one.$ref.replace('#/definitions/', '#/$defs/') }
  if ('const' in one) return { const: one.const }
  if (Array.isArray(one.enum)) return { enum: one.enum }
  const choices = (one.oneOf ?? one.anyOf) as unknown
  if (Array.isArray(choices)) return { oneOf: choices.map((choice) => convert(choice, unenforced)) }
  if (Array.isArray(one.type)) {
    if (one.type.every((type) => scalars.has(String(type)))) return { type: one.type }
    return { oneOf: one.type.map((type) => convert({ ...one, type }, unenforced)) }
  }
  switch (one.type) {
    case 'object':
      return object(one, unenforced)
    case 'array':
      return array(one, unenforced)
    case 'string': {
      if (formats.has(String(one.format))) return { type: 'string', format: one.format }
      const { minLength, maxLength = longestText } = one as { minLength?: number; maxLength?: number }
      return {
        type: 'string',
        ...(minLength !== undefined && { minLength }),
        maxLength: Math.min(maxLength, longestText),
      }
    }
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { type: one.type }
    default:
      return one.properties === undefined ? anyScalar : object(one, unenforced)
  }
}

function object(one: JsonSchema, unenforced: Set<string>): JsonSchema {
  const properties = Object.entries((one.properties ?? {}) as Record<string, unknown>)
  const others = one.additionalProperties
  const open = typeof others === 'object' && others !== null
  const { minProperties, maxProperties } = one
  return {
    type: 'object',
    properties: Object.fromEntries(properties.map(([key, member]) => [key, convert(member, unenforced)])),
    // An object that names no members would otherwise always be empty.
    ...(properties.length === 0 && {
      additionalProperties: open ? convert(others, unenforced) : others !== false,
      ...(minProperties !== undefined && { minProperties }),
      ...(maxProperties !== undefined && { maxProperties }),
    }),
  }
}

function array(one: JsonSchema, unenforced: Set<string>): JsonSchema {
  const { items, prefixItems, minItems, maxItems } = one
  return {
    type: 'array',
    ...(Array.isArray(prefixItems) && { prefixItems: prefixItems.map((item) => convert(item, unenforced)) }),
    items: convert(items, unenforced),
    ...(minItems !== undefined && { minItems }),
    ...(maxItems !== undefined && { maxItems }),
  }
}

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
  const calls = tools.map(({ name, parameters }) => ({
    type: 'object',
    properties: { tool: { const: name }, arguments: { type: 'object', ...withoutDefinitions(parameters) } },
  }))
  const answers = answer ? [{ type: 'object', properties: { answer: withoutDefinitions(answer) } }] : []
  const definitions = [...tools.map(({ parameters }) => parameters), ...(answer ? [answer] : [])].map(
    ({ $defs, definitions }) => ({ ...($defs as object), ...(definitions as object) }),
  )
  return enforceable({ oneOf: [...calls, ...answers], $defs: Object.assign({}, ...definitions) })
}

function withoutDefinitions({ $defs, definitions, ...rest }: JsonSchema): JsonSchema {
  return rest
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
