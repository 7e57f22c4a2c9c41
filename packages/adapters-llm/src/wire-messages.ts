import type { ChatInput, ChatMessage } from '@dinrail/core'

/** The body of a chat-completions request. `prompted` asks for the schema in words, where the server has no mode for it. */
export function requestBody(
  input: ChatInput,
  model: string,
  stream: boolean,
  prompted: boolean,
): Record<string, unknown> {
  const { responseSchema, tools, toolChoice, temperature, maxOutputTokens, stop, seed } = input
  const messages = input.messages.flatMap(wireMessages)
  if (responseSchema !== undefined && prompted)
    messages.unshift({
      role: 'system',
      content: `When you answer, answer only with JSON of this JSON Schema, without any other text:\n${JSON.stringify(responseSchema)}`,
    })
  return {
    model,
    messages,
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...(tools && tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(toolChoice !== undefined && {
      tool_choice: typeof toolChoice === 'string' ? toolChoice : { type: 'function', function: toolChoice },
    }),
    ...(responseSchema &&
      !prompted && {
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: responseSchema } },
      }),
    ...(temperature !== undefined && { temperature }),
    ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    ...(stop !== undefined && { stop }),
    ...(seed !== undefined && { seed }),
  }
}

function wireMessages(message: ChatMessage): Record<string, unknown>[] {
  switch (message.role) {
    case 'system':
    case 'user':
      return [{ role: message.role, content: message.content }]
    case 'assistant': {
      const text = message.content.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('')
      const calls = message.content.flatMap((part) =>
        part.kind === 'tool-call'
          ? [
              {
                id: part.callId,
                type: 'function',
                function: {
                  name: part.name,
                  arguments: typeof part.arguments === 'string' ? part.arguments : JSON.stringify(part.arguments),
                },
              },
            ]
          : [],
      )
      return [
        {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          ...(calls.length > 0 && { tool_calls: calls }),
        },
      ]
    }
    case 'tool':
      return message.content.map(({ callId, result }) => ({
        role: 'tool',
        tool_call_id: callId,
        content: JSON.stringify(result),
      }))
  }
}
