import type { ChatInput, ChatOutput, UserPart } from './chat.ts'
import { deepestNesting } from './nesting.ts'

/** Why a value is no conversation, and where. */
export interface ChatProblem {
  readonly message: string
  readonly path: readonly (string | number)[]
}

/** No model reads as much at once; what is longer is a mistake, and sending it would be another. */
const longestText = 8_000_000
const toolName = /^[A-Za-z0-9_-]{1,64}$/

export function chatInputProblem(value: unknown): ChatProblem | undefined {
  const reading: Reading = { path: [] }
  try {
    return problemIn((value ?? {}) as Partial<ChatInput>, reading)
  } catch {
    // What holds itself, a BigInt, a getter that throws: nothing of it could be sent.
    return { message: 'has no JSON form', path: reading.path }
  }
}

/** Where a value is being read. */
interface Reading {
  path: ChatProblem['path']
}

function problemIn(input: Partial<ChatInput>, reading: Reading): ChatProblem | undefined {
  const { messages, tools, toolChoice, responseSchema } = input
  const at = (...path: ChatProblem['path']) => {
    reading.path = path
    return path
  }
  if (!Array.isArray(messages) || messages.length === 0)
    return { message: 'must hold at least one message', path: ['messages'] }
  if (tools !== undefined && !Array.isArray(tools)) return { message: 'must be a list of tools', path: ['tools'] }
  const names = new Set<string>()
  for (const [i, one] of (tools ?? []).entries()) {
    const path = at('tools', i, 'name')
    const name: unknown = one?.name
    if (typeof name !== 'string' || !toolName.test(name))
      return { message: `'${String(name)}' is no tool name: letters, digits, _ and -, at most 64`, path }
    if (names.has(name)) return { message: `two tools are named '${name}'`, path }
    names.add(name)
    if (typeof one.description !== 'string') return { message: 'must be text', path: ['tools', i, 'description'] }
    const problem = schemaProblem(one.parameters, at('tools', i, 'parameters'))
    if (problem !== undefined) return problem
    at('tools', i)
    jsonLength(one)
  }
  at('toolChoice')
  const choice = toolChoice === undefined ? undefined : choiceProblem(toolChoice, names)
  if (choice !== undefined) return { message: choice, path: ['toolChoice'] }
  if (responseSchema !== undefined) {
    const problem = schemaProblem(responseSchema, at('responseSchema'))
    if (problem !== undefined) return problem
  }
  const setting = settingProblem(input)
  if (setting !== undefined) return setting
  const reader = new ConversationReader()
  for (const [i, one] of messages.entries()) {
    const path = at('messages', i)
    const problem = reader.problemOf(one)
    if (problem !== undefined) return { message: problem, path }
  }
  return undefined
}

function choiceProblem(choice: unknown, names: ReadonlySet<string>): string | undefined {
  if (choice === 'auto' || choice === 'none') return undefined
  if (choice === 'required') return names.size === 0 ? 'asks for a tool, and there is none' : undefined
  const { name } = (choice ?? {}) as { readonly name?: unknown }
  if (typeof name !== 'string') return "must be 'auto', 'none', 'required' or { name } of a tool"
  jsonLength(choice)
  return names.has(name) ? undefined : `asks for '${name}', and there is none`
}

function schemaProblem(schema: unknown, path: ChatProblem['path']): ChatProblem | undefined {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    return { message: 'must be a JSON Schema', path }
  // What a library makes JSON Schema of carries its mark too, but hides it.
  const isOfLibrary =
    '~standard' in schema && Object.getOwnPropertyDescriptor(schema, '~standard')?.enumerable !== false
  if (isOfLibrary) return { message: 'must be a JSON Schema: of a schema of zod, what z.toJSONSchema gives', path }
  // Whoever reads a schema does it by recursion.
  if (!knownLengths.has(schema) && isDeeper(schema, deepestNesting))
    return { message: `is nested more than ${deepestNesting} deep`, path }
  jsonLength(schema)
  return undefined
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

function settingProblem({ temperature, maxOutputTokens, seed, stop }: Partial<ChatInput>): ChatProblem | undefined {
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0 && temperature < Infinity))
    return { message: 'must be a number from 0 on', path: ['temperature'] }
  if (maxOutputTokens !== undefined && !(Number.isSafeInteger(maxOutputTokens) && maxOutputTokens > 0))
    return { message: 'must be a whole number above 0', path: ['maxOutputTokens'] }
  if (seed !== undefined && !Number.isSafeInteger(seed)) return { message: 'must be a whole number', path: ['seed'] }
  if (stop !== undefined && !(Array.isArray(stop) && stop.every((one) => typeof one === 'string' && one !== '')))
    return { message: 'must be a list of texts', path: ['stop'] }
  return undefined
}

/** Reads messages in order, since every tool result needs its call before it. */
class ConversationReader {
  private readonly calls = new Set<string>()
  private readonly answered = new Set<string>()
  private length = 0

