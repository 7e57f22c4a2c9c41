import type { ChatInput, ChatMessage, JsonSchema, UserPart } from '@dinrail/core'
import { offered } from './answer-tool.ts'
import { dataUrl, decodedText, isPlainText } from './attached-file.ts'
import { type Asked, tellingSchema } from './dialect.ts'
import type { Server } from './servers.ts'
import { wireId } from './wire-id.ts'

type Json = Record<string, unknown>

/** The body of a chat-completions request; what is undefined in it is not sent. */
export function completionRequest(input: ChatInput, model: string, server: Server, { stream, by }: Asked): Json {
  const { responseSchema, temperature, maxOutputTokens, stop, seed } = input
  const inWords = responseSchema !== undefined && by === 'prompt'
  const messages: Json[] = []
  for (const message of inWords ? tellingSchema(input.messages, responseSchema) : input.messages)
    addMessages(message, server, messages)
  const { tools, toolChoice } = offered(input, by)
  return {
    model,
    messages,
    ...(stream && { stream, stream_options: server.noStreamOptions ? undefined : { include_usage: true } }),
    ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(toolChoice !== undefined && tools.length > 0 && { tool_choice: wireChoice(toolChoice, server) }),
    ...(responseSchema !== undefined && by === 'native' && { response_format: schemaFormat(responseSchema) }),
    // Held to JSON it could not call a tool any more.
    ...(inWords && server.jsonMode === true && tools.length === 0 && { response_format: { type: 'json_object' } }),
    temperature,
    [server.outputLimit ?? 'max_tokens']: maxOutputTokens,
    stop,
    [server.seed ?? 'seed']: seed,
  }
}

function wireChoice(choice: NonNullable<ChatInput['toolChoice']>, { anyTool }: Server): unknown {
  if (choice === 'required') return anyTool ?? choice
  return typeof choice === 'string' ? choice : { type: 'function', function: choice }
}

function schemaFormat(schema: JsonSchema): Json {
  const json_schema = { name: 'answer', schema, ...(isStrict(schema) && { strict: true }) }
  return { type: 'json_schema', json_schema }
}

/** Whether a schema can be enforced to the letter: every object closed, and all of its members required. */
function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict)
  if (typeof schema !== 'object' || schema === null) return true
  const { type, properties, required, additionalProperties } = schema as Json
  if (type === 'object' || properties !== undefined) {
    const names = Object.keys((properties as object | undefined) ?? {})
    const all = Array.isArray(required) && names.every((name) => required.includes(name))
    if (additionalProperties !== false || !all) return false
  }
  return Object.values(schema).every(isStrict)
}

function addMessages(message: ChatMessage, server: Server, messages: Json[]): void {
  switch (message.role) {
    case 'system':
      messages.push({ role: 'system', content: message.content })
      break
    case 'user':
      messages.push({ role: 'user', content: userContent(message.content) })
      break
    case 'assistant':
      messages.push(assistantMessage(message.content, server))
      break
    case 'tool':
      for (const { callId, result } of message.content)
        messages.push({ role: 'tool', tool_call_id: idAt(server, callId), content: JSON.stringify(result) ?? 'null' })
  }
}

function userContent(content: string | readonly UserPart[]): unknown {
  if (typeof content === 'string') return content
  return content.map(userPart)
}

function userPart(part: UserPart): Json {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image_url', image_url: { url: dataUrl(part) } }
    case 'document':
      return isPlainText(part.mediaType)
        ? { type: 'text', text: `${part.name}:\n${decodedText(part.data)}` }
        : { type: 'file', file: { filename: part.name, file_data: dataUrl(part) } }
  }
}

function assistantMessage(content: Extract<ChatMessage, { role: 'assistant' }>['content'], server: Server): Json {
  let text = ''
  let reasoning = ''
  const calls: Json[] = []
  for (const part of content)
    if (part.kind === 'text') text += part.text
    else if (part.kind === 'reasoning') reasoning += part.text
    else
      calls.push({
        id: idAt(server, part.callId),
        type: 'function',
        function: {
          name: part.name,
          arguments: typeof part.arguments === 'string' ? part.arguments : (JSON.stringify(part.arguments) ?? '{}'),
        },
      })
  const wire: Json = { role: 'assistant', content: text === '' && calls.length > 0 ? null : text }
  if (server.reasoningBack === true && reasoning !== '' && calls.length > 0) wire.reasoning_content = reasoning
  if (calls.length > 0) wire.tool_calls = calls
  return wire
}

function idAt({ shortCallIds }: Server, callId: string): string {
  return shortCallIds === true ? wireId(callId, /^[A-Za-z0-9]{9}$/) : callId
}
