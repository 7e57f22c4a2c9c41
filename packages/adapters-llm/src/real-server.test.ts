import { readFileSync } from 'node:fs'
import { type ChatPart, type Fault, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { chatModel, type Recording, replay } from './index.ts'

// Made by `npx pnpm@12.21.0 run check:llm-server --record DIR` of llama-cpp-python 0.3.36 with SmolLM2-135M-Instruct.
const recorded = (name: string): Recording =>
  JSON.parse(readFileSync(new URL(`recordings/${name}.json`, import.meta.url), 'utf8'))
const bounds = { deadlineMs: 5_000 }
const says = (content: string, maxOutputTokens: number) => ({
  messages: [{ role: 'user' as const, content }],
  temperature: 0,
  maxOutputTokens,
})
const setSpeed = {
  name: 'set_speed',
  description: 'Sets the speed of a machine.',
  parameters: { type: 'object', properties: { speed: { type: 'number' } }, required: ['speed'] },
}
const state = {
  type: 'object',
  properties: { state: { enum: ['good', 'bad'] }, level: { type: 'integer' } },
  required: ['state', 'level'],
  additionalProperties: false,
}
const asking = (send: ReturnType<typeof replay>['send'], chat = {}) =>
  chatModel({ baseUrl: 'http://recorded.test/v1', model: 'local', retries: 0, send, chat })

describe('what a real llama-cpp-python sent', () => {
  it('is the same answer in one piece and in parts', async () => {
    using recording = replay(recorded('streamed-words'))
    const model = asking(recording.send)
    const whole = await invoke(model, says('Name three metals.', 24), bounds)
    const { output } = await stream(model, says('Name three metals.', 24), bounds).finish()
    expect(output.content).toEqual(whole.output.content)
    expect(whole.output.tokens.output).toBeGreaterThan(5)
    expect(output.tokens).toEqual({})
  })

  it('is one call, though each piece is said in the old form and in the new one', async () => {
    using recording = replay(recorded('streamed-call'))
    const parts: ChatPart[] = []
    const input = { ...says('Run the saw at 3 m/s.', 24), tools: [setSpeed], toolChoice: { name: 'set_speed' } }
    const answer = stream(asking(recording.send), input, bounds)
    for await (const part of answer) parts.push(part)
    expect((await answer.finish()).output).toMatchObject({
      content: [{ kind: 'tool-call', name: 'set_speed', arguments: { speed: 3 } }],
      finishReason: 'tool-calls',
    })
    expect(parts.filter(({ kind }) => kind === 'tool-call')).toHaveLength(1)
  })

  it('is a structured answer where the only tool is asked for by name', async () => {
    using recording = replay(recorded('answer-by-tool'))
    const model = asking(recording.send, { structuredOutput: 'tool-call' })
    const input = { ...says('The bearing screams. Judge it.', 60), responseSchema: state }
    const { output } = await invoke(model, input, bounds)
    expect(output.structured).toMatchObject({ by: 'tool-call', repaired: false, value: { state: 'good' } })
  })

  it('is a fault wherever it is cut off', async () => {
    const whole = recorded('streamed-call')
    const [exchange] = whole.exchanges
    const chunks = exchange!.response.chunks
    const input = { ...says('Run the saw at 3 m/s.', 24), tools: [setSpeed], toolChoice: { name: 'set_speed' } }
    for (let kept = 0; kept < chunks.length - 2; kept++) {
      const cut: Recording = {
        ...whole,
        exchanges: [{ ...exchange!, response: { ...exchange!.response, chunks: chunks.slice(0, kept) } }],
      }
      const end = await stream(asking(replay(cut).send), input, bounds)
        .finish()
        .catch((fault: Fault) => fault)
      expect(end, `after ${kept} chunks`).toMatchObject({ code: 'unavailable' })
    }
  })
})
