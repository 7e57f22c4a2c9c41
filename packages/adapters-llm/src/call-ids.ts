import type { ChatInput } from '@dinrail/core'

/** The ids of the calls so far: servers use them again, the contract does not. */
export function callIds({ messages }: ChatInput): Set<string> {
  const ids = new Set<string>()
  for (const message of messages)
    if (message.role === 'assistant')
      for (const part of message.content) if (part.kind === 'tool-call') ids.add(part.callId)
  return ids
}

/** The id as the server says it, or where it says none or one that is used, another; it is used from then on. */
export function unusedId(id: string, used: Set<string>): string {
  let callId = id || `call-${used.size + 1}`
  // In leaps, since a server may say the same id thousands of times.
  for (let n = 2; used.has(callId); n += used.size) callId = `${id || 'call'}-${n}`
  used.add(callId)
  return callId
}
