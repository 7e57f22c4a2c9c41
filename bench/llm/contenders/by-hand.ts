// What somebody writes who needs nothing but this one task: the floor under every library.
import { Agent, type IncomingMessage, request } from 'node:http'
import { type Contender, parameters, question, readSensor } from '../task.ts'

interface Answer {
  readonly choices: readonly {
    readonly message: {
      readonly content: string | null
      readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly arguments: string } }[]
    }
  }[]
}
type Post = (url: string, body: string) => Promise<string>
/** Hands every piece of the body over as text. */
type Receive = (url: string, body: string, take: (text: string) => void) => Promise<void>

const tools = [{ type: 'function', function: { name: 'read_sensor', description: 'Reads a sensor', parameters } }]

export function byHand(post: Post, receive: Receive): Contender {
  return {
    async loop(url) {
      const messages: unknown[] = [{ role: 'user', content: question }]
      for (;;) {
        const body = JSON.stringify({ model: 'mock', messages, tools })
        const { message } = (JSON.parse(await post(`${url}/chat/completions`, body)) as Answer).choices[0]!
        if (message.tool_calls === undefined) return message.content ?? ''
        messages.push(message)
        for (const call of message.tool_calls) {
          const { sensor } = JSON.parse(call.function.arguments) as { sensor: number }
          messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(readSensor(sensor)) })
        }
      }
    },
    async stream(url) {
      const body = JSON.stringify({ model: 'mock', messages: [{ role: 'user', content: question }], stream: true })
      let text = ''
      let rest = ''
      await receive(`${url}/chat/completions`, body, (piece) => {
        const events = (rest + piece).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) {
          if (!event.startsWith('data: {')) continue
          const { choices } = JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] }
          text += choices[0]?.delta.content ?? ''
        }
      })
      return text.length
    },
  }
}

const headers = { 'content-type': 'application/json' }

export const byFetch = byHand(
  async (url, body) => (await fetch(url, { method: 'POST', headers, body })).text(),
  async (url, body, take) => {
    const response = await fetch(url, { method: 'POST', headers, body })
    const decoder = new TextDecoder()
    for await (const bytes of response.body!) take(decoder.decode(bytes, { stream: true }))
  },
)

const agent = new Agent({ keepAlive: true })
const send = (url: string, body: string) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, resolve)
      .on('error', reject)
      .end(body)
  })

export const byHttp = byHand(
  async (url, body) => {
    const pieces: Buffer[] = []
    for await (const piece of await send(url, body)) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  },
  async (url, body, take) => {
    const response = await send(url, body)
    response.setEncoding('utf8')
    for await (const piece of response) take(piece)
  },
)
