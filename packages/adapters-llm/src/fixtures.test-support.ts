import { readdirSync, readFileSync } from 'node:fs'
import {
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  type Fault,
  type Reply,
  stream,
} from '@dinrail/core'
import { anthropicModel, chatModel, type HttpResponse, type Sender, type Timeouts } from './index.ts'

const folder = new URL('../fixtures/', import.meta.url)

/** What a server really sends, and what it means. */
export interface Fixture {
  readonly protocol: 'completions' | 'anthropic'
  readonly name: string
  readonly bytes: Uint8Array
  readonly expected: {
    readonly about: string
    /** Call ids of earlier turns. */
    readonly earlier?: readonly string[]
    readonly fault?: { readonly code: string; readonly message: string }
  } & Partial<ChatOutput>
}

export const fixtures: readonly Fixture[] = (['completions', 'anthropic'] as const).flatMap((protocol) =>
  readdirSync(new URL(`${protocol}/`, folder))
    .filter((file) => file.endsWith('.sse'))
    .map((file) => {
      const name = file.replace(/\.sse$/, '')
      const at = (ending: string) => new URL(`${protocol}/${name}${ending}`, folder)
      return {
        protocol,
        name,
        bytes: new Uint8Array(readFileSync(at('.sse'))),
        expected: JSON.parse(readFileSync(at('.expected.json'), 'utf8')),
      }
    }),
)

/** What stands at the end of the pieces: the end of the body, a broken connection, or nothing for ever. */
export type Ending = 'end' | 'break' | 'stall'

/** A server that sends these pieces. */
export function sending(pieces: readonly Uint8Array[], ending: Ending = 'end', type = 'text/event-stream'): Sender {
  return async () => {
    let next = 0
    const response: HttpResponse = {
      status: 200,
      header: (name) => (name === 'content-type' ? type : undefined),
      async read() {
        const bytes = pieces[next++]
        if (bytes !== undefined || ending === 'end') return bytes
        if (ending === 'break') throw new Error('socket hang up')
        return new Promise(() => {})
      },
      close() {},
    }
    return response
  }
}

export function modelOf({ protocol }: Pick<Fixture, 'protocol'>, send: Sender, timeouts: Timeouts = {}): ChatModel {
  const options = { baseUrl: 'http://127.0.0.1:1/v1', model: 'asked-for', send, retries: 0, timeouts }
  return protocol === 'anthropic' ? anthropicModel(options) : chatModel(options)
}

/** A conversation whose earlier turns have used these call ids. */
export function conversation(earlier: readonly string[] = []): ChatInput {
  const calls = earlier.map((callId) => ({ kind: 'tool-call', callId, name: 'speed', arguments: {} }) as const)
  return {
    messages: [
      { role: 'user', content: 'hello' },
      ...(calls.length > 0 ? [{ role: 'assistant', content: calls } as const] : []),
    ],
  }
}

export interface Read {
  readonly parts: readonly ChatPart[]
  readonly reply?: Reply<ChatOutput>
  readonly fault?: Fault
}

/** Reads an answer to its end, which is a reply or a fault, once. */
export async function readAnswer(model: ChatModel, input: ChatInput, deadlineMs = 20_000): Promise<Read> {
  const parts: ChatPart[] = []
  const answer = stream(model, input, { deadlineMs })
  try {
    for await (const part of answer) parts.push(part)
    return { parts, reply: await answer.finish() }
  } catch (fault) {
    return { parts, fault: fault as Fault }
  }
}

/** Parts as they are however they were cut: neighbouring deltas of one kind as one. */
export function mergedParts(parts: readonly ChatPart[]): ChatPart[] {
  const merged: ChatPart[] = []
  for (const part of parts) {
    const last = merged.at(-1)
    const sameCall = !('callId' in part) || (last !== undefined && 'callId' in last && last.callId === part.callId)
    if ('text' in part && last !== undefined && 'text' in last && last.kind === part.kind && sameCall)
      merged[merged.length - 1] = { ...last, text: last.text + part.text }
    else merged.push(part)
  }
  return merged
}
