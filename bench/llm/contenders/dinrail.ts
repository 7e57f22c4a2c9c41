import { chatModel } from '@dinrail/adapters-llm'
import { defineAgent } from '@dinrail/agent-kit'
import { defineModel, invoke, stream } from '@dinrail/core'
import { z } from 'zod'
import { answer, type Contender, question, readSensor, toolCalls } from '../task.ts'

const sensor = defineModel({
  id: 'bench/read-sensor',
  version: '1.0.0',
  title: 'Reads a sensor',
  task: 'process-analysis',
  input: z.object({ sensor: z.number() }),
  output: z.object({ value: z.number() }),
  run: (asked) => ({ output: readSensor(asked.sensor) }),
})

/** Everything a user gets: the chat contract, the agent with its budget and rules, each tool's contract, deadlines. */
function plantOf(model: ReturnType<typeof chatModel>) {
  return {
    model,
    agent: defineAgent({
      id: 'bench/adder',
      version: '1.0.0',
      title: 'Adds up',
      task: 'process-analysis',
      input: z.object({ question: z.string() }),
      output: z.object({ sum: z.number() }),
      instructions: 'Add up.',
      model,
      tools: [sensor],
      budget: { steps: toolCalls + 2 },
    }),
  }
}

export function contenderOver(make: (baseUrl: string) => ReturnType<typeof chatModel>): Contender {
  const plants = new Map<string, ReturnType<typeof plantOf>>()
  const at = (url: string) => {
    const known = plants.get(url) ?? plantOf(make(url))
    plants.set(url, known)
    return known
  }
  return {
    async loop(url) {
      const { output } = await invoke(at(url).agent, { question }, { deadlineMs: 60_000 })
      return JSON.stringify(output) === answer ? answer : JSON.stringify(output)
    },
    async stream(url) {
      const input = { messages: [{ role: 'user' as const, content: question }] }
      let length = 0
      for await (const part of stream(at(url).model, input, { deadlineMs: 60_000 }))
        if (part.kind === 'text-delta') length += part.text.length
      return length
    },
  }
}

export const contender = contenderOver((baseUrl) => chatModel({ baseUrl, model: 'mock' }))
