import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, invoke, stream } from '@dinrail/core'
import { afterEach, describe, expect, it } from 'vitest'
import { chatModel, type Recording, record, replay } from './index.ts'

const key = 'sk-very-secret'
const hello = { messages: [{ role: 'user' as const, content: 'hello' }] }
const bounds = { deadlineMs: 5_000 }
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serverThat(answers: (response: ServerResponse) => unknown): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answers(response))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ model: 'tiny', choices: [{ delta, finish_reason: finish }] })}\n\n`

/** Sends pieces one by one, each once the one before has surely left. */
async function inPieces(response: ServerResponse, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': `session=${key}` })
  for (const piece of pieces) {
    await new Promise((resolve) => response.write(piece, resolve))
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  response.end()
}

async function recorded(pieces: readonly (string | Uint8Array)[]): Promise<{ recording: Recording; whole: unknown }> {
  const recorder = record()
  const model = chatModel({
    baseUrl: await serverThat((response) => inPieces(response, pieces)),
    model: 'tiny',
    key,
    send: recorder.send,
  })
  const { output } = await stream(model, hello, bounds).finish()
  return { recording: JSON.parse(JSON.stringify(recorder.recording())), whole: output }
}

const replayed = (recording: Recording, options = {}) => {
  const replaying = replay(recording, options)
  const model = chatModel({ baseUrl: 'http://elsewhere.test/v1', model: 'tiny', retries: 0, send: replaying.send })
  return { replaying, model }
}

describe('a recording', () => {
  const euro = new TextEncoder().encode(chunk({ content: '€' }))
  const cutEuro = [euro.slice(0, euro.indexOf(0xe2) + 1), euro.slice(euro.indexOf(0xe2) + 1)]

  it('keeps every chunk as it came, cut characters too, and answers as the server did', async () => {
    const { recording, whole } = await recorded([chunk({ content: 'a' }), ...cutEuro, chunk({}, 'stop')])
    const [exchange] = recording.exchanges
    expect(exchange?.response.chunks.map((one) => (one.base64 === undefined ? 'text' : 'base64'))).toEqual([
      'text',
      'base64',
      'base64',
      'text',
    ])
    const times = exchange?.response.chunks.map(({ atMs }) => atMs) ?? []
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(30)
    const { replaying, model } = replayed(recording)
    expect((await stream(model, hello, bounds).finish()).output).toEqual(whole)
    replaying.assertConsumed()
  })

  it('holds no key: not of the request, not in a header, not where a server says it back in two pieces', async () => {
    const leak = chunk({ content: `your key is ${key}` })
    const cut = leak.indexOf(key) + 5
    const { recording } = await recorded([leak.slice(0, cut), leak.slice(cut), chunk({}, 'stop')])
    const text = recording.exchanges[0]?.response.chunks.map((one) => one.text).join('')
    expect(text).toContain('your key is **************')
    expect(JSON.stringify(recording)).not.toContain(key)
    expect(Object.keys(recording.exchanges[0]?.response.headers ?? {})).toEqual(['content-type'])
  })

  it('holds no key in a disguise either', async () => {
    const odd = 'sk-A/b+c=d"e~42'
    const said = [encodeURIComponent(odd), btoa(odd), Buffer.from(odd).toString('hex'), JSON.stringify(odd)]
    const recorder = record()
    const url = await serverThat((response) => response.end(JSON.stringify({ said: said.slice(0, 3), escaped: odd })))
    const headers = { authorization: `Bearer ${odd}` }
    const response = await recorder.send({ url, headers, body: '{}', signal: new AbortController().signal })
    while ((await response.read()) !== undefined);
    const text =
      recorder
        .recording()
        .exchanges[0]?.response.chunks.map((one) => one.text)
        .join('') ?? ''
    expect(text).toContain('said')
    for (const form of said) expect(text).not.toContain(form.replace(/^"|"$/g, '').slice(4, -4))
  })

  it('hides further secrets in the request', async () => {
    const recorder = record({ secrets: ['recipe 77'] })
    const url = await serverThat((response) => response.end('{}'))
    const response = await recorder.send({
      url: `${url}?code=${encodeURIComponent('a/b c')}`,
      headers: {},
      body: JSON.stringify({ say: 'the recipe 77' }),
      signal: new AbortController().signal,
    })
    await response.read()
    const text = JSON.stringify(recorder.recording())
    expect(text).toContain('the …')
    expect(text).not.toMatch(/recipe|a%2Fb|a\/b/)
    expect(recorder.recording().exchanges[0]?.request.path).toBe('/v1?code=…')
  })

  it('is asked by the request whose secrets it hid', async () => {
    const say = (secret: string) => ({ messages: [{ role: 'user' as const, content: `the ${secret}, please` }] })
    const recorder = record({ secrets: ['recipe 77'] })
    const baseUrl = await serverThat((response) => response.end(chunk({ content: 'a' }, 'stop')))
    await stream(chatModel({ baseUrl, model: 'tiny', send: recorder.send }), say('recipe 77'), bounds).finish()
    const { model } = replayed(recorder.recording())
    await expect(
      stream(model, { messages: [{ role: 'user', content: 'the end' }] }, bounds).finish(),
    ).rejects.toMatchObject({
      code: 'invalid-input',
    })
    expect((await stream(model, say('recipe 77'), bounds).finish()).output.finishReason).toBe('stop')
  })

  it('plays at the recorded speed where that is asked for', async () => {
    const { recording } = await recorded([chunk({ content: 'a' }), chunk({ content: 'b' }), chunk({}, 'stop')])
    const started = performance.now()
    await stream(replayed(recording, { speed: 'recorded' }).model, hello, bounds).finish()
    expect(performance.now() - started).toBeGreaterThan(recording.exchanges[0]!.response.chunks.at(-1)!.atMs - 5)
  })

  it('keeps how a connection broke', async () => {
    const recorder = record()
    const url = await serverThat((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chunk({ content: 'a' }), () => setTimeout(() => response.destroy(), 20))
    })
    const model = chatModel({ baseUrl: url, model: 'tiny', retries: 0, send: recorder.send })
    const code = (promise: Promise<unknown>) => promise.catch((fault: Fault) => fault.code)
    const live = await code(stream(model, hello, bounds).finish())
    const { model: again } = replayed(recorder.recording())
    expect(live).toBe('unavailable')
    expect(await code(stream(again, hello, bounds).finish())).toBe(live)
  })

  it('answers nothing but what was recorded, and says where a request differs', async () => {
    const { recording } = await recorded([chunk({ content: 'a' }, 'stop')])
    const { model } = replayed(recording)
    const other = { messages: [{ role: 'user' as const, content: 'good bye' }] }
    await expect(stream(model, other, bounds).finish()).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/messages\/0\/content is "good bye", recorded was "hello"/),
    })
    await stream(model, hello, bounds).finish()
    await expect(invoke(model, hello, bounds)).rejects.toMatchObject({
      code: 'invalid-input',
      message: /asked for one more/,
    })
  })

  it.each<readonly [string, (exchange: { request?: unknown; response?: Record<string, unknown> }) => void]>([
    ['without its request', (exchange) => delete exchange.request],
    ['without its response', (exchange) => delete exchange.response],
    ['without its headers', ({ response }) => delete response?.headers],
    ['with a status in words', ({ response }) => Object.assign(response!, { status: 'ok' })],
    ['with chunks that are no list', ({ response }) => Object.assign(response!, { chunks: {} })],
    ['with a chunk of nothing', ({ response }) => Object.assign(response!, { chunks: [{ atMs: 1 }] })],
    ['with a chunk in no base64', ({ response }) => Object.assign(response!, { chunks: [{ atMs: 1, base64: '§' }] })],
  ])('%s is refused before anything is answered from it', async (_what, spoil) => {
    const { recording } = await recorded([chunk({ content: 'a' }, 'stop')])
    spoil(recording.exchanges[0] as never)
    expect(() => replay(recording)).toThrow(/exchange 1 of the recording is not whole/)
  })

  it('fails a test that did not ask for all of it', async () => {
    const { recording } = await recorded([chunk({ content: 'a' }, 'stop')])
    const unused = () => {
      using _ = replay(recording)
    }
    expect(unused).toThrow(/1 of 1 recorded exchanges were never asked for/)
  })
})
