import type { ChatInput, ChatModel, ChatOutput, ChatPart } from './chat.ts'
import { type ChatCard, type Descriptor, specVersion } from './descriptor.ts'
import { Fault } from './fault.ts'
import type { Final, RunContext, RunResult } from './model.ts'
import type { Schema } from './schema.ts'
import type { JsonSchema } from './vocabulary.ts'

export interface ChatDefinition
  extends Pick<Descriptor, 'id' | 'version' | 'title'>,
    Partial<Pick<Descriptor, 'description' | 'timing' | 'provenance' | 'supports'>> {
  readonly chat: ChatCard
  run(input: ChatInput, context: RunContext): Promise<RunResult<ChatOutput>>
  stream?(input: ChatInput, context: RunContext): AsyncIterable<ChatPart | Final<ChatOutput>>
}

/** Makes a chat model of a function: the contract is the same for all of them, so only what differs is stated. */
export function defineChatModel(definition: ChatDefinition): ChatModel {
  const { run, stream, ...stated } = definition
  const descriptor: Descriptor<ChatInput, ChatOutput> = {
    ...stated,
    specVersion,
    kind: 'model',
    task: 'conversation',
    input: inputSchema,
    output: outputSchema,
    effect: 'none',
    supports: { ...stated.supports, ...(stream && { stream: true }) },
  }
  const able = (input: ChatInput) => {
    if ((input.tools?.length ?? 0) > 0 && !stated.chat.tools)
      throw new Fault('unsupported', `${stated.id} cannot call tools: choose a model whose chat card says that it can`)
    return input
  }
  return {
    descriptor,
    schemas: { input: checkedBy(inputSchema, inputProblem), output: checkedBy(outputSchema, outputProblem) },
    run: async (input, context) => run(able(input), context),
    ...(stream && { stream: (input: ChatInput, context: RunContext) => stream(able(input), context) }),
  }
}

const message: JsonSchema = {
  type: 'object',
  properties: { role: { enum: ['system', 'user', 'assistant', 'tool'] }, content: {} },
  required: ['role', 'content'],
}
const tool: JsonSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
    description: { type: 'string' },
    parameters: { type: 'object' },
  },
  required: ['name', 'description', 'parameters'],
}
const inputSchema: JsonSchema = {
  type: 'object',
  properties: {
    messages: { type: 'array', items: message, minItems: 1 },
    tools: { type: 'array', items: tool },
    toolChoice: {},
    responseSchema: { type: 'object' },
    temperature: { type: 'number', minimum: 0 },
    maxOutputTokens: { type: 'integer', minimum: 1 },
    stop: { type: 'array', items: { type: 'string' } },
    seed: { type: 'integer' },
  },
  required: ['messages'],
}
const outputSchema: JsonSchema = {
  type: 'object',
  properties: {
    content: {
      type: 'array',
      items: { type: 'object', properties: { kind: { enum: ['text', 'reasoning', 'tool-call'] } }, required: ['kind'] },
    },
    finishReason: { enum: ['stop', 'length', 'tool-calls', 'content-filter', 'other'] },
    answeredBy: { type: 'string' },
    tokens: { type: 'object' },
  },
  required: ['content', 'finishReason', 'answeredBy', 'tokens'],
}

type Problem = { readonly message: string; readonly path: readonly (string | number)[] } | undefined

function checkedBy(json: JsonSchema, problemOf: (value: unknown) => Problem): Schema<unknown, unknown> {
  const convert = () => json
  return {
    '~standard': {
      version: 1,
      vendor: 'dinrail-chat',
      validate(value) {
        const problem = problemOf(value)
        return problem === undefined ? { value } : { issues: [problem] }
      },
      jsonSchema: { input: convert, output: convert },
    },
  }
}

function inputProblem(value: unknown): Problem {
  const { messages, tools } = (value ?? {}) as Partial<ChatInput>
  if (!Array.isArray(messages) || messages.length === 0)
    return { message: 'must hold at least one message', path: ['messages'] }
  for (const [i, one] of (tools ?? []).entries())
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(String(one?.name)))
      return {
        message: `'${String(one?.name)}' is no tool name: letters, digits, _ and -, at most 64`,
        path: ['tools', i, 'name'],
      }
  const calls = new Set<string>()
  for (const [i, one] of messages.entries()) {
    const problem = messageProblem(one, calls)
    if (problem !== undefined) return { message: problem, path: ['messages', i] }
  }
  return undefined
}

/** Collects the ids of the calls that came before, since every result needs its call. */
function messageProblem(one: ChatInput['messages'][number] | null, calls: Set<string>): string | undefined {
  switch (one?.role) {
    case 'system':
    case 'user':
      return typeof one.content === 'string' ? undefined : 'content must be text'
    case 'assistant':
      if (!Array.isArray(one.content)) return 'content must be a list of parts'
      for (const part of one.content) {
        if (part.kind !== 'tool-call') continue
        if (calls.has(part.callId)) return `the call id '${part.callId}' is used twice`
        calls.add(part.callId)
      }
      return undefined
    case 'tool':
      if (!Array.isArray(one.content)) return 'content must be a list of tool results'
      for (const { callId } of one.content)
        if (!calls.has(callId)) return `there is no call for the tool result '${callId}'`
      return undefined
    default:
      return `role ${JSON.stringify((one as { role?: unknown } | null)?.role)} is not system, user, assistant or tool`
  }
}

function outputProblem(value: unknown): Problem {
  const { content, finishReason, answeredBy, tokens } = (value ?? {}) as Partial<ChatOutput>
  if (!Array.isArray(content)) return { message: 'must be a list of parts', path: ['content'] }
  if (typeof finishReason !== 'string') return { message: 'is missing', path: ['finishReason'] }
  if (typeof answeredBy !== 'string') return { message: 'is missing', path: ['answeredBy'] }
  if (typeof tokens !== 'object' || tokens === null) return { message: 'is missing', path: ['tokens'] }
  return undefined
}
