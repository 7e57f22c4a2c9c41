import { readFileSync } from 'node:fs'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { chatModel, embeddingModel, fromAiSdk, record, replay } from './index.ts'
import { localChat } from './local.ts'
import { canRun, gguf, localEngine, missing } from './local-model.test-support.ts'
import { completion, json, serverThat } from './local-server.test-support.ts'

const hello = { messages: [{ role: 'user' as const, content: 'hello' }], maxOutputTokens: 2 }
const bounds = { deadlineMs: 50_000 }
const key = 'sk-very-secret'

describe('the README on what needs no server of its own', () => {
  it('shows how exchanges are recorded and replayed', async () => {
    const server = await serverThat(json(completion({ content: 'hi' })))
    const baseUrl = server.url
    const model = 'tiny'
    // #region record
    const recorder = record()
    const live = chatModel({ baseUrl, model, key, send: recorder.send })
    // #endregion
    const { output } = await invoke(live, hello, bounds)
    const recording = JSON.parse(JSON.stringify(recorder.recording()))
    // #region replay
    using replaying = replay(recording)
    const again = chatModel({ baseUrl, model, send: replaying.send })
    // #endregion
    expect((await invoke(again, hello, bounds)).output).toEqual(output)
  })

  it('shows how a provider of the AI SDK becomes a model', async () => {
    const server = await serverThat(json(completion({ content: 'hi' })))
    const provider = createOpenAICompatible({ name: 'plant', baseURL: server.url, apiKey: key })
    // #region sdk
    const large = fromAiSdk(provider('a-model'), { secrets: [key] })
    // #endregion
    expect((await invoke(large, hello, bounds)).output.content).toEqual([{ kind: 'text', text: 'hi' }])
  })

  it('shows how texts become points', async () => {
    const server = await serverThat(json({ data: [{ embedding: Array(1_024).fill(1) }] }))
    const at = (_: string) => server.url
    // #region embed
    const embedding = embeddingModel({ baseUrl: at('http://127.0.0.1:8080/v1'), model: 'bge-m3', dimensions: 1_024 })
    const { output } = await invoke(embedding, { texts: ['The bearing is hot.'] }, { deadlineMs: 5_000 })
    output.embeddings // a float32 tensor [1, 1024], each row of length 1
    // #endregion
    expect(output.embeddings.shape).toEqual([1, 1_024])
    expect(Math.hypot(...output.embeddings.data)).toBeCloseTo(1)
  })

  it.skipIf(!canRun)(`shows a model in this process (skipped where ${missing ?? 'something is missing'})`, async () => {
    const engine = await localEngine()
    // #region local
    const large = await localChat({ gguf, engine, contextTokens: 8_192 })
    // #endregion
    expect((await invoke(large, hello, bounds)).output.tokens.output).toBe(2)
    await large.dispose()
  })

  it('shows only what stands here', () => {
    const source = readFileSync(new URL(import.meta.url), 'utf8')
    const here = [...source.matchAll(/^( *)\/\/ #region \w+\n([\s\S]*?)\n *\/\/ #endregion$/gm)].map(
      ([, indent = '', code = '']) =>
        code
          .replaceAll(`\n${indent}`, '\n')
          .slice(indent.length)
          .replace(/at\('([^']+)'\)/g, "'$1'"),
    )
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(here).toHaveLength(5)
    for (const code of here) expect(readme).toContain(code)
  })
})
