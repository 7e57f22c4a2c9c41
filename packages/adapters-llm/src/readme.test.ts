import { readFileSync } from 'node:fs'
import { fallback } from '@dinrail/collab'
import { type ChatModel, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { anthropicModel, chatModel, playbook } from './index.ts'
import { type Answers, chunk, completion, json, serverThat, streamOf } from './local-server.test-support.ts'
import { nodeSender } from './node.ts'

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')

/** What the README shows, as it stands there; each runs against a server that only has another address. */
const shown: Record<string, (at: (url: string) => string) => ChatModel> = {
  vllm: (at) => {
    // #region vllm
    const large = chatModel({ baseUrl: at('http://plant-gpu:8000/v1'), model: 'Qwen/Qwen3-32B', server: 'vllm' })
    // #endregion
    return large
  },
  ollama: (at) => {
    // #region ollama
    const large = chatModel({
      baseUrl: at('http://127.0.0.1:11434'),
      model: 'qwen3:8b',
      chat: { contextTokens: 8_192 },
    })
    // #endregion
    return large
  },
  anthropic: (at) => {
    // #region anthropic
    const large = anthropicModel({ model: 'claude-sonnet-4-5', cache: true, baseUrl: at('https://api.anthropic.com') })
    // #endregion
    return large
  },
  patience: (at) => {
    const rules = playbook({ rules: [{ name: 'stand in', when: () => true, do: () => ({ say: { level: 1 } }) }] })
    // #region patience
    const large = chatModel({
      baseUrl: at('http://plant-gpu:8000/v1'),
      model: 'Qwen/Qwen3-32B',
      server: 'vllm',
      timeouts: { firstChunkMs: 5_000, idleMs: 10_000, totalMs: 30_000 },
      retries: 1,
      quota: { requestsPerMinute: 60 },
    })
    const either = fallback([large, rules])
    // #endregion
    return either as ChatModel
  },
  money: (at) => {
    // #region money
    const prices = { 'gpt-5-mini': { currency: 'USD', input: 0.25, cachedInput: 0.025, output: 2 } } // a million tokens
    const large = chatModel({ baseUrl: at('https://api.openai.com/v1'), model: 'gpt-5-mini', prices })
    // #endregion
    return large
  },
  node: (at) => {
    const file = (name: string) => read(`../fixtures/tls/${name}`)
    // #region node
    const send = nodeSender({ ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') })
    const large = chatModel({ baseUrl: at('https://llm.plant:8443/v1'), model: 'qwen3', send })
    // #endregion
    return large
  },
}

const answers: Answers = (request, response, body) => {
  const asked = JSON.parse(body)
  if (request.url?.endsWith('/messages')) {
    const tool = { type: 'tool_use', id: 'a', name: 'give_answer', input: { level: 1 } }
    const content = asked.tools ? [tool] : [{ type: 'text', text: '{"level":1}' }]
    json({ type: 'message', model: 'm', content, stop_reason: 'end_turn' })(request, response, body)
  } else if (asked.stream) streamOf(chunk({ content: '{"level":1}' }, 'stop'))(request, response, body)
  else json(completion({ content: '{"level":1}' }))(request, response, body)
}

describe('the README', () => {
  it.each(Object.entries(shown))('shows a model that answers: %s', async (_, make) => {
    const server = await serverThat(answers)
    const large = make(() => server.url)
    // #region ask
    const { output, usage } = await invoke(
      large,
      {
        messages: [{ role: 'user', content: 'How bad is this bearing, from 0 to 1?' }],
        responseSchema: { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] },
      },
      { deadlineMs: 60_000 },
    )
    output.structured // { value: { level: 0.4 }, by: 'native', repaired: false }
    usage // each request: its outcome, how long it took, its tokens and what they cost
    // #endregion
    expect(output.structured?.value).toEqual({ level: 1 })
    expect(usage.length).toBeGreaterThan(0)
    const said: string[] = []
    const input = { messages: [{ role: 'user', content: 'hello' }] } as const
    if (large.stream !== undefined) {
      // #region stream
      const answer = stream(large, input, { deadlineMs: 60_000 })
      for await (const part of answer) if (part.kind === 'text-delta') said.push(part.text)
      const whole = await answer.finish() // the same reply that `invoke` gives, or a fault; never half an answer
      // #endregion
      expect(said.join('')).toBe(whole.output.content.map((part) => ('text' in part ? part.text : '')).join(''))
    }
  })

  it('shows only what stands here', () => {
    const here = [...read('./readme.test.ts').matchAll(/^( *)\/\/ #region \w+\n([\s\S]*?)\n *\/\/ #endregion$/gm)].map(
      ([, indent = '', code = '']) =>
        code
          .replaceAll(`\n${indent}`, '\n')
          .slice(indent.length)
          .replace(/at\('([^']+)'\)/g, "'$1'"),
    )
    const readme = read('../README.md')
    expect(here.length).toBe(8)
    for (const code of here) expect(readme).toContain(code)
  })
})
