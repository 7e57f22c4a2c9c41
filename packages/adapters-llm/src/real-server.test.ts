import { readFileSync } from 'node:fs'
import { type ChatPart, type Fault, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { chatModel, type Recording, replay } from './index.ts'
import { callsSetSpeed, judges, says } from './recorded-questions.test-support.ts'

// Made by `npx pnpm@12.21.0 run check:llm-server --record DIR` of llama-cpp-python 0.3.36 with SmolLM2-135M-Instruct.
const recorded = (name: string): Recording =>
  JSON.parse(readFileSync(new URL(`recordings/${name}.json`, import.meta.url), 'utf8'))
const bounds = { deadlineMs: 5_000 }
const asking = (send: ReturnType<typeof replay>['send'], chat = {}) =>
  chatModel({ baseUrl: 'http://recorded.test/v1', model: 'local', retries: 0, send, chat })

describe('what a real llama-cpp-python sent', () => {
  it('is the same answer in one piece and in parts', async () => {
    using recording = replay(recorded('streamed-words'))
    const model = asking(recording.send)
    const whole = await invoke(model, says('Name three metals.'), bounds)
    const { output } = await stream(model, says('Name three metals.'), bounds).finish()
    expect(output.content).toEqual(whole.output.content)
    expect(whole.output.tokens.output).toBeGreaterThan(5)
    expect(output.tokens).toEqual({})
  })

  it('is one call, though each piece is said in the old form and in the new one', async () => {
    using recording = replay(recorded('streamed-call'))
    const parts: ChatPart[] = []
    const answer = stream(asking(recording.send), callsSetSpeed, bounds)
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
    const { output } = await invoke(model, judges, bounds)
    expect(output.structured).toMatchObject({ by: 'tool-call', repaired: false, value: { state: 'good' } })
  })

  it('is a fault wherever it is cut off', async () => {
    const whole = recorded('streamed-call')
    const [exchange] = whole.exchanges
    const chunks = exchange!.response.chunks
    for (let kept = 0; kept < chunks.length - 2; kept++) {
      const cut: Recording = {
        ...whole,
        exchanges: [{ ...exchange!, response: { ...exchange!.response, chunks: chunks.slice(0, kept) } }],
      }
      const end = await stream(asking(replay(cut).send), callsSetSpeed, bounds)
        .finish()
        .catch((fault: Fault) => fault)
      expect(end, `after ${kept} chunks`).toMatchObject({ code: 'unavailable' })
    }
  })
})
