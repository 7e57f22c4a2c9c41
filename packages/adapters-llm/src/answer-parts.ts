import {
  type AssistantPart,
  type ChatInput,
  type ChatOutput,
  type ChatPart,
  Fault,
  parseJson,
  type ToolCall,
} from '@dinrail/core'
import { callIds, unusedId } from './call-ids.ts'

type Spoken = 'text' | 'reasoning'
interface Piece {
  kind: Spoken
  text: string
  signature?: string
}

/** A tool call as it grows. */
export interface GrowingCall {
  /** Where the server says that it stands; anything, also nothing. */
  index: unknown
  /** As the server calls it; empty where it does not. */
  id: string
  name: string
  text: string
  /** Given once it is announced, and kept from then on. */
  callId?: string
  /** What of `text` has not gone out: looking for it in a text that grows would cost ever more. */
  unsent: string
}

/** Puts an answer together and says what is new in it, whatever protocol it came by. */
export class AnswerParts {
  readonly calls: GrowingCall[] = []
  /** What is new since it was last taken. Neighbouring deltas of one kind are one delta. */
  private fresh: ChatPart[] = []
  private readonly pieces: Piece[] = []
  private used: Set<string> | undefined
  /** The first half of a surrogate pair whose second half is still to come. */
  private half = ''
  /** What comes next is a piece of its own, also where it is of the same kind. */
  private apart = false

  constructor(private readonly input: ChatInput) {}

  takeFresh(): ChatPart[] {
    const { fresh } = this
    if (fresh.length > 0) this.fresh = []
    return fresh
  }

  say(kind: Spoken, said: string): void {
    let text = said
    if (this.half !== '') {
      text = this.half + said
      this.half = ''
    }
    const last = text.charCodeAt(text.length - 1)
    if (last >= 0xd800 && last <= 0xdbff) {
      this.half = text.slice(-1)
      text = text.slice(0, -1)
    }
    if (text === '') return
    const piece = this.pieces.at(-1)
    // What is signed is over.
    if (piece?.kind === kind && piece.signature === undefined && !this.apart) piece.text += text
    else this.begin({ kind, text })
    const part = this.fresh.at(-1)
    const delta = `${kind}-delta` as const
    if (part?.kind === delta) this.fresh[this.fresh.length - 1] = { kind: delta, text: part.text + text }
    else this.fresh.push({ kind: delta, text })
  }

  /** A block of reasoning begins, whose mark must not be taken for a part of the one before. */
  beginReasoning(): void {
    this.apart = true
  }

  /** A piece of the server's mark on the reasoning that was just given. */
  sign(signature: string): void {
    const piece = this.pieces.at(-1)
    if (piece?.kind === 'reasoning' && !this.apart) piece.signature = (piece.signature ?? '') + signature
    else this.mark(signature)
  }

  /** Reasoning of which there is nothing but its mark. */
  mark(signature: string): void {
    this.begin({ kind: 'reasoning', text: '', signature })
  }

  private begin(piece: Piece): void {
    this.apart = false
    this.pieces.push(piece)
  }

  beginCall(index: unknown, id: string): GrowingCall {
    const call: GrowingCall = { index, id, name: '', text: '', unsent: '' }
    this.calls.push(call)
    return call
  }

  /** Takes a piece of a call's arguments, where it is one. Announces the call as soon as its name is known, and gives what is new of it. */
  growCall(call: GrowingCall, piece: unknown): void {
    if (typeof piece === 'string') {
      call.text += piece
      call.unsent += piece
    }
    if (call.name === '') return
    if (call.callId === undefined) {
      call.callId = this.newId(call.id)
      this.fresh.push({ kind: 'tool-call-start', callId: call.callId, name: call.name })
    }
    const text = call.unsent
    if (text === '') return
    call.unsent = ''
    const part = this.fresh.at(-1)
    if (part?.kind === 'tool-call-delta' && part.callId === call.callId)
      this.fresh[this.fresh.length - 1] = { ...part, text: part.text + text }
    else this.fresh.push({ kind: 'tool-call-delta', callId: call.callId, text })
  }

  /**
   * The whole answer; the calls come whole with it. Where it was cut off before its last call had any arguments, they are
   * unknown, and not none. Throws `unavailable` for text that was garbled on its way.
   */
  finish(wasCut: boolean): ChatOutput['content'] {
    const last = wasCut ? this.calls.at(-1) : undefined
    const calls = this.calls.map((call): ToolCall => {
      if (call.name === '') throw new Fault('unavailable', 'the server sent a tool call without a name')
      const { callId = this.newId(call.id), name, text } = call
      return { kind: 'tool-call', callId, name, arguments: call === last && text === '' ? '' : argumentsOf(text) }
    })
    for (const call of calls) this.fresh.push({ kind: 'tool-call', call })
    const content: AssistantPart[] = [...this.pieces, ...calls]
    if (this.half !== '' || this.pieces.some(({ text }) => !text.isWellFormed()))
      throw new Fault('unavailable', 'the server sent half a surrogate pair')
    return content
  }

  private newId(id: string): string {
    this.used ??= callIds(this.input)
    return unusedId(id, this.used)
  }
}

/** JSON where it is JSON that anybody may read (clause 2.4); the text itself where it is not, which whoever runs the tool then refuses. */
export function argumentsOf(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return parseJson(text)
  } catch {
    return text
  }
}
