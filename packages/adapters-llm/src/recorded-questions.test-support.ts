import type { ChatInput } from '@dinrail/core'

// What `scripts/check-llm-server.ts` asks a real server, and the recordings that it made are replayed with.

export const says = (content: string, more: Partial<ChatInput> = {}): ChatInput => ({
  messages: [{ role: 'user', content }],
  temperature: 0,
  maxOutputTokens: 24,
  ...more,
})

const setSpeed = {
  name: 'set_speed',
  description: 'Sets the speed of a machine.',
  parameters: { type: 'object', properties: { speed: { type: 'number' } }, required: ['speed'] },
}
export const callsSetSpeed = says('Run the saw at 3 m/s.', { tools: [setSpeed], toolChoice: { name: 'set_speed' } })
export const judges = says('The bearing screams. Judge it.', {
  responseSchema: {
    type: 'object',
    properties: { state: { enum: ['good', 'bad'] }, level: { type: 'integer' } },
    required: ['state', 'level'],
    additionalProperties: false,
  },
  maxOutputTokens: 60,
})
