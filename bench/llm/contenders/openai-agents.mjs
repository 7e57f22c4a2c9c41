import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool } from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'
import { question, readSensor, toolCalls } from '../task.ts'

setTracingDisabled(true)
const readSensorTool = tool({
  name: 'read_sensor',
  description: 'Reads a sensor',
  parameters: z.object({ sensor: z.number() }),
  execute: async ({ sensor }) => readSensor(sensor),
})
const agentOf = (baseURL, tools) =>
  new Agent({
    name: 'bench',
    instructions: 'Add up.',
    tools,
    model: new OpenAIChatCompletionsModel(new OpenAI({ baseURL, apiKey: 'none' }), 'mock'),
  })

export const contender = {
  async loop(url) {
    const { finalOutput } = await run(agentOf(url, [readSensorTool]), question, { maxTurns: toolCalls + 2 })
    return finalOutput ?? ''
  },
  async stream(url) {
    const result = await run(agentOf(url, []), question, { stream: true })
    let length = 0
    for await (const piece of result.toTextStream()) length += piece.length
    return length
  },
}
