// An OpenAI-compatible server in a process of its own: it asks for twenty tool calls, then answers; or streams many deltas.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deltas, toolCalls } from './task.ts'

interface Request {
  readonly stream?: boolean
  readonly messages: readonly { readonly role: string }[]
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
}

const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
let answers = 0
/** Some clients take answers of one id for one message. */
const head = () => ({ id: `chatcmpl-${answers}`, created: 1, model: 'mock' })

function nextStep({ messages, tools }: Request) {
  const done = messages.filter(({ role }) => role === 'tool').length
  if (tools === undefined || done >= toolCalls)
    return { finish_reason: 'stop', message: { role: 'assistant', content: '{"sum":42}' } }
  const call = {
    id: `call_${done}`,
    type: 'function',
    function: { name: tools[0]?.function.name, arguments: JSON.stringify({ sensor: done }) },
  }
  return { finish_reason: 'tool_calls', message: { role: 'assistant', content: null, tool_calls: [call] } }
}

const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ ...head(), object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

/** Several deltas to a write, as a server under load sends them. */
async function sendDeltas(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(event({ role: 'assistant', content: '' }))
  const atOnce = 20
  for (let sent = 0; sent < deltas; sent += atOnce) {
    let text = ''
    for (let i = sent; i < sent + atOnce; i++) text += event({ content: `word ${i % 10} ` })
    if (!response.write(text)) await new Promise((resolve) => response.once('drain', resolve))
  }
  response.end(`${event({}, 'stop')}data: ${JSON.stringify({ ...head(), choices: [], usage })}\n\ndata: [DONE]\n\n`)
}

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  answers += 1
  const asked = JSON.parse(Buffer.concat(pieces).toString()) as Request
  if (asked.stream === true) return sendDeltas(response)
  const body = JSON.stringify({
    ...head(),
    object: 'chat.completion',
    choices: [{ index: 0, ...nextStep(asked) }],
    usage,
  })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`))
