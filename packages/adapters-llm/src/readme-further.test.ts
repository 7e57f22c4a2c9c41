import { readFileSync } from 'node:fs'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Fault, invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { chatModel, embeddingModel, fromAiSdk, playbook, record, replay, rerankModel, scriptedModel } from './index.ts'
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

  it('shows what else a model may be told', async () => {
    const server = await serverThat(json(completion({ content: 'hi' })))
    const at = (_: string) => new URL(server.url).origin
    const token = 'plant-token-77'
    // #region options
    const large = chatModel({
      baseUrl: at('https://works.openai.azure.com'),
      apiVersion: '2024-10-21', // of Azure; of anthropicModel too
      model: 'mill-gpt',
      key,
      headers: { 'x-gateway-token': token },
      extra: { reasoning_effort: 'low' },
      id: 'works/mill-gpt', // on the rail; made of the model's name unless stated, as are version and title
      version: '2.0.0',
      title: 'The mill’s own',
      longestAnswer: 1_000_000, // bytes; 32 MiB unless stated
    })
    // #endregion
    const { servedBy } = await invoke(large, hello, bounds)
    expect(servedBy).toMatchObject([{ id: 'works/mill-gpt', version: '2.0.0' }])
    expect(server.asked[0]?.headers).toMatchObject({ 'x-gateway-token': token, authorization: `Bearer ${key}` })
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({ reasoning_effort: 'low' })
  })

  it('shows how documents are ordered', async () => {
    const results = [
      { index: 0, relevance_score: 0.41 },
      { index: 1, relevance_score: 0.93 },
    ]
    const server = await serverThat(json({ results }))
    const at = (_: string) => server.url
    const documents = ['Oil the chain.', 'A dry bearing runs hot.', 'Paint it.']
    // #region rerank
    const reranker = rerankModel({ baseUrl: at('http://127.0.0.1:8080/v1'), model: 'bge-reranker-v2-m3' })
    const best = await invoke(reranker, { query: 'Why is it hot?', documents, top: 2 }, { deadlineMs: 5_000 })
    best.output.ranking // [{ index: 7, score: 0.93 }, { index: 2, score: 0.41 }]: places in `documents`
    // #endregion
    expect(best.output.ranking.map(({ index }) => index)).toEqual([1, 0])
  })

  it('shows rules and a script', async () => {
    // #region rules
    const rules = playbook({
      rules: [
        {
          name: 'look',
          when: ({ resultsOf }) => resultsOf('gauge').length === 0,
          do: ({ request }) => ({ call: [{ name: 'gauge', arguments: request }] }),
        },
        { name: 'tell', when: () => true, do: ({ resultsOf }) => ({ say: { level: resultsOf('gauge')[0]?.result } }) },
      ],
    })
    // #endregion
    expect((await invoke(rules, hello, bounds)).output.content).toMatchObject([{ name: 'gauge', arguments: 'hello' }])
    // #region script
    using scripted = scriptedModel([
      [{ kind: 'tool-call', callId: 'a', name: 'gauge', arguments: {} }],
      new Fault('overloaded', 'try again'),
      ({ messages }) => [{ kind: 'text', text: `after ${messages.length} messages` }],
    ])
    // #endregion
    expect((await invoke(scripted, hello, bounds)).output.finishReason).toBe('tool-calls')
    await expect(invoke(scripted, hello, bounds)).rejects.toMatchObject({ code: 'overloaded' })
    expect((await invoke(scripted, hello, bounds)).output.content).toEqual([{ kind: 'text', text: 'after 1 messages' }])
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
    expect(here).toHaveLength(9)
    for (const code of here) expect(readme).toContain(code)
  })
})
