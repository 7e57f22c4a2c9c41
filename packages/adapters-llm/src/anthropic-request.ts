import type { AssistantPart, ChatInput, ChatMessage, ChatTool, ToolResult, UserPart, Warning } from '@dinrail/core'
import { answerTool } from './answer-tool.ts'
import { decodedText, isPlainText } from './attached-file.ts'
import { type Asked, schemaInWords } from './dialect.ts'

type Json = Record<string, unknown>

/** What the server asks for in every request; the longest answer that all of its models can give. */
const usualOutputTokens = 4_096
/** Marks the reasoning that the server has encrypted: its signature is all there is of it. */
export const redactedMark = 'redacted:'

/** The body of a request for Anthropic Messages, and what of the input it cannot carry. */
export function anthropicRequest(
  input: ChatInput,
  model: string,
  { stream, by }: Asked,
  { cache, thinks }: { readonly cache: boolean; readonly thinks: boolean },
): { readonly body: Json; readonly warnings: Warning[] } {
  const { responseSchema, tools = [], toolChoice, temperature, maxOutputTokens, stop, seed } = input
  const asTool = responseSchema !== undefined && by === 'tool-call'
  const system = input.messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  if (responseSchema !== undefined && by === 'prompt') system.push(schemaInWords(responseSchema))
  const offered = tools.map(wireTool)
  if (asTool) offered.push({ name: answerTool, description: 'Gives the answer.', input_schema: responseSchema })
  const mark = cache ? { cache_control: { type: 'ephemeral' } } : {}
  const messages = wireMessages(input.messages)
  if (cache) Object.assign(messages.at(-1)!.content.at(-1)!, mark)
  // A model that thinks cannot be made to call a tool.
  const forced = asTool && toolChoice !== 'none' && !thinks
  return {
    body: {
      model,
      max_tokens: maxOutputTokens ?? usualOutputTokens,
      ...(system.length > 0 && { system: [{ type: 'text', text: system.join('\n\n'), ...mark }] }),
      messages,
      ...(stream && { stream: true }),
      ...(offered.length > 0 && { tools: offered }),
      ...(offered.length > 0 &&
        (forced || toolChoice !== undefined) && {
          tool_choice: forced ? { type: 'any' } : wireChoice(toolChoice!),
        }),
      ...(responseSchema !== undefined &&
        by === 'native' && { output_config: { format: { type: 'json_schema', schema: responseSchema } } }),
      ...(temperature !== undefined && { temperature }),
      ...(stop !== undefined && { stop_sequences: stop }),
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
    if (last?.role === role) last.content.push(...blocks)
    else if (blocks.length > 0) turns.push({ role, content: blocks })
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
      // Reasoning of another model, which carries no signature, is not believed.
      if (part.signature === undefined) return []
      return part.signature.startsWith(redactedMark)
        ? [{ type: 'redacted_thinking', data: part.signature.slice(redactedMark.length) }]
        : [{ type: 'thinking', thinking: part.text, signature: part.signature }]
    case 'tool-call': {
      const { callId, name, arguments: given } = part
      const input = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : { unreadable: given }
      return [{ type: 'tool_use', id: callId, name, input }]
    }
  }
}

function resultBlock({ callId, outcome, result }: ToolResult): Json {
  const content = JSON.stringify(result) ?? 'null'
  return { type: 'tool_result', tool_use_id: callId, content, ...(outcome === 'fault' && { is_error: true }) }
}
