import { type ChatInput, type ChatModel, type ChatPart, invoke, stream } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { playbook, scriptedModel } from './index.ts'

const bounds = { deadlineMs: 1_000 }
const hello: ChatInput = { messages: [{ role: 'user', content: '{"tank":3}' }] }
const call = { kind: 'tool-call', callId: 'a', name: 'gauge', arguments: { tank: 3 } } as const

async function streamed(model: ChatModel) {
  const parts: ChatPart[] = []
  const answer = stream(model, hello, bounds)
  for await (const part of answer) parts.push(part)
  return { parts, ...(await answer.finish()) }
}
const textOf = (parts: readonly ChatPart[]) =>
  parts.map((part) => (part.kind === 'text-delta' ? part.text : '')).join('')

describe('a scripted model', () => {
  it('streams a step in parts that add up to it', async () => {
    using model = scriptedModel([[{ kind: 'text', text: ' two  words\n' }, call]])
    const { parts, output } = await streamed(model)
    expect(textOf(parts)).toBe(' two  words\n')
    expect(parts.length).toBe(3)
    expect(parts.at(-1)).toEqual({ kind: 'tool-call', call })
    expect(output.content).toEqual([{ kind: 'text', text: ' two  words\n' }, call])
  })

  it('fails at the end of its block for a step that was never asked for', async () => {
    const forgetful = async () => {
      using model = scriptedModel([[{ kind: 'text', text: 'one' }], () => [{ kind: 'text', text: 'two' }]])
      await invoke(model, hello, bounds)
    }
    await expect(forgetful()).rejects.toThrow(/1 of 2 scripted steps were never asked for/)
  })

  it('faults where it is asked for more than its script has', async () => {
    await expect(invoke(scriptedModel([]), hello, bounds)).rejects.toMatchObject({ message: /one more/ })
  })
})

describe('a playbook', () => {
  const rules = playbook({
    rules: [
      {
        name: 'look',
        when: ({ calls }) => calls.length === 0,
        do: ({ request }) => ({ call: [{ name: 'gauge', arguments: request }] }),
      },
      {
        name: 'tell',
        when: () => true,
        do: ({ calls }) => ({ say: `asked ${calls.filter((one) => one.byPlaybook).length} times` }),
      },
    ],
  })

  it('streams what it answers', async () => {
    const { parts, output, warnings } = await streamed(rules)
    expect(parts).toMatchObject([{ kind: 'tool-call', call: { name: 'gauge', arguments: { tank: 3 } } }])
    expect(output.finishReason).toBe('tool-calls')
    expect(warnings).toMatchObject([{ code: 'playbook' }])
  })

  it('knows the calls that it made from those of the model that it stands in for, and keeps to the request amid other words', async () => {
    const messages = [
      ...hello.messages,
      { role: 'assistant' as const, content: [call, { ...call, callId: 'playbook-2' }] },
      { role: 'user' as const, content: 'That answer does not keep the schema.' },
    ]
    expect((await invoke(rules, { messages }, bounds)).output.content).toEqual([
      { kind: 'text', text: 'asked 1 times' },
    ])
  })
})
