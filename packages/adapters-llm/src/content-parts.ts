import type { AssistantPart, ChatPart } from '@dinrail/core'

/** The parts of a stream for an answer that is known whole: texts word by word, calls as they are. */
export function* contentParts(content: readonly AssistantPart[]): Generator<ChatPart> {
  for (const part of content)
    if (part.kind === 'tool-call') yield { kind: 'tool-call', call: part }
    else for (const text of part.text.match(/\s*\S+\s*$|\s*\S+|\s+/g) ?? []) yield { kind: `${part.kind}-delta`, text }
}