  problemOf(one: ChatInput['messages'][number] | null): string | undefined {
    switch (one?.role) {
      case 'system':
        return this.textProblem(one.content)
      case 'user':
        if (!Array.isArray(one.content)) return this.textProblem(one.content)
        if (one.content.length === 0) return 'content must hold at least one part'
        return firstOf(one.content, (part) => this.userPartProblem(part as UserPart | null))
      case 'assistant':
        if (!Array.isArray(one.content)) return 'content must be a list of parts'
        return firstOf(one.content, (part) => {
          if (part?.kind === 'reasoning' && !['string', 'undefined'].includes(typeof part.signature))
            return 'the signature of reasoning must be text'
          if (part?.kind === 'text' || part?.kind === 'reasoning') return this.textProblem(part.text)
          if (part?.kind !== 'tool-call') return `an assistant’s part is no ${JSON.stringify(part?.kind)}`
          if (typeof part.callId !== 'string' || part.callId === '') return 'a tool call needs its callId'
          if (this.calls.has(part.callId)) return `the call id '${part.callId}' is used twice`
          if (typeof part.name !== 'string' || part.name === '') return `the call '${part.callId}' needs its name`
          this.calls.add(part.callId)
          return this.dataProblem(part.arguments, `the arguments of the call '${part.callId}'`)
        })
      case 'tool':
        if (!Array.isArray(one.content)) return 'content must be a list of tool results'
        return firstOf(one.content, (result) => {
          const callId = result?.callId
          if (!this.calls.has(callId)) return `there is no call for the tool result '${callId}'`
          if (this.answered.has(callId)) return `the call '${callId}' has two results`
          this.answered.add(callId)
          if (typeof result?.name !== 'string' || (result.outcome !== 'ok' && result.outcome !== 'fault'))
            return `the result of the call '${callId}' needs its name, and an outcome that is ok or fault`
          return this.dataProblem(result.result, `the result of the call '${callId}'`)
        })
      default:
        return `role ${JSON.stringify((one as { role?: unknown } | null)?.role)} is not system, user, assistant or tool`
    }
  }

  private textProblem(text: unknown): string | undefined {
    if (typeof text !== 'string') return 'content must be text'
    if (!text.isWellFormed()) return 'holds half a surrogate pair, which no UTF-8 can carry'
    return this.longer(text.length)
  }

  /** Data is shown to a model as JSON. */
  private dataProblem(data: unknown, what: string): string | undefined {
    try {
      return this.longer(typeof data === 'string' ? data.length : jsonLength(data))
    } catch {
      return `${what} has no JSON form`
    }
  }

  private longer(length: number): string | undefined {
    this.length += length
    return this.length > longestText
      ? `the texts have more than ${longestText} characters: no model reads that`
      : undefined
  }

  private userPartProblem(part: UserPart | null): string | undefined {
    switch (part?.kind) {
      case 'text':
        return this.textProblem(part.text)
      case 'image':
        return fileProblem(part, /^image\/[\w.+-]+$/)
      case 'document':
        if (typeof part.name !== 'string' || part.name === '') return 'a document needs a name'
        return fileProblem(part, /^[\w.+-]+\/[\w.+-]+$/)
      default:
        return `a user’s part is no ${JSON.stringify((part as { kind?: unknown } | null)?.kind)}`
    }
  }
}

function firstOf<Item>(items: readonly Item[], problemOf: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = problemOf(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

function fileProblem(
  { kind, mediaType, data }: Exclude<UserPart, { kind: 'text' }>,
  media: RegExp,
): string | undefined {
  if (typeof mediaType !== 'string' || !media.test(mediaType))
    return `${JSON.stringify(mediaType)} is no media type of a part '${kind}'`
  const isBase64 = typeof data === 'string' && data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data)
  return isBase64 ? undefined : `the data of a part '${kind}' must be base64`
}

export function chatOutputProblem(value: unknown): ChatProblem | undefined {
  const { content, finishReason, answeredBy, tokens } = (value ?? {}) as Partial<ChatOutput>
  if (!Array.isArray(content)) return { message: 'must be a list of parts', path: ['content'] }
  for (const [i, part] of content.entries()) {
    const path = ['content', i]
    if (part?.kind === 'text' || part?.kind === 'reasoning') {
      if (typeof part.text !== 'string') return { message: 'needs its text', path }
    } else if (part?.kind !== 'tool-call') return { message: 'is no text, reasoning or tool call', path }
    else if (typeof part.callId !== 'string' || typeof part.name !== 'string')
      return { message: 'needs its callId and name', path }
  }
  if (typeof finishReason !== 'string') return { message: 'is missing', path: ['finishReason'] }
  if (typeof answeredBy !== 'string') return { message: 'is missing', path: ['answeredBy'] }
  if (typeof tokens !== 'object' || tokens === null) return { message: 'is missing', path: ['tokens'] }
  for (const [name, count] of Object.entries(tokens))
    if (count !== undefined && !(Number.isSafeInteger(count) && (count as number) >= 0))
      return { message: `${String(count)} is no count: leave out what is unknown`, path: ['tokens', name] }
  return undefined
}

const knownLengths = new WeakMap<object, number>()

/** An agent shows the same arguments and results again at each of its steps. Throws where there is no JSON form. */
function jsonLength(data: unknown): number {
  const known = knownLengths.get(data as object)
  if (known !== undefined) return known
  const length = JSON.stringify(data)?.length ?? 0
  if (typeof data === 'object' && data !== null) knownLengths.set(data, length)
  return length
}
