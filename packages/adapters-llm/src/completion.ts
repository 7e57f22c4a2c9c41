import { type ChatInput, type ChatOutput, Fault, type FinishReason } from '@dinrail/core'
import { AnswerParts, type GrowingCall } from './answer-parts.ts'
import type { AnswerReader } from './dialect.ts'
import { serverFault } from './refusal.ts'
import { ThinkTags } from './think-tags.ts'
import { asObject, isObject, knownTokens } from './wire-json.ts'

/** What servers that call themselves compatible send; every member may be missing or of another type. */
interface Chunk {
  readonly object?: unknown
  readonly model?: unknown
  readonly error?: unknown
  readonly usage?: unknown
  readonly choices?: unknown
}

interface Delta {
  readonly content?: unknown
  readonly refusal?: unknown
  readonly reasoning_content?: unknown
  readonly reasoning?: unknown
  readonly tool_calls?: unknown
  readonly function_call?: unknown
}

interface CallPiece {
  readonly index?: unknown
  readonly id?: unknown
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown }
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  __proto__: null as never,
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
}

/** Reads a chat completion, in one piece or in many. */
export function completionReader(model: string, input: ChatInput): AnswerReader {
  const parts = new AnswerParts(input)
  const thinking = new ThinkTags((kind, text) => parts.say(kind, text))
  let answeredBy = model
  let finishReason: FinishReason | undefined
  let tokens: ChatOutput['tokens'] = {}
  let refused = false
  let done = false
  /** Where the caller asked for several answers, the one that began first is the answer. */
  let place: unknown
  let begun = false

  function firstOf(choices: readonly unknown[]): Record<string, unknown> | undefined {
    for (const choice of choices) {
      if (!isObject(choice)) continue
      begun = true
      place ??= choice.index
      if ((choice.index ?? place) === place) return choice
    }
    return undefined
  }

  function takeChoice(choice: Record<string, unknown>): void {
    const delta = (choice.delta ?? choice.message ?? {}) as Delta
    const { content } = delta
    // What cannot be read is not left out: the rest would pass for the whole answer.
    if (!isObject(delta) || isUnreadable(content, 'string') || isUnreadable(delta.tool_calls))
      throw new Fault('unavailable', `${answeredBy} gave a part of its answer in no form of chat completions`)
    const reasoning = textOf(delta.reasoning_content) || textOf(delta.reasoning)
    if (reasoning !== '') parts.say('reasoning', reasoning)
    if (typeof content === 'string') thinking.take(content)
    else if (Array.isArray(content)) takeList(content)
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      refused = true
      thinking.take(delta.refusal)
    }
    const before = parts.calls.length
    if (Array.isArray(delta.tool_calls)) for (const piece of delta.tool_calls) takeCall(parts, piece ?? {}, before)
    // llama-cpp-python says each piece in both the old form and the new one.
    else if (isObject(delta.function_call)) takeCall(parts, { function: delta.function_call }, before)
    const reason = choice.finish_reason
    if (reason === 'error') throw serverFault(choice.error ?? 'it ended with an error')
    if (typeof reason === 'string' && reason !== '') finishReason ??= finishReasons[reason] ?? 'other'
  }

  function takeList(content: readonly unknown[]): void {
    for (const part of content)
      if (isObject(part) && part.type === 'thinking') parts.say('reasoning', textOf(part.thinking))
      else thinking.take(textOf([part]))
  }

  return {
    take({ name, data }) {
      done ||= data === '[DONE]'
      if (done) return
      const chunk = asObject<Chunk>(data)
      if (name === 'error' || chunk.object === 'error' || (chunk.error !== undefined && chunk.error !== null))
        throw serverFault(chunk.error ?? chunk)
      if (typeof chunk.model === 'string' && chunk.model !== '') answeredBy = chunk.model
      if (isObject(chunk.usage)) tokens = readTokens(chunk.usage)
      const choice = Array.isArray(chunk.choices) ? firstOf(chunk.choices) : undefined
      if (choice !== undefined) takeChoice(choice)
    },
    fresh: () => parts.takeFresh(),
    isOver: () => done,
    finish() {
      if (!begun) throw new Fault('unavailable', `${answeredBy} gave no answer in the form of chat completions`)
      if (!done && finishReason === undefined)
        throw new Fault('unavailable', `${answeredBy} stopped in the middle of its answer`)
      thinking.end()
      const content = parts.finish(finishReason === 'length')
      const stopped = finishReason ?? 'other'
      const called = parts.calls.length > 0 && (stopped === 'stop' || stopped === 'other')
      const reason = refused ? 'content-filter' : called ? 'tool-calls' : stopped
      return { content, finishReason: reason, answeredBy, tokens }
    },
  }
}

/**
 * Finds the call that a piece belongs to. Servers leave the index out, use it again for the next call, send an empty or
 * another id with each piece, and the name late or with every piece. `before` is how many calls there were before the list that it is in.
 */
function takeCall(parts: AnswerParts, piece: CallPiece, before: number): void {
  const id = typeof piece.id === 'string' ? piece.id : ''
  const name = typeof piece.function?.name === 'string' ? piece.function.name : ''
  const { calls } = parts
  const byPlace = ({ index }: GrowingCall) => index === piece.index
  const known =
    typeof piece.index === 'number'
      ? (calls.findLast(byPlace) ?? unplaced(calls.at(-1), name))
      : ((id !== '' ? calls.findLast((call) => call.id === id) : undefined) ?? calls.at(-1))
  const given = piece.function?.arguments
  const text = typeof given === 'string' ? given : given ? JSON.stringify(given) : ''
  const isNew = known === undefined || begins(known, id, name, text, calls.indexOf(known) >= before)
  const call = isNew ? parts.beginCall(piece.index, id) : known
  call.index ??= piece.index
  if (call.id === '') call.id = id
  if (call.name === '') call.name = name
  parts.growCall(call, text)
}

/** A call whose first piece said no place: what follows without a name belongs to it. */
function unplaced(last: GrowingCall | undefined, name: string): GrowingCall | undefined {
  return last?.index === undefined && name === '' ? last : undefined
}

/** Whether a piece with a name, where a call already has one, is another call and not a repetition. Calls of one list stand beside each other. */
function begins(known: GrowingCall, id: string, name: string, text: string, isBeside: boolean): boolean {
  if (name === '' || known.name === '') return false
  if (name !== known.name) return true
  if (id !== '' && id === known.id) return false
  // Another id is that of another call where neither has arguments; where this one has, some servers' ids change.
  const isBare = known.text + text === '' && id !== '' && known.id !== ''
  return isBare || isBeside || isJson(known.text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether something stands there that is neither a list nor of the type. */
function isUnreadable(value: unknown, type?: 'string'): boolean {
  return (value ?? undefined) !== undefined && typeof value !== type && !Array.isArray(value)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => (typeof part === 'string' ? part : typeof part?.text === 'string' ? part.text : ''))
    .join('')
}

function readTokens(usage: Record<string, unknown>): ChatOutput['tokens'] {
  const within = (holder: unknown, key: string) => (isObject(holder) ? holder[key] : undefined)
  return knownTokens({
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    cachedInput: within(usage.prompt_tokens_details, 'cached_tokens') ?? usage.prompt_cache_hit_tokens,
    reasoning: within(usage.completion_tokens_details, 'reasoning_tokens'),
  })
}
