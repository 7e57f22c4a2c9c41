import { answerCheck } from './answer-schema.ts'
import type { ChatInput, ChatModel, ChatOutput, ChatPart } from './chat.ts'
import { type ChatProblem, chatInputProblem, chatOutputProblem } from './chat-problems.ts'
import { type ChatCard, type Descriptor, descriptorProblem, specVersion } from './descriptor.ts'
import { Fault } from './fault.ts'
import type { Final, RunContext, RunResult } from './model.ts'
import type { Schema } from './schema.ts'
import { readStructured, schemaBroken } from './structured-answer.ts'
import type { JsonSchema } from './vocabulary.ts'

export interface ChatDefinition
  extends Pick<Descriptor, 'id' | 'version' | 'title'>,
    Partial<Pick<Descriptor, 'description' | 'timing' | 'provenance' | 'supports'>> {
  readonly chat: ChatCard
  run(input: ChatInput, context: RunContext): Promise<RunResult<ChatOutput>>
  stream?(input: ChatInput, context: RunContext): AsyncIterable<ChatPart | Final<ChatOutput>>
}

/**
 * Makes a chat model of a function: the contract is the same for all of them, so only what differs is stated. What the
 * card lacks is refused before anything is sent, and an answer under a `responseSchema` is held against it. Throws a
 * `TypeError` at once where what is stated makes no sense.
 */
export function defineChatModel(definition: ChatDefinition): ChatModel {
  const { run, stream, ...stated } = definition
  const { chat: card, id } = stated
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
  const problem = descriptorProblem(descriptor) ?? cardProblem(card)
  if (problem !== undefined) throw new TypeError(`defineChatModel('${String(id)}'): ${problem}`)
  return {
    descriptor,
    schemas: { input: checkedBy(inputSchema, chatInputProblem), output: checkedBy(outputSchema, chatOutputProblem) },
    async run(input, context) {
      refuseBeyondCard(input, card, id)
      const started = performance.now()
      return keptSchema(await run(input, context), input, stated, started)
    },
    ...(stream && {
      stream(input: ChatInput, context: RunContext) {
        refuseBeyondCard(input, card, id)
        const items = stream(input, context)
        return input.responseSchema === undefined ? items : keepingSchema(items, input, stated)
      },
    }),
  }
}

const words = {
  structuredOutput: ['native', 'tool-call', 'prompt', 'none'],
  modalities: ['text', 'image', 'document'],
}

/** Why a card says nothing, or undefined where it does. */
function cardProblem(card: Partial<ChatCard> | undefined): string | undefined {
  const { tools, structuredOutput, modalities, contextTokens } = card ?? {}
  if (typeof tools !== 'boolean') return `chat.tools is ${JSON.stringify(tools)}, neither true nor false`
  if (!words.structuredOutput.includes(String(structuredOutput)))
    return `chat.structuredOutput ${JSON.stringify(structuredOutput)} is not ${words.structuredOutput.join(', ')}`
  if (!Array.isArray(modalities) || !modalities.every((one) => words.modalities.includes(one)))
    return `chat.modalities ${JSON.stringify(modalities)} is no list of ${words.modalities.join(', ')}`
  if (contextTokens !== undefined && !(Number.isSafeInteger(contextTokens) && contextTokens > 0))
    return `chat.contextTokens is ${JSON.stringify(contextTokens)}, no whole number above 0`
  return undefined
}

function refuseBeyondCard(input: ChatInput, card: ChatCard, id: string): void {
  const refuse = (problem: string, field: string) => {
    throw new Fault('unsupported', `${id} ${problem}: choose a model whose chat card says that it can`, { field })
  }
  if ((input.tools?.length ?? 0) > 0 && !card.tools) refuse('cannot call tools', '/input/tools')
  for (const [i, { role, content }] of input.messages.entries()) {
    if (role !== 'user' || typeof content === 'string') continue
    for (const [j, { kind }] of content.entries())
      if (!card.modalities.includes(kind)) refuse(`takes no ${kind}`, `/input/messages/${i}/content/${j}`)
  }
  if (input.responseSchema === undefined) return
  if (card.structuredOutput === 'none') refuse('cannot keep to a schema', '/input/responseSchema')
  answerCheck(input.responseSchema)
}

type Stated = Pick<ChatDefinition, 'id' | 'version' | 'chat'>

/** The result with its structured answer, which is held against the schema whoever made it. */
function keptSchema<Result extends RunResult<ChatOutput>>(
  result: Result,
  { responseSchema }: ChatInput,
  { id, version, chat: { structuredOutput } }: Stated,
  started: number,
): Result {
  const { output } = result
  if (responseSchema === undefined || structuredOutput === 'none') return result
  if (output.content.some(({ kind }) => kind === 'tool-call')) return result
  const found = output.structured ?? readStructured(output.content, responseSchema)
  const problem = 'problem' in found ? found.problem : answerCheck(responseSchema)(found.value)
  if (problem !== undefined) {
    const elapsedMs = performance.now() - started
    const attempt = { model: { id, version }, outcome: 'invalid-output', elapsedMs, spent: result.spent }
    throw schemaBroken(output, problem, id).with({ usage: result.usage ?? [attempt] })
  }
  const structured = output.structured ?? { ...(found as { value: unknown }), by: structuredOutput, repaired: false }
  return { ...result, output: { ...output, structured } }
}

async function* keepingSchema(
  items: AsyncIterable<ChatPart | Final<ChatOutput>>,
  input: ChatInput,
  stated: Stated,
): AsyncGenerator<ChatPart | Final<ChatOutput>> {
  const started = performance.now()
  for await (const item of items) yield 'final' in item ? keptSchema(item, input, stated, started) : item
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
    structured: { type: 'object' },
  },
  required: ['content', 'finishReason', 'answeredBy', 'tokens'],
}

function checkedBy(json: JsonSchema, problemOf: (value: unknown) => ChatProblem | undefined): Schema<unknown, unknown> {
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
