import { openAICompatible } from '@genkit-ai/compat-oai'
import { genkit, z } from 'genkit'
import { question, readSensor, toolCalls } from '../task.ts'

const plants = new Map()
function plantOf(baseURL) {
  const known = plants.get(baseURL)
  if (known !== undefined) return known
  const ai = genkit({ plugins: [openAICompatible({ name: 'mock', apiKey: 'none', baseURL })] })
  const readSensorTool = ai.defineTool(
    { name: 'read_sensor', description: 'Reads a sensor', inputSchema: z.object({ sensor: z.number() }) },
    async ({ sensor }) => readSensor(sensor),
  )
  const plant = { ai, tools: [readSensorTool] }
  plants.set(baseURL, plant)
  return plant
}

export const contender = {
  async loop(url) {
    const { ai, tools } = plantOf(url)
    const { text } = await ai.generate({ model: 'mock/mock', prompt: question, tools, maxTurns: toolCalls + 2 })
    return text
  },
  async stream(url) {
    let length = 0
    for await (const { text } of plantOf(url).ai.generateStream({ model: 'mock/mock', prompt: question }).stream)
      length += text.length
    return length
  },
}
