import { ChatOpenAI } from '@langchain/openai'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'
import { question, readSensor, toolCalls } from '../task.ts'

const modelOf = (baseURL) => new ChatOpenAI({ model: 'mock', apiKey: 'none', configuration: { baseURL } })
const readSensorTool = tool(async ({ sensor }) => JSON.stringify(readSensor(sensor)), {
  name: 'read_sensor',
  description: 'Reads a sensor',
  schema: z.object({ sensor: z.number() }),
})

export const contender = {
  async loop(url) {
    const agent = createAgent({ model: modelOf(url), tools: [readSensorTool] })
    const { messages } = await agent.invoke(
      { messages: [{ role: 'user', content: question }] },
      { recursionLimit: 4 * toolCalls },
    )
    return String(messages.at(-1)?.content)
  },
  async stream(url) {
    let length = 0
    for await (const piece of await modelOf(url).stream(question)) length += String(piece.content).length
    return length
  },
}
