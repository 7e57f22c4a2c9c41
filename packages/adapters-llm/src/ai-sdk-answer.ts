import {
  type AssistantPart,
  type ChatOutput,
  type ChatPart,
  Fault,
  type FinishReason,
  type ToolCall,
  type Warning,
} from '@dinrail/core'
import { argumentsOf } from './answer-parts.ts'
import { unusedId } from './call-ids.ts'
import { serverFault } from './refusal.ts'
import { isObject, knownTokens } from './wire-json.ts'

/** A part of an answer as any specification has it; which members there are depends on its type. */
export interface AiSdkPart {
  readonly type?: unknown
  readonly text?: unknown
  readonly delta?: unknown
  readonly id?: unknown
  readonly toolCallId?: unknown
  readonly toolName?: unknown
  readonly input?: unknown
  readonly providerExecuted?: unknown
  readonly providerMetadata?: unknown
  readonly modelId?: unknown
  readonly warnings?: unknown
  readonly usage?: unknown
  readonly finishReason?: unknown
  readonly error?: unknown
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  __proto__: null as never,
  stop: 'stop',
  length: 'length',
  'content-filter': 'content-filter',
  'tool-calls': 'tool-calls',
  other: 'other',
  unknown: 'other',
}
/** Parts that say nothing of the answer. */
const silent = new Set(['ping', 'raw', 'text-end', 'tool-input-end'])

/** Puts an answer together from the parts of a provider's model, in one piece or in many. */
export class AiSdkAnswer {
  readonly warnings: Warning[] = []
  /** How many tokens were written to a cache, where the provider says so. */
  cacheWrites: number | undefined
  private readonly parts: AssistantPart[] = []
  /** Where each reasoning stands among the parts, by the provider's id of it. */
  private readonly reasoning = new Map<string, number>()
  private readonly begun = new Map<string, { callId: string; name: string; text: string }>()
  private readonly whole = new Set<string>()
  private readonly used: Set<string>
  private answeredBy: string
  private tokens: ChatOutput['tokens'] = {}
  private finishReason: FinishReason | undefined

  /** `taken` are the call ids of earlier turns: providers use them again, the contract does not. */
  constructor(model: string, taken: Iterable<string>) {
    this.answeredBy = model
    this.used = new Set(taken)
  }

  /** Takes one part in and gives what is new in it. Throws what a provider streams as an error. */
  *take(part: AiSdkPart): Generator<ChatPart> {
    const { type, text, delta } = part
    switch (type) {
      case 'text':
      case 'text-start':
        if (typeof text === 'string') yield* this.say(text)
        return
      case 'text-delta':
        if (typeof delta === 'string') yield* this.say(delta)
        return
      case 'reasoning':
      case 'reasoning-start':
        yield* this.reason(this.beginReasoning(part.id), text, part.providerMetadata)
        return
      case 'reasoning-delta':
      case 'reasoning-end':
        yield* this.reason(
          this.reasoning.get(String(part.id)) ?? this.beginReasoning(part.id),
          delta,
          part.providerMetadata,
        )
        return
      case 'tool-input-start':
        if (part.providerExecuted === true) return
        yield* this.begin(String(part.id), String(part.toolName))
        return
      case 'tool-input-delta': {
        const call = this.begun.get(String(part.id))
        if (call === undefined || typeof delta !== 'string' || delta === '') return
        call.text += delta
        yield { kind: 'tool-call-delta', callId: call.callId, text: delta }
        return
      }
      case 'tool-call':
        yield* this.call(part)
        return
      case 'stream-start':
        this.warn(part.warnings)
        return
      case 'response-metadata':
        this.answered(part.modelId)
        return
      case 'finish':
        this.end(part.finishReason, part.usage)
        return
      case 'error':
        // An error of the provider's may carry a status; what the server said is read as if it had said it itself.
        throw part.error instanceof Error ? part.error : serverFault(part.error)
      default:
        if (!silent.has(String(type)))
          this.drop(`part-dropped`, `the model sent a part of the type '${String(type)}', which no chat answer holds`)
    }
  }

  answered(modelId: unknown): void {
    if (typeof modelId === 'string' && modelId !== '') this.answeredBy = modelId
  }

  /** The provider says that its answer is whole, how it ended and what it cost. */
  end(reason: unknown, usage: unknown): void {
    const unified = typeof reason === 'object' && reason !== null ? (reason as { unified?: unknown }).unified : reason
    if (unified === 'error' || unified === 'interrupted')
      throw new Fault('unavailable', `${this.answeredBy} broke off its answer (${String(unified)})`)
    this.finishReason = finishReasons[String(unified)] ?? 'other'
    this.tokens = readUsage(usage)
    const { inputTokens } = isObject(usage) ? usage : {}
    if (isObject(inputTokens) && typeof inputTokens.cacheWrite === 'number') this.cacheWrites = inputTokens.cacheWrite
  }

