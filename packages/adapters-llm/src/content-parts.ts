import type { AssistantPart, ChatOutput, ChatPart, Final, RunResult } from '@dinrail/core'

/** The parts of a stream for an answer that comes whole, and the answer as its final. */
export async function* inParts(
  answer: () => Promise<RunResult<ChatOutput>>,
): AsyncGenerator<ChatPart | Final<ChatOutput>> {
  const result = await answer()
  yield* contentParts(result.output.content)
  yield { final: true, ...result }
}

/** Texts word by word, calls as they are. */
function* contentParts(content: readonly AssistantPart[]): Generator<ChatPart> {
  for (const part of content)
    if (part.kind === 'tool-call') yield { kind: 'tool-call', call: part }
    else for (const text of part.text.match(/\s*\S+\s*$|\s*\S+|\s+/g) ?? []) yield { kind: `${part.kind}-delta`, text }
}
