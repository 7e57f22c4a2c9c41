import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, stepCountIs, streamText, tool } from 'ai'
import { z } from 'zod'
import { question, readSensor, toolCalls } from '../task.ts'

const modelOf = (baseURL) => createOpenAICompatible({ name: 'mock', baseURL }).chatModel('mock')
const tools = {
  read_sensor: tool({
    description: 'Reads a sensor',
    inputSchema: z.object({ sensor: z.number() }),
    execute: async ({ sensor }) => readSensor(sensor),
  }),
}

export const contender = {
  async loop(url) {
    const { text } = await generateText({
      model: modelOf(url),
      tools,
      prompt: question,
      stopWhen: stepCountIs(toolCalls + 2),
    })
    return text
  },
  async stream(url) {
    let text = ''
    for await (const piece of streamText({ model: modelOf(url), prompt: question }).textStream) text += piece
    return text.length
  },
}
