import { type ChatInput, type ChatOutput, Fault, type FinishReason } from '@dinrail/core'
import { AnswerParts } from './answer-parts.ts'
import { redactedMark } from './anthropic-request.ts'
import type { AnswerReader } from './dialect.ts'
import { serverFault } from './refusal.ts'
import { asObject, isObject, knownTokens } from './wire-json.ts'

/** An event of a stream, or a whole message. */
interface Message {
  readonly type?: unknown
  readonly error?: unknown
  readonly message?: unknown
  readonly index?: unknown
  readonly content_block?: unknown
  readonly delta?: unknown
  readonly usage?: unknown
  readonly [member: string]: unknown
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  __proto__: null as never,
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
}

/** Reads an answer of Anthropic Messages, in one piece or in events. */
export function anthropicReader(model: string, input: ChatInput): AnswerReader {
  const parts = new AnswerParts(input)
  let answeredBy = model
  let over = false
  let begun = false
  let finishReason: FinishReason | undefined
  const usage: Partial<Record<string, number>> = {}

  function takeMessage(message: Record<string, unknown>): void {
    begun = true
    if (typeof message.model === 'string' && message.model !== '') answeredBy = message.model
    takeUsage(message.usage)
    takeReason(message.stop_reason)
    const blocks = Array.isArray(message.content) ? message.content : []
    for (const [index, block] of blocks.entries()) {
      const isCut = finishReason === 'length' && index === blocks.length - 1
      if (isObject(block)) takeBlock(block, index, isCut ? 'cut' : 'whole')
    }
  }

  /** Later counts are of the whole answer, not of what came since; some servers say later that there was nothing. */
  function takeUsage(counts: unknown): void {
    for (const [name, count] of isObject(counts) ? Object.entries(counts) : [])
      if (count !== null) usage[name] = isCount(count) ? Math.max(count, usage[name] ?? 0) : Number.NaN
  }

  function takeReason(reason: unknown): void {
    if (typeof reason === 'string' && reason !== '') finishReason = finishReasons[reason] ?? 'other'
  }

  function takeBlock(block: Record<string, unknown>, index: unknown, is: 'begun' | 'cut' | 'whole'): void {
    if (block.type === 'thinking' || block.type === 'redacted_thinking') parts.beginReasoning()
    parts.say('text', saidIn(block.text))
    parts.say('reasoning', saidIn(block.thinking))
    if (typeof block.signature === 'string' && block.signature !== '') parts.sign(block.signature)
    if (block.type === 'redacted_thinking') parts.mark(`${redactedMark}${saidIn(block.data)}`)
    if (block.type !== 'tool_use') return
    const call = parts.beginCall(index, typeof block.id === 'string' ? block.id : '')
    call.name = typeof block.name === 'string' ? block.name : ''
    // In a stream the input is empty here and comes in pieces, with some servers whole.
    const input = block.input ?? {}
    const text = typeof input === 'string' ? input : JSON.stringify(input)
    // Of an input that was cut off the server shows what there is as if it were whole: it must not be run like that.
    parts.growCall(call, is === 'begun' && text === '{}' ? '' : text.slice(0, is === 'cut' ? -1 : undefined))
  }

  function takeDelta(delta: Record<string, unknown>, index: unknown): void {
    const { type, text, thinking, signature, partial_json: json } = delta
    if (type === 'text_delta') parts.say('text', saidIn(text))
    else if (type === 'thinking_delta') parts.say('reasoning', saidIn(thinking))
    else if (type === 'signature_delta') parts.sign(saidIn(signature))
    else if (type === 'input_json_delta') growCall(parts, index, saidIn(json))
  }

  return {
    take({ name, data }) {
      // Some servers end like those of chat completions.
      over ||= data === '[DONE]' || name === 'message_stop'
      if (over) return
      const message = asObject<Message>(data)
      const type = message.type ?? name
      if (type === 'error' || isObject(message.error)) throw serverFault(message.error ?? message)
      if (type === 'message') takeMessage(message)
      else if (type === 'message_start' && isObject(message.message)) takeMessage(message.message)
      else if (type === 'content_block_start' && isObject(message.content_block))
        takeBlock(message.content_block, message.index, 'begun')
      else if (type === 'content_block_delta' && isObject(message.delta)) takeDelta(message.delta, message.index)
      else if (type === 'message_delta') {
        takeUsage(message.usage)
        if (isObject(message.delta)) takeReason(message.delta.stop_reason)
      }
    },
    fresh: () => parts.takeFresh(),
    isOver: () => over,
    cacheWrites: () => usage.cache_creation_input_tokens,
    finish() {
      if (!begun && finishReason === undefined)
        throw new Fault('unavailable', `${answeredBy} gave no answer in the form of Anthropic Messages`)
      if (finishReason === undefined)
        throw new Fault('unavailable', `${answeredBy} stopped in the middle of its answer`)
      return { content: parts.finish(finishReason === 'length'), finishReason, answeredBy, tokens: readTokens(usage) }
    },
  }
}

/** What is no text was garbled: as nothing it would make the answer shorter than it is. */
function saidIn(piece: unknown): string {
  if (typeof piece === 'string') return piece
  if (piece === undefined || piece === null) return ''
  throw new Fault('unavailable', 'the server sent a piece that is no text')
}

const isCount = (value: unknown): value is number => typeof value === 'number' && value >= 0

function growCall(parts: AnswerParts, index: unknown, text: string): void {
  const call = parts.calls.findLast((one) => one.index === index) ?? parts.calls.at(-1)
  if (call === undefined)
    throw new Fault('unavailable', 'the server sent arguments of a tool call that it did not begin')
  parts.growCall(call, text)
}

/** What was read from a cache or written to one is counted apart there, and is input all the same. */
function readTokens(usage: Partial<Record<string, number>>): ChatOutput['tokens'] {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage
  const cached = (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0)
  const input = input_tokens === undefined ? undefined : input_tokens + cached
  return knownTokens({ input, output: output_tokens, cachedInput: cache_read_input_tokens })
}
