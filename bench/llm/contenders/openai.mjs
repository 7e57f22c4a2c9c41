import OpenAI from 'openai'
import { parameters, question, readSensor } from '../task.ts'

const tools = [{ type: 'function', function: { name: 'read_sensor', description: 'Reads a sensor', parameters } }]
const clients = new Map()
const clientOf = (baseURL) => {
  const known = clients.get(baseURL) ?? new OpenAI({ baseURL, apiKey: 'none' })
  clients.set(baseURL, known)
  return known
}

export const contender = {
  async loop(url) {
    const messages = [{ role: 'user', content: question }]
    for (;;) {
      const { choices } = await clientOf(url).chat.completions.create({ model: 'mock', messages, tools })
      const { message } = choices[0]
      if (message.tool_calls === undefined) return message.content ?? ''
      messages.push(message)
      for (const call of message.tool_calls) {
        if (call.type !== 'function') continue
        const { sensor } = JSON.parse(call.function.arguments)
        messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(readSensor(sensor)) })
      }
    }
  },
  async stream(url) {
    const parts = await clientOf(url).chat.completions.create({
      model: 'mock',
      messages: [{ role: 'user', content: question }],
      stream: true,
    })
    let text = ''
    for await (const { choices } of parts) text += choices[0]?.delta.content ?? ''
    return text.length
  },
}
