import {
  type AssistantPart,
  type ChatOutput,
  type ChatPart,
  Fault,
  type FinishReason,
  type ToolCall,
} from '@dinrail/core'

/** What servers that call themselves compatible send; every member may be missing or of another type. */
interface Chunk {
  readonly model?: unknown
  readonly error?: unknown
  readonly usage?: unknown
  readonly choices?: unknown
}

interface Delta {
  readonly content?: unknown
  readonly reasoning_content?: unknown
  readonly reasoning?: unknown
  readonly tool_calls?: unknown
}

interface Slot {
  readonly index: unknown
  id: string
  name: string
  text: string
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
}

/** Puts a completion together from what a server sends, in one piece or in many. */
export class Completion {
  private readonly parts: { kind: 'text' | 'reasoning'; text: string }[] = []
  private readonly slots: Slot[] = []
  private readonly thinking = new ThinkTags()
  private answeredBy: string
  private finishReason: FinishReason | undefined
  private tokens: ChatOutput['tokens'] = {}
  private done = false

  /** `taken` are the call ids of earlier turns: servers use them again, the contract does not. */
  constructor(
    model: string,
    private readonly taken: ReadonlySet<string>,
  ) {
    this.answeredBy = model
  }

  /** The server said that nothing more comes. */
  end(): void {
    this.done = true
  }

  /** Takes one chunk in and gives what is new in it. Throws the fault that a server hides inside an answer. */
  *take(value: unknown): Generator<ChatPart> {
    const chunk = (typeof value === 'object' && value !== null ? value : {}) as Chunk
    if (chunk.error !== undefined && chunk.error !== null)
      throw new Fault('unavailable', `the server reports: ${errorText(chunk.error)}`)
    if (typeof chunk.model === 'string' && chunk.model !== '') this.answeredBy = chunk.model
    if (typeof chunk.usage === 'object' && chunk.usage !== null)
      this.tokens = readTokens(chunk.usage as Record<string, unknown>)
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined
    if (typeof choice !== 'object' || choice === null) return
    const delta = (choice.delta ?? choice.message ?? {}) as Delta
    const reasoning = textOf(delta.reasoning_content) || textOf(delta.reasoning)
    if (reasoning !== '') yield this.add('reasoning', reasoning)
    for (const { kind, text } of this.thinking.split(textOf(delta.content))) yield this.add(kind, text)
    if (Array.isArray(delta.tool_calls)) for (const call of delta.tool_calls) this.takeCall(call ?? {})
    if (typeof choice.finish_reason === 'string') this.finishReason ??= finishReasons[choice.finish_reason] ?? 'other'
  }

  /** The whole answer. Throws `unavailable` where the server stopped in the middle: a short answer is never taken for whole. */
  finish(): { readonly output: ChatOutput; readonly late: ChatPart[] } {
    if (!this.done && this.finishReason === undefined)
      throw new Fault('unavailable', `${this.answeredBy} stopped in the middle of its answer`)
    const late: ChatPart[] = this.thinking.rest().map(({ kind, text }) => this.add(kind, text))
    const calls = this.calls()
    for (const call of calls) late.push({ kind: 'tool-call', call })
    const content: AssistantPart[] = [...this.parts.filter(({ text }) => text !== ''), ...calls]
    const stopped = this.finishReason ?? 'other'
    const finishReason = calls.length > 0 && (stopped === 'stop' || stopped === 'other') ? 'tool-calls' : stopped
    return { output: { content, finishReason, answeredBy: this.answeredBy, tokens: this.tokens }, late }
  }

  private add(kind: 'text' | 'reasoning', text: string): ChatPart {
    const last = this.parts.at(-1)
    if (last?.kind === kind) last.text += text
    else this.parts.push({ kind, text })
    return { kind: `${kind}-delta`, text }
  }

  /**
   * Finds the call that a piece belongs to. Servers leave the index out, use it again for the next call, send an empty
   * or another id with each piece, and the name late; only a new name with another id or index begins a new call.
   */
  private takeCall(piece: { index?: unknown; id?: unknown; function?: { name?: unknown; arguments?: unknown } }): void {
    const id = typeof piece.id === 'string' ? piece.id : ''
    const name = typeof piece.function?.name === 'string' ? piece.function.name : ''
    const last = this.slots.at(-1)
    const sameIndex = typeof piece.index === 'number' ? this.slots.findLast(({ index }) => index === piece.index) : last
    const begins =
      sameIndex === undefined ||
      (name !== '' && sameIndex.name !== '' && (id === '' ? sameIndex.text !== '' : id !== sameIndex.id))
    const slot: Slot = begins ? { index: piece.index, id, name: '', text: '' } : sameIndex
    if (begins) this.slots.push(slot)
    if (slot.id === '') slot.id = id
    if (slot.name === '') slot.name = name
    const text = piece.function?.arguments
    if (typeof text === 'string') slot.text += text
    else if (typeof text === 'object' && text !== null) slot.text += JSON.stringify(text)
  }

  private calls(): ToolCall[] {
    const used = new Set(this.taken)
    return this.slots.map(({ id, name, text }) => {
      let callId = id || `call-${used.size + 1}`
      for (let n = 2; used.has(callId); n++) callId = `${id || 'call'}-${n}`
      used.add(callId)
      return { kind: 'tool-call', callId, name, arguments: parsed(text) }
    })
  }
}

/** Takes `<think>…</think>` out of the text, also where a tag is cut in two. */
class ThinkTags {
  private inside = false
  private held = ''

  split(text: string): { kind: 'text' | 'reasoning'; text: string }[] {
    const found: { kind: 'text' | 'reasoning'; text: string }[] = []
    let rest = this.held + text
    this.held = ''
    for (;;) {
      const tag = this.inside ? '</think>' : '<think>'
      const at = rest.indexOf(tag)
      if (at === -1) {
        const keep = longestStart(rest, tag)
        this.held = rest.slice(rest.length - keep)
        rest = rest.slice(0, rest.length - keep)
        if (rest !== '') found.push({ kind: this.inside ? 'reasoning' : 'text', text: rest })
        return found
      }
      if (at > 0) found.push({ kind: this.inside ? 'reasoning' : 'text', text: rest.slice(0, at) })
      rest = rest.slice(at + tag.length)
      this.inside = !this.inside
    }
  }

  rest(): { kind: 'text' | 'reasoning'; text: string }[] {
    return this.held === '' ? [] : [{ kind: this.inside ? 'reasoning' : 'text', text: this.held }]
  }
}

/** How many characters at the end of a text could be the beginning of the tag. */
function longestStart(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length
  return 0
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => (typeof part === 'string' ? part : typeof part?.text === 'string' ? part.text : ''))
    .join('')
}

/** JSON where it is JSON; the text itself where it is not, which whoever runs the tool then refuses. */
function parsed(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function readTokens(usage: Record<string, unknown>): ChatOutput['tokens'] {
  const count = (value: unknown) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
  const member = (holder: unknown, key: string) => count((holder as Record<string, unknown> | null | undefined)?.[key])
  const tokens = {
    input: count(usage.prompt_tokens),
    output: count(usage.completion_tokens),
    cachedInput: member(usage.prompt_tokens_details, 'cached_tokens'),
    reasoning: member(usage.completion_tokens_details, 'reasoning_tokens'),
  }
  return Object.fromEntries(Object.entries(tokens).filter(([, value]) => value !== undefined))
}

export function errorText(error: unknown): string {
  if (typeof error === 'string') return error
  const message = (error as { message?: unknown } | null)?.message
  return typeof message === 'string' ? message : JSON.stringify(error)
}
