import type { Model } from './model.ts'
import type { JsonSchema } from './vocabulary.ts'

/** A model that converses. Served, routed, guarded and carried like any other. */
export type ChatModel = Model<ChatInput, ChatOutput, ChatPart>

export interface ChatInput {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly ChatTool[] | undefined
  /** `auto` unless stated. */
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string } | undefined
  /**
   * Asks for an answer that is JSON of this schema. Every such answer is held against it, and one that breaks it is a fault: after
   * one more request at most, and none once a part of it was given.
   */
  readonly responseSchema?: JsonSchema | undefined
  readonly temperature?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly stop?: readonly string[] | undefined
  readonly seed?: number | undefined
}

export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly UserPart[] }
  | { readonly role: 'assistant'; readonly content: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly content: readonly ToolResult[] }

/** What a user says or shows. Of the kinds that the model's card does not name, none is sent. */
export type UserPart =
  | { readonly kind: 'text'; readonly text: string }
  /** `data` is base64 (RFC 4648, section 4) of the file's bytes. */
  | { readonly kind: 'image'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'document'; readonly mediaType: string; readonly data: string; readonly name: string }

export type AssistantPart =
  | { readonly kind: 'text'; readonly text: string }
  /** `signature` is the server's own mark on it, which it wants back unchanged where a conversation goes on. */
  | { readonly kind: 'reasoning'; readonly text: string; readonly signature?: string | undefined }
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
  /** Of this answer alone. Absent members are unknown, never zero. */
  readonly tokens: {
    /** All that the model read, with what came from a cache. */
    readonly input?: number | undefined
    /** All that the model wrote, with its reasoning. */
    readonly output?: number | undefined
    readonly cachedInput?: number | undefined
    readonly reasoning?: number | undefined
  }
  /** Present where `responseSchema` asked for it and the model answered instead of calling tools. */
  readonly structured?: StructuredAnswer | undefined
}

/** An answer that keeps its `responseSchema`. */
export interface StructuredAnswer {
  readonly value: unknown
  /** What made the model keep to the schema: the server's own mode, a tool that it had to call, or words alone. */
  readonly by: 'native' | 'tool-call' | 'prompt'
  /** Whether a first answer broke the schema and was asked for again. */
  readonly repaired: boolean
}

/**
 * What a stream gives before its final, in the order of the answer. Deltas add up to the final's texts. A tool call is
 * announced, its arguments grow, and it comes whole exactly once; a model that gets it whole leaves the first two out.
 */
export type ChatPart =
  | { readonly kind: 'text-delta'; readonly text: string }
  | { readonly kind: 'reasoning-delta'; readonly text: string }
  | { readonly kind: 'tool-call-start'; readonly callId: string; readonly name: string }
  /** A piece of the arguments as the model writes them: JSON only once all pieces are there. */
  | { readonly kind: 'tool-call-delta'; readonly callId: string; readonly text: string }
  | { readonly kind: 'tool-call'; readonly call: ToolCall }
