import type { Model } from './model.ts'
import type { JsonSchema } from './vocabulary.ts'

/** A model that converses. Served, routed, guarded and carried like any other. */
export type ChatModel = Model<ChatInput, ChatOutput, ChatPart>

export interface ChatInput {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly ChatTool[] | undefined
  /** `auto` unless stated. */
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string } | undefined
  /** Asks for an answer that is JSON of this schema. */
  readonly responseSchema?: JsonSchema | undefined
  readonly temperature?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly stop?: readonly string[] | undefined
  readonly seed?: number | undefined
}

export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly content: readonly ToolResult[] }

export type AssistantPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | ToolCall

export interface ToolCall {
  readonly kind: 'tool-call'
  /** Unique within the conversation. */
  readonly callId: string
  readonly name: string
  /** Parsed JSON; the text as it came where it was not JSON, which the agent then refuses. */
  readonly arguments: unknown
}

export interface ToolResult {
  readonly kind: 'tool-result'
  readonly callId: string
  readonly name: string
  readonly outcome: 'ok' | 'fault'
  readonly result: unknown
}

export interface ChatTool {
  /** Letters, digits, `_` and `-`; at most 64, which every known server accepts. */
  readonly name: string
  readonly description: string
  readonly parameters: JsonSchema
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other'

export interface ChatOutput {
  readonly content: readonly AssistantPart[]
  readonly finishReason: FinishReason
  /** What the server calls the model that answered. */
  readonly answeredBy: string
  /** Absent members are unknown, never zero. */
  readonly tokens: {
    readonly input?: number | undefined
    readonly output?: number | undefined
    readonly cachedInput?: number | undefined
    readonly reasoning?: number | undefined
  }
}

/** What a stream gives before its final: deltas in order. */
export type ChatPart =
  | { readonly kind: 'text-delta'; readonly text: string }
  | { readonly kind: 'reasoning-delta'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly call: ToolCall }
