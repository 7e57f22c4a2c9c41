import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ChatInput } from '@dinrail/core'
import { afterEach } from 'vitest'

export type Answers = (request: IncomingMessage, response: ServerResponse, body: string) => void

export interface LocalServer {
  readonly url: string
  /** Requests so far. */
  readonly asked: { readonly headers: IncomingMessage['headers']; readonly url: string; readonly body: string }[]
  /** Connections so far. */
  readonly connections: () => number
}

const running: Server[] = []
afterEach(() => {
  for (const server of running.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A real server on this machine, gone after the test. With several answers, each request gets the next, and the last for ever. */
export async function serverThat(...answers: readonly Answers[]): Promise<LocalServer> {
  const asked: LocalServer['asked'] = []
  let connections = 0
  const server = createServer(async (request, response) => {
    // Whoever is cut off in the middle says so by the test's other end.
    response.on('error', () => {})
    request.on('error', () => {})
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    asked.push({ headers: request.headers, url: request.url ?? '', body })
    answers[Math.min(asked.length, answers.length) - 1]?.(request, response, body)
  })
  server.on('connection', () => {
    connections += 1
  })
  running.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/v1`, asked, connections: () => connections }
}

export const json =
  (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answers =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export const text =
  (body: string, type: string, status = 200): Answers =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': type }).end(body)

export const completion = (message: object, finish = 'stop') => ({
  model: 'tiny-7b',
  choices: [{ message, finish_reason: finish }],
  usage: { prompt_tokens: 5, completion_tokens: 2 },
})
export const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ model: 'tiny-7b', choices: [{ delta, finish_reason: finish }] })}\n\n`
export const hi = json(completion({ content: 'hi' }))
export const streamOf = (...events: readonly string[]): Answers => text(events.join(''), 'text/event-stream')

export const hello: ChatInput = { messages: [{ role: 'user', content: 'hello' }] }
