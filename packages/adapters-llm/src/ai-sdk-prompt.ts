import type { AssistantPart, ChatInput, ChatMessage, StructuredAnswer, UserPart } from '@dinrail/core'
import { offered } from './answer-tool.ts'
import { tellingSchema } from './dialect.ts'
import { isObject } from './wire-json.ts'

/** The specification of a provider's model: what a file looks like in a prompt changed with the fourth. */
export type AiSdkVersion = 'v2' | 'v3' | 'v4'

/** The options of a call as every provider's model takes them. */
export function callOptions(
  input: ChatInput,
  version: AiSdkVersion,
  by: StructuredAnswer['by'],
  abortSignal: AbortSignal,
): Record<string, unknown> {
  const { messages, responseSchema, temperature, maxOutputTokens, stop, seed } = input
  const { tools, toolChoice } = offered(input, by)
  const inWords = responseSchema !== undefined && by === 'prompt'
  const told = inWords ? tellingSchema(messages, responseSchema) : messages
  return {
    prompt: told.map((message) => promptMessage(message, version)),
    abortSignal,
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, parameters }) => ({
        type: 'function',
        name,
        description,
        inputSchema: parameters,
      })),
      toolChoice:
        typeof toolChoice === 'object' ? { type: 'tool', toolName: toolChoice.name } : { type: toolChoice ?? 'auto' },
    }),
    ...(responseSchema && by === 'native' && { responseFormat: { type: 'json', schema: responseSchema } }),
    temperature,
    maxOutputTokens,
    stopSequences: stop,
    seed,
  }
}

function promptMessage(message: ChatMessage, version: AiSdkVersion): Record<string, unknown> {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content }
    case 'user': {
      const parts: readonly UserPart[] =
        typeof message.content === 'string' ? [{ kind: 'text', text: message.content }] : message.content
      return { role: 'user', content: parts.map((part) => userPart(part, version)) }
    }
    case 'assistant':
      return { role: 'assistant', content: message.content.flatMap(assistantPart) }
    case 'tool':
      return {
        role: 'tool',
        content: message.content.map(({ callId, name, outcome, result }) => ({
          type: 'tool-result',
          toolCallId: callId,
          toolName: name,
          output: { type: outcome === 'ok' ? 'json' : 'error-json', value: result ?? null },
        })),
      }
  }
}

function userPart(part: UserPart, version: AiSdkVersion): Record<string, unknown> {
  if (part.kind === 'text') return { type: 'text', text: part.text }
  return {
    type: 'file',
    mediaType: part.mediaType,
    data: version === 'v4' ? { type: 'data', data: part.data } : part.data,
    ...(part.kind === 'document' && { filename: part.name }),
  }
}

function assistantPart(part: AssistantPart): Record<string, unknown>[] {
  switch (part.kind) {
    case 'text':
      return [{ type: 'text', text: part.text }]
    case 'reasoning': {
      const providerOptions = markOf(part.signature)
      // Of what another model left as a mark alone there is nothing to say.
      if (providerOptions === undefined && part.text === '') return []
      return [{ type: 'reasoning', text: part.text, ...(providerOptions && { providerOptions }) }]
    }
    case 'tool-call':
      return [{ type: 'tool-call', toolCallId: part.callId, toolName: part.name, input: part.arguments ?? {} }]
  }
}

/** What a provider wants back; the signature of another model is none of this. */
function markOf(signature = ''): Record<string, unknown> | undefined {
  try {
    const mark: unknown = JSON.parse(signature)
    return isObject(mark) ? mark : undefined
  } catch {
    return undefined
  }
}
