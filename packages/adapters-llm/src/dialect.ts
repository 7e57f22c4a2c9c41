import type { ChatInput, ChatMessage, ChatOutput, ChatPart, StructuredAnswer, Warning } from '@dinrail/core'
import type { ServerEvent } from './event-reader.ts'

/** How one protocol says a request and reads an answer. */
export interface Dialect {
  readonly url: string
  /** Those of the protocol, with the key. */
  readonly headers: Readonly<Record<string, string>>
  request(input: ChatInput, how: Asked): { readonly body: unknown; readonly warnings: readonly Warning[] }
  reader(input: ChatInput): AnswerReader
}

export interface Asked {
  readonly stream: boolean
  /** What is to make the model keep its `responseSchema`, where there is one. */
  readonly by: StructuredAnswer['by']
}

/** Puts one answer together from what the server sends. */
export interface AnswerReader {
  /** Throws the fault that a server hides in an answer, and `unavailable` for what was garbled. */
  take(event: ServerEvent): void
  /** What is new since it was last asked. */
  fresh(): ChatPart[]
  /** Whether the server said that nothing more comes. */
  isOver(): boolean
  /** The whole answer. Throws `unavailable` where the server stopped in the middle: a short answer is never taken for whole. */
  finish(): ChatOutput
  /** How many of the tokens that it read the server wrote to its cache, which costs more with some; where it says so. */
  cacheWrites?(): number | undefined
}

const inWords = new WeakMap<object, string>()

/** What a model is told where only words hold it to a schema. A schema is written out once, without the address of its language. */
export function schemaInWords(schema: object): string {
  const known = inWords.get(schema)
  if (known !== undefined) return known
  const text = JSON.stringify({ ...schema, $schema: undefined })
  const words = `When you answer, answer only with JSON of this JSON Schema, without any other text:\n${text}`
  inWords.set(schema, words)
  return words
}

/** Messages that tell the schema as well, in the first one of the system's: the templates of many models take no second one. */
export function tellingSchema(messages: readonly ChatMessage[], schema: object): readonly ChatMessage[] {
  const words = schemaInWords(schema)
  const [first, ...others] = messages
  return first?.role === 'system'
    ? [{ role: 'system', content: `${first.content}\n\n${words}` }, ...others]
    : [{ role: 'system', content: words }, ...messages]
}
