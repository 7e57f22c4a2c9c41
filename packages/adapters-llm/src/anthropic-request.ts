import type { AssistantPart, ChatInput, ChatMessage, ChatTool, ToolResult, UserPart, Warning } from '@dinrail/core'
import { offered } from './answer-tool.ts'
import { decodedText, isPlainText } from './attached-file.ts'
import { type Asked, schemaInWords } from './dialect.ts'
import { wireId } from './wire-id.ts'

type Json = Record<string, unknown>

/** What of `extra.thinking` decides how a request is made. */
export interface Thinking {
  readonly type?: unknown
  readonly budget_tokens?: unknown
}

/** What the server asks for in every request; the longest answer that all of its models can give. */
const usualOutputTokens = 4_096
/** Marks the reasoning that the server has encrypted: its signature is all there is of it. */
export const redactedMark = 'redacted:'

/** The body of a request for Anthropic Messages, and what of the input it cannot carry. */
export function anthropicRequest(
  input: ChatInput,
  model: string,
  { stream, by }: Asked,
  { cache, thinking = {} }: { readonly cache: boolean; readonly thinking?: Thinking | undefined },
): { readonly body: Json; readonly warnings: Warning[] } {
  const { responseSchema, temperature, maxOutputTokens, stop, seed } = input
  const system = input.messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  if (responseSchema !== undefined && by === 'prompt') system.push(schemaInWords(responseSchema))
  const thinks = thinking.type !== undefined && thinking.type !== 'disabled'
  const { tools, toolChoice } = offered(input, by)
  // A model that thinks cannot be made to call a tool.
  const choice = thinks ? input.toolChoice : toolChoice
  const mark = cache ? { cache_control: { type: 'ephemeral' } } : {}
  const messages = wireMessages(input.messages)
  if (cache) Object.assign(messages.at(-1)!.content.at(-1)!, mark)
  return {
    body: {
      model,
      max_tokens: maxOutputTokens ?? usualOutputTokens + (Number(thinking.budget_tokens) || 0),
      ...(system.length > 0 && { system: [{ type: 'text', text: system.join('\n\n'), ...mark }] }),
      messages,
      ...(stream && { stream: true }),
      ...(tools.length > 0 && { tools: tools.map(wireTool) }),
      ...(tools.length > 0 && choice !== undefined && { tool_choice: wireChoice(choice) }),
      ...(responseSchema !== undefined &&
        by === 'native' && { output_config: { format: { type: 'json_schema', schema: responseSchema } } }),
      temperature,
      stop_sequences: stop,
    },
    warnings:
      seed === undefined
        ? []
        : [{ code: 'setting-ignored', message: 'Anthropic Messages knows no seed', field: '/input/seed' }],
  }
}

function wireTool({ name, description, parameters }: ChatTool): Json {
  // Every schema of a tool must say that it is an object.
  return { name, description, input_schema: { type: 'object', ...parameters } }
}

function wireChoice(choice: NonNullable<ChatInput['toolChoice']>): Json {
  if (choice === 'required') return { type: 'any' }
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', name: choice.name }
}

interface WireMessage {
  readonly role: 'user' | 'assistant'
  readonly content: Json[]
}

/** Turns alternate, and results stand first in the turn after their calls: messages of one side become one. */
function wireMessages(messages: readonly ChatMessage[]): WireMessage[] {
  const turns: WireMessage[] = []
  for (const message of messages) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(message)
    const last = turns.at(-1)
    if (last?.role === role) {
      const results = last.content.filter(({ type }) => type === 'tool_result').length
      last.content.splice(message.role === 'tool' ? results : last.content.length, 0, ...blocks)
    } else if (blocks.length > 0) turns.push({ role, content: blocks })
  }
  // A conversation of system messages alone still needs somebody who asks.
  return turns.length > 0 ? turns : [{ role: 'user', content: [{ type: 'text', text: 'Begin.' }] }]
}

function blocksOf(message: Exclude<ChatMessage, { role: 'system' }>): Json[] {
  switch (message.role) {
    case 'user':
      return typeof message.content === 'string'
        ? [{ type: 'text', text: message.content }]
        : message.content.map(userBlock)
    case 'assistant':
      return message.content.flatMap(assistantBlock)
    case 'tool':
      return message.content.map(resultBlock)
  }
}

function userBlock(part: UserPart): Json {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.data } }
    case 'document': {
      const source = isPlainText(part.mediaType)
        ? { type: 'text', media_type: 'text/plain', data: decodedText(part.data) }
        : { type: 'base64', media_type: part.mediaType, data: part.data }
      return { type: 'document', title: part.name, source }
    }
  }
}

function assistantBlock(part: AssistantPart): Json[] {
  switch (part.kind) {
    case 'text':
      // The server refuses a text without a sign in it.
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }]
    case 'reasoning':
      // Reasoning of another model is not believed: it carries no signature, or what a provider of the AI SDK says in JSON.
      if (part.signature === undefined || part.signature.startsWith('{')) return []
      return part.signature.startsWith(redactedMark)
        ? [{ type: 'redacted_thinking', data: part.signature.slice(redactedMark.length) }]
        : [{ type: 'thinking', thinking: part.text, signature: part.signature }]
    case 'tool-call': {
      const { callId, name, arguments: given } = part
      const input = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : { unreadable: given }
      return [{ type: 'tool_use', id: idOf(callId), name, input }]
    }
  }
}

function resultBlock({ callId, outcome, result }: ToolResult): Json {
  const content = JSON.stringify(result) ?? 'null'
  return { type: 'tool_result', tool_use_id: idOf(callId), content, ...(outcome === 'fault' && { is_error: true }) }
}

function idOf(callId: string): string {
  return wireId(callId, /^[A-Za-z0-9_-]{1,64}$/)
}