  warn(warnings: unknown): void {
    for (const warning of Array.isArray(warnings) ? warnings : []) this.warnings.push(readWarning(warning))
  }

  /** The whole answer. Throws `unavailable` where the stream stopped before the provider said that it is whole. */
  finish(): { readonly output: ChatOutput; readonly late: ChatPart[] } {
    if (this.finishReason === undefined)
      throw new Fault('unavailable', `${this.answeredBy} stopped in the middle of its answer`)
    const late: ChatPart[] = []
    for (const [id, { name, text }] of this.begun)
      if (!this.whole.has(id)) late.push(...this.call({ toolCallId: id, toolName: name, input: text }))
    const called = this.parts.some(({ kind }) => kind === 'tool-call')
    const finishReason =
      called && (this.finishReason === 'stop' || this.finishReason === 'other') ? 'tool-calls' : this.finishReason
    // Of reasoning that was neither shown nor marked there is nothing.
    const content = this.parts.filter((part) => part.kind !== 'reasoning' || part.text !== '' || 'signature' in part)
    return { output: { content, finishReason, answeredBy: this.answeredBy, tokens: this.tokens }, late }
  }

  private *say(text: string): Generator<ChatPart> {
    if (text === '') return
    const last = this.parts.at(-1)
    if (last?.kind === 'text') this.parts[this.parts.length - 1] = { ...last, text: last.text + text }
    else this.parts.push({ kind: 'text', text })
    yield { kind: 'text-delta', text }
  }

  private beginReasoning(id: unknown): number {
    const at = this.parts.push({ kind: 'reasoning', text: '' }) - 1
    this.reasoning.set(String(id), at)
    return at
  }

  /** What a provider wants back with its reasoning is carried as the signature, and handed back as it came. */
  private *reason(at: number, said: unknown, metadata: unknown): Generator<ChatPart> {
    const piece = this.parts[at] as Extract<AssistantPart, { kind: 'reasoning' }>
    const text = typeof said === 'string' ? said : ''
    const marked = metadata !== undefined && metadata !== null
    this.parts[at] = { ...piece, text: piece.text + text, ...(marked && { signature: JSON.stringify(metadata) }) }
    if (text !== '') yield { kind: 'reasoning-delta', text }
  }

  private *begin(id: string, name: string): Generator<ChatPart> {
    const callId = unusedId(id, this.used)
    this.begun.set(id, { callId, name, text: '' })
    yield { kind: 'tool-call-start', callId, name }
  }

  private *call({ toolCallId, toolName, input, providerExecuted, providerMetadata }: AiSdkPart): Generator<ChatPart> {
    const id = String(toolCallId)
    if (providerExecuted === true) {
      this.drop('tool-ran-elsewhere', `the provider itself ran its tool '${String(toolName)}': it is not in the answer`)
      return
    }
    if (providerMetadata !== undefined)
      this.drop('metadata-dropped', `what the provider wants back with a call of '${String(toolName)}' is not carried`)
    const callId = this.begun.get(id)?.callId ?? unusedId(id, this.used)
    this.whole.add(id)
    const call: ToolCall = {
      kind: 'tool-call',
      callId,
      name: String(toolName),
      arguments: typeof input === 'string' ? argumentsOf(input) : input,
    }
    this.parts.push(call)
    yield { kind: 'tool-call', call }
  }

  private drop(code: string, message: string): void {
    if (!this.warnings.some((one) => one.message === message)) this.warnings.push({ code, message })
  }
}

/** The second specification counts flat, the later ones by kind. */
function readUsage(usage: unknown): ChatOutput['tokens'] {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = (usage ?? {}) as Record<string, unknown>
  const byKind = (counts: unknown) => (isObject(counts) ? counts : { total: counts })
  const [read, wrote] = [byKind(inputTokens), byKind(outputTokens)]
  return knownTokens({
    input: read.total,
    output: wrote.total,
    cachedInput: isObject(inputTokens) ? inputTokens.cacheRead : cachedInputTokens,
    reasoning: isObject(outputTokens) ? outputTokens.reasoning : reasoningTokens,
  })
}

function readWarning(warning: unknown): Warning {
  const { type, feature, setting, tool, details, message } = (warning ?? {}) as Record<string, unknown>
  const named = feature ?? setting ?? (tool as { name?: unknown } | undefined)?.name
  const words = [named, message ?? details].filter((one) => typeof one === 'string' && one !== '')
  return {
    code: typeof type === 'string' && /^[a-z-]+$/.test(type) ? type : 'other',
    message: words.join(': ') || 'the provider warns without a word',
  }
}
