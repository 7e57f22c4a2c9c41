import { fallback } from '@dinrail/collab'
import {
  type ChatInput,
  type ChatModel,
  type ChatPart,
  type Fault,
  invoke,
  stream,
  type TracedCall,
} from '@dinrail/core'
import { afterAll, describe, expect, it } from 'vitest'
import { type ChatModelOptions, chatModel, fetchSender, playbook, type Sender } from './index.ts'
import {
  type Answers,
  chunk,
  completion,
  hello,
  hi,
  json,
  serverThat,
  streamOf,
  text,
} from './local-server.test-support.ts'
import { nodeSender } from './node.ts'

const kept = nodeSender()
afterAll(() => kept.close())
const senders: Record<string, Sender> = { fetch: fetchSender(), node: kept }

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )
const bounds = { deadlineMs: 5_000 }
const hangs: Answers = () => {}
const hangsMidway: Answers = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(chunk({ content: 'All ' }))
}

describe.each(Object.entries(senders))('a model behind an endpoint, by %s', (_, send) => {
  const model = (baseUrl: string, more: Partial<ChatModelOptions> = {}) =>
    chatModel({ baseUrl, model: 'Tiny 7B', send, ...more })
  const ask = (baseUrl: string, more?: Partial<ChatModelOptions>, deadlineMs = 10_000, input: ChatInput = hello) =>
    invoke(model(baseUrl, more), input, { deadlineMs })
  const read = async (baseUrl: string, more?: Partial<ChatModelOptions>, deadlineMs = 10_000) => {
    const parts: ChatPart[] = []
    const answer = stream(model(baseUrl, more), hello, { deadlineMs })
    try {
      for await (const part of answer) parts.push(part)
      return { parts, reply: await answer.finish() }
    } catch (fault) {
      return { parts, fault: fault as Fault }
    }
  }
  const outcomes = (usage: readonly { readonly outcome: string }[] = []) => usage.map(({ outcome }) => outcome)

  it('asks and answers, again and again over one connection', async () => {
    const server = await serverThat(hi)
    const one = model(server.url)
    for (let i = 0; i < 5; i++)
      expect((await invoke(one, hello, { deadlineMs: 5_000 })).output.content).toEqual([{ kind: 'text', text: 'hi' }])
    expect(server.asked).toHaveLength(5)
    // fetch may open a second one before the first is free again.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it('waits as long as a 429 says, asks again, and lists both attempts', async () => {
    const server = await serverThat(json({ error: 'slow down' }, 429, { 'retry-after-ms': '120' }), hi)
    const started = performance.now()
    const { usage, elapsedMs } = await ask(server.url)
    expect(performance.now() - started).toBeGreaterThan(115)
    expect(outcomes(usage)).toEqual(['overloaded', 'ok'])
    expect(usage[0]?.elapsedMs).toBeLessThan(elapsedMs)
    expect(usage[1]?.spent).toEqual({ inputTokens: 5, outputTokens: 2 })
  })

  it.each([
    ['seconds', () => '60'],
    ['a date', () => new Date(Date.now() + 60_000).toUTCString()],
  ])('gives a 429 back at once where Retry-After, in %s, is beyond its deadline', async (_form, stated) => {
    const server = await serverThat(json({ error: 'slow down' }, 429, { 'retry-after': stated() }))
    const fault = await faultOf(ask(server.url, {}, 5_000))
    expect(fault).toMatchObject({ code: 'overloaded', retryable: true })
    expect((fault.details as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(55_000)
    expect(server.asked).toHaveLength(1)
  })

  it('leaves a server alone as long as it asked, also when the refused call could not wait', async () => {
    const server = await serverThat(json({ error: 'slow down' }, 429, { 'retry-after': '60' }), hi)
    const one = model(server.url)
    await faultOf(invoke(one, hello, { deadlineMs: 2_000 }))
    const fault = await faultOf(invoke(one, hello, { deadlineMs: 2_000 }))
    expect(fault).toMatchObject({ code: 'overloaded', retryable: true })
    expect((fault.details as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(50_000)
    expect(server.asked).toHaveLength(1)
  })

  it('counts a date in Retry-After from the server’s own clock', async () => {
    const date = new Date(Date.now() + 3_600_000)
    const stated = new Date(date.getTime() + 60_000).toUTCString()
    const headers = { date: date.toUTCString(), 'retry-after': stated }
    const server = await serverThat(json({ error: 'slow down' }, 429, headers))
    expect((await faultOf(ask(server.url, {}, 5_000))).details).toMatchObject({ retryAfterMs: 60_000 })
  })

  it.each([
    ['no money left', 402, { message: 'Insufficient Balance' }],
    ['no money left, as a rate', 429, { message: 'You exceeded your current quota', code: 'insufficient_quota' }],
    ['an expired key, inside a 200', 200, { message: 'API key expired' }],
  ])('does not ask again and fails over where the server says: %s', async (_what, status, error) => {
    const server = await serverThat(json({ error }, status))
    expect(await faultOf(ask(server.url))).toMatchObject({ code: 'denied', retryable: false })
    expect(server.asked).toHaveLength(1)
    const rules = playbook({ rules: [{ name: 'stand in', when: () => true, do: () => ({ say: 'by rule' }) }] })
    const { servedBy } = await invoke(fallback([model(server.url), rules]), hello, { deadlineMs: 5_000 })
    expect(servedBy).toMatchObject([{ id: 'playbook/rules' }])
  })

  it.each([
    'Invalid model: tiny',
    'tiny is not a valid model ID',
    'Model Not Exist',
    'unknown model `tiny`',
    "The model 'tiny' does not exist.",
  ])('knows an unknown model by the words of a 400: %s', async (message) => {
    const server = await serverThat(json({ error: { message } }, 400))
    expect(await faultOf(ask(server.url))).toMatchObject({ code: 'not-found' })
  })

  it('asks again after a 500 and after a reset, and gives up after its retries', async () => {
    const reset: Answers = (request) => void request.socket.destroy()
    const mended = await serverThat(json({}, 500), reset, hi)
    expect(outcomes((await ask(mended.url)).usage)).toEqual(['unavailable', 'unavailable', 'ok'])
    const broken = await serverThat(json({ error: 'no' }, 503))
    const fault = await faultOf(ask(broken.url))
    expect(fault).toMatchObject({ code: 'unavailable', retryable: true, details: { status: 503 } })
    expect(outcomes(fault.usage)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect(broken.asked).toHaveLength(3)
  })

  it('never asks again once a part was given', async () => {
    const server = await serverThat((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chunk({ content: 'All ' }), () => setTimeout(() => response.destroy(), 20))
    })
    const { parts, fault } = await read(server.url)
    expect(parts).toEqual([{ kind: 'text-delta', text: 'All ' }])
    expect(fault).toMatchObject({ code: 'unavailable', retryable: true, message: /broke off/ })
    expect(server.asked).toHaveLength(1)
  })

  it('streams again what broke before it gave anything', async () => {
    const server = await serverThat(json({}, 502), streamOf(chunk({ content: 'ok' }, 'stop')))
    const { reply } = await read(server.url)
    expect(reply?.output.content).toEqual([{ kind: 'text', text: 'ok' }])
    expect(outcomes(reply?.usage)).toEqual(['unavailable', 'ok'])
  })

  it.each([
    ['the attempt’s', { attemptMs: 60 }, hangs, 'attempt'],
    ['the first chunk’s', { firstChunkMs: 60 }, hangs, 'first-chunk'],
    ['the idle', { idleMs: 60 }, hangsMidway, 'idle'],
    ['the total', { totalMs: 60 }, hangs, 'total'],
  ])('fails over in the time that is left when %s timeout passes', async (_name, timeouts, answers, timeout) => {
    const server = await serverThat(answers)
    const { fault } = await read(server.url, { timeouts, retries: 0 })
    expect(fault).toMatchObject({ code: 'unavailable', retryable: true, details: { timeout, timeoutMs: 60 } })
    const signal = new AbortController().signal
    const rules = playbook({ rules: [{ name: 'stand in', when: () => true, do: () => ({ say: 'by rule' }) }] })
    const whole = { ...timeouts, attemptMs: 60 }
    const either = fallback([model(server.url, { timeouts: whole, retries: 0 }), rules])
    const reply = await invoke(either, hello, { deadlineMs: 5_000, signal })
    expect(reply.servedBy).toMatchObject([{ id: 'playbook/rules' }])
    expect(signal.aborted).toBe(false)
  })

  it('fails over when its key has expired, since that is not the caller’s mistake', async () => {
    const server = await serverThat(json({ error: 'expired' }, 401))
    const rules = playbook({ rules: [{ name: 'stand in', when: () => true, do: () => ({ say: 'by rule' }) }] })
    const { servedBy, warnings } = await invoke(fallback([model(server.url), rules]), hello, { deadlineMs: 5_000 })
    expect(servedBy).toMatchObject([{ id: 'playbook/rules' }])
    expect(warnings[0]?.message).toContain('denied')
  })

  it('asks again after a timeout, within the total', async () => {
    const server = await serverThat(hangs, hi)
    const { usage } = await ask(server.url, { timeouts: { attemptMs: 80, totalMs: 5_000 } })
    expect(outcomes(usage)).toEqual(['unavailable', 'ok'])
  })

  it('lets a server think before the first byte of an answer in one piece, and not after it', async () => {
    const head = { 'content-type': 'application/json' }
    const whole = JSON.stringify(completion({ content: 'hi' }))
    const slow: Answers = (_request, response) => {
      response.writeHead(200, head).flushHeaders()
      setTimeout(() => response.end(whole), 150)
    }
    const stuck: Answers = (_request, response) => void response.writeHead(200, head).write(whole.slice(0, 9))
    const timeouts = { idleMs: 60 }
    expect((await ask((await serverThat(slow)).url, { timeouts })).output.finishReason).toBe('stop')
    const fault = await faultOf(ask((await serverThat(stuck)).url, { timeouts, retries: 0 }))
    expect(fault.details).toMatchObject({ timeout: 'idle' })
  })

  it('takes an answer for whole when its server says so, though the connection stays open', async () => {
    const endless: Answers = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`${chunk({ content: 'hi' })}${chunk({}, 'stop')}data: [DONE]\n\n`)
    }
    const { reply } = await read((await serverThat(endless)).url, {}, 60_000)
    expect(reply?.output.content).toEqual([{ kind: 'text', text: 'hi' }])
    const server = await serverThat(streamOf(chunk({ content: 'hi' }), chunk({}, 'stop'), 'data: [DONE]\n\n'))
    for (let i = 0; i < 3; i++) expect((await read(server.url)).reply?.output.finishReason).toBe('stop')
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it('lets whoever reads a stream take his time', async () => {
    let goOn = () => {}
    const server = await serverThat((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chunk({ content: 'a' }))
      goOn = () => response.end(`${chunk({ content: 'b' }, 'stop')}data: [DONE]\n\n`)
    })
    let said = ''
    const parts = stream(model(server.url, { timeouts: { idleMs: 100 } }), hello, { deadlineMs: 10_000 })
    for await (const part of parts) {
      if (part.kind === 'text-delta') said += part.text
      if (said !== 'a') continue
      await new Promise((resolve) => setTimeout(resolve, 250))
      goOn()
    }
    expect(said).toBe('ab')
  })

  it('ends a server that sends one byte after another for ever', async () => {
    const server = await serverThat((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const drip = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(drip))
    })
    const { fault } = await read(server.url, { timeouts: { firstChunkMs: 100, idleMs: 1_000 }, retries: 0 })
    expect(fault?.details).toMatchObject({ timeout: 'first-chunk' })
  })

  it.each([
    ['before the headers', hangs],
    ['in the middle', hangsMidway],
  ])('settles by its deadline when the server hangs %s', async (_where, answers) => {
    const server = await serverThat(answers)
    expect((await read(server.url, {}, 80)).fault).toMatchObject({ code: 'deadline-exceeded' })
  })

  it('lets go of the connection when its caller does', async () => {
    let closed: (() => void) | undefined
    const gone = new Promise<void>((resolve) => {
      closed = resolve
    })
    const server = await serverThat((request, response) => {
      request.socket.on('close', () => closed?.())
      hangsMidway(request, response, '')
    })
    for await (const _part of stream(model(server.url), hello, { deadlineMs: 5_000 })) break
    await gone
    const controller = new AbortController()
    const waiting = faultOf(invoke(model(server.url), hello, { deadlineMs: 5_000, signal: controller.signal }))
    controller.abort()
    expect(await waiting).toMatchObject({ code: 'cancelled' })
  })

  it.each([
    ['in events', 'text/event-stream', `: ${'x'.repeat(65_536)}\n\n`],
    ['in one line', 'text/event-stream', 'x'.repeat(65_536)],
    ['as JSON', 'application/json', ' '.repeat(65_536)],
    ['as a refusal', 'application/json', 'x'.repeat(65_536)],
  ])('bounds an answer without end, %s', async (form, type, piece) => {
    let sent = 0
    const server = await serverThat((_request, response) => {
      response.writeHead(form === 'as a refusal' ? 400 : 200, { 'content-type': type })
      const pump = () => {
        while (sent < 100e6 && !response.destroyed && response.write(piece)) sent += piece.length
        if (sent < 100e6 && !response.destroyed) response.once('drain', pump)
      }
      pump()
    })
    const { fault } = await read(server.url, { longestAnswer: 1e6 })
    expect(fault?.code).toBe(form === 'as a refusal' ? 'invalid-input' : 'invalid-output')
    expect(sent).toBeLessThan(100e6)
    expect(server.asked).toHaveLength(1)
  })

  it.each([
    ['an answer under another type', text(JSON.stringify(completion({ content: 'hi' })), 'text/plain')],
    [
      'events that say that they are JSON',
      text(chunk({ content: 'h' }) + chunk({ content: 'i' }, 'stop'), 'application/json'),
    ],
    ['an answer in events, though none were asked for', streamOf(chunk({ content: 'hi' }, 'stop'))],
  ])('reads %s', async (_what, answers) => {
    const server = await serverThat(answers)
    expect((await ask(server.url)).output.content).toEqual([{ kind: 'text', text: 'hi' }])
  })

  it('reads a whole answer, though a stream was asked for', async () => {
    const server = await serverThat(hi)
    expect((await read(server.url)).reply?.output.content).toEqual([{ kind: 'text', text: 'hi' }])
  })

  it.each([
    ['a web page', text('<!doctype html><title>Welcome</title>', 'text/html'), 'unavailable', /web page/],
    ['a web page that says that it is JSON', text('<html>', 'application/json'), 'unavailable', /web page/],
    ['the web page of a gateway', text('<html>Bad gateway</html>', 'text/html', 502), 'unavailable', /502: a web page/],
    ['no JSON', text('{"choi', 'application/json'), 'unavailable', /not JSON/],
    ['something else', text('hello there', 'text/plain'), 'unavailable', /not JSON/],
    ['JSON of another kind', json([1]), 'unavailable', /no JSON object/],
    [
      'bytes that are not UTF-8',
      (_request: unknown, response: { end(bytes: Buffer): void }) => response.end(Buffer.from([0x7b, 0xff])),
      'unavailable',
      /not UTF-8/,
    ],
    ['an error inside a 200', json({ error: { message: 'no memory' } }), 'unavailable', /no memory/],
    ['an expired key', json({ error: { message: 'key expired' } }, 401), 'denied', /401: key expired .*expired/],
    ['an unknown model', json({ error: { message: 'no model' } }, 404), 'not-found', /404: no model .*this model/],
    [
      'an unknown model, as a bad request',
      json({ error: { message: 'The model `x` does not exist', code: 'model_not_found' } }, 400),
      'not-found',
      /does not exist/,
    ],
    [
      'a prompt that is too long',
      json({ error: { message: 'maximum context length is 8192 tokens' } }, 400),
      'invalid-input',
      /8192/,
    ],
    ['a prompt that is far too long', text('', 'text/plain', 413), 'invalid-input', /413/],
    [
      'a redirection',
      (_request: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) =>
        response.writeHead(307, { location: 'http://127.0.0.1:9/steal' }).end(),
      'not-found',
      /redirects/,
    ],
  ] as [string, Answers, string, RegExp][])(
    'says in a fault that the server answers with %s',
    async (_what, answers, code, message) => {
      const server = await serverThat(answers)
      expect(await faultOf(ask(server.url, { retries: 0 }))).toMatchObject({ code, message })
    },
  )

  it('is unavailable when nobody listens', async () => {
    const fault = await faultOf(ask('http://127.0.0.1:9/v1', { retries: 0 }))
    expect(fault).toMatchObject({ code: 'unavailable', message: /no connection to 127.0.0.1:9: / })
  })

  describe('has a key that', () => {
    const key = 'sk-A/b+c"d=e&f%g~42\\7'
    const forms = (secret: string): string[] => {
      const escaped = JSON.stringify(secret).slice(1, -1)
      const encodings = [0, 1, 2].flatMap((before) => {
        const whole = Buffer.from('x'.repeat(before) + secret)
        return [whole.toString('base64'), whole.toString('base64url')].map((coded) => coded.slice(4, -4))
      })
      return [
        secret,
        escaped,
        escaped.replaceAll('/', '\\/'),
        encodeURIComponent(secret),
        Buffer.from(secret).toString('hex'),
        ...encodings,
      ]
    }
    /** All ways in which a server might quote what it was sent. */
    const quoting = (header: string) =>
      [
        header,
        JSON.stringify(header),
        encodeURIComponent(header),
        ...['base64', 'base64url', 'hex'].map((form) => Buffer.from(header).toString(form as 'hex')),
      ].join(' | ')
    const quotes =
      (status: number, form: 'json' | 'text' | 'event'): Answers =>
      (request, response, _body) => {
        const said = quoting(request.headers.authorization ?? '') + quoting(String(request.headers['x-gateway-token']))
        const body = form === 'text' ? said : JSON.stringify({ error: { message: said, code: said } })
        response.writeHead(status, { 'content-type': form === 'event' ? 'text/event-stream' : 'application/json' })
        response.end(form === 'event' ? `${chunk({ content: 'a' })}data: ${body}\n\n` : body)
      }

    it.each([
      [401, 'json'],
      [400, 'text'],
      [500, 'json'],
      [200, 'json'],
      [200, 'text'],
      [200, 'event'],
    ] as const)('appears nowhere when the server quotes it: %d as %s', async (status, form) => {
      const server = await serverThat(quotes(status, form))
      const traced: unknown[] = []
      const tracer = {
        start(call: TracedCall) {
          traced.push(call)
          return {
            traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
            end: (end: unknown) => void traced.push(end),
          }
        },
      }
      const token = 'gateway/token+of=plant'
      const one = model(server.url, { key, headers: { 'x-gateway-token': token }, retries: 0 })
      const ends = [
        await faultOf(invoke(one, hello, { deadlineMs: 5_000, tracer })),
        await faultOf(stream(one, hello, { deadlineMs: 5_000, tracer }).finish()),
      ]
      const seen = [
        ...ends,
        ...ends.map((fault) => fault.stack),
        ...ends.map(({ cause }) => String(cause)),
        ...traced,
        one.descriptor,
      ]
      const shown = `${seen.map((one) => JSON.stringify(one)).join()} ${ends.map(({ message }) => message).join()}`
      expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${key}`)
      for (const form of [...forms(key), ...forms(token)]) expect(shown).not.toContain(form)
    })

    it.each([
      ['a header with a scheme', { headers: { authorization: 'Bearer plant-token-77' } }, 'plant-token-77'],
      ['a password in a header', { headers: { 'x-auth': `Basic ${btoa('mill:rolling-77')}` } }, 'rolling-77'],
      ['a header of a name that says less', { headers: { 'x-passphrase': 'rolling-77' } }, 'rolling-77'],
      ['a key with a blank at its end, which no server sees', { key: 'sk-plant-77 ' }, 'sk-plant-77'],
    ])('appears nowhere as %s', async (_what, options, secret) => {
      const server = await serverThat(json({ error: { message: `who is ${secret}?` } }, 401))
      const fault = await faultOf(ask(server.url, options))
      expect(fault).toMatchObject({ code: 'denied', message: /who is/ })
      expect(fault.message).not.toContain(secret)
    })

    it.each([
      ['an error inside a 200', (said: string) => json({ error: { message: said } })],
      ['no JSON', (said: string) => text(said, 'application/json')],
      ['a line that is no event', (said: string) => text(said, 'text/event-stream')],
    ])('is not shown where its end is cut off: %s', async (_what, answers) => {
      const long = `sk-${'0123456789'.repeat(4)}`
      for (let before = 60; before < 310; before += 7) {
        const server = await serverThat(answers(`${'x'.repeat(before)} ${long}`))
        const { message } = await faultOf(ask(server.url, { key: long, retries: 0 }))
        expect(message).not.toMatch(/sk-\d/)
      }
    })

    describe('stands in the answer itself', () => {
      const long = 'sk-proj-0123456789abcdef'
      const quoted = `The gateway refuses ${long}.`
      const call = { tool_calls: [{ id: 'a', function: { name: 'tell', arguments: JSON.stringify({ it: quoted }) } }] }

      it.each([
        ['as text', { content: quoted }],
        ['as reasoning', { content: 'No.', reasoning_content: quoted }],
        ['in base64', { content: Buffer.from(`Bearer ${long}`).toString('base64') }],
        ['in a call', call],
      ])('ends in a fault, so that no journal and no log gets it: %s', async (_what, message) => {
        const whole = json(completion(message))
        const server = await serverThat(whole, streamOf(chunk(message), chunk({}, 'stop')))
        const input: ChatInput = { ...hello, tools: [{ name: 'tell', description: '', parameters: {} }] }
        const one = model(server.url, { key: long })
        for (const ask of [() => invoke(one, input, bounds), () => stream(one, input, bounds).finish()]) {
          const fault = await faultOf(ask())
          expect(fault).toMatchObject({ code: 'invalid-output', message: /says a key in its answer/, retryable: false })
          expect(fault.usage?.map(({ outcome }) => outcome)).toEqual(['invalid-output'])
          expect(JSON.stringify(fault)).not.toContain(long)
        }
        expect(server.asked).toHaveLength(2)
      })

      it('is handed on where it stands for a key and is a word', async () => {
        for (const key of ['ollama', 'sk-no-key-required']) {
          const server = await serverThat(json(completion({ content: `Set it to ${key}.` })))
          expect((await ask(server.url, { key })).output.content).toMatchObject([{ text: `Set it to ${key}.` }])
        }
      })

      it.each([
        ['at once', (one: ChatModel, input: ChatInput) => invoke(one, input, bounds)],
        ['in parts', (one: ChatModel, input: ChatInput) => stream(one, input, bounds).finish()],
      ])('is in no fault of an answer outside its schema, %s', async (_how, ask) => {
        const key = 's3cret-77'
        const message = { content: `Wrong key: ${key}` }
        const body = { ...completion(message), model: `m for ${key}` }
        const server = await serverThat((_request, response, asked) => {
          const streamed = JSON.parse(asked).stream === true
          response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' })
          const events = JSON.stringify({ model: body.model, choices: [{ delta: message, finish_reason: 'stop' }] })
          response.end(streamed ? `data: ${events}\n\ndata: [DONE]\n\n` : JSON.stringify(body))
        })
        const input = { ...hello, responseSchema: { type: 'object' } }
        const fault = await faultOf(ask(model(server.url, { key, server: 'vllm' }), input))
        expect(fault).toMatchObject({ code: 'invalid-output', message: /m for … answered outside the responseSchema/ })
        expect(JSON.stringify(fault)).not.toContain(key)
      })
    })

    it('is not shown by the mistake of a line’s end in it', () => {
      for (const options of [{ key: 'sk-secret\n' }, { headers: { 'x-token': 'sk-secret\r\n' } }])
        try {
          model('http://127.0.0.1:1', options)
          expect.fail('it was taken')
        } catch (problem) {
          expect(problem).toBeInstanceOf(TypeError)
          expect(String(problem)).not.toContain('sk-secret')
        }
    })

    it('does not follow a redirection', async () => {
      const thief = await serverThat(hi)
      const server = await serverThat(
        (_request, response) => void response.writeHead(307, { location: `${thief.url}/chat/completions` }).end(),
      )
      await faultOf(ask(server.url, { key }))
      expect(thief.asked).toEqual([])
    })
  })

  it.each([
    [{ timeouts: { idleMs: Number.NaN } }, /idleMs is NaN/],
    [{ timeouts: { totalMs: 3e9 } }, /totalMs is 3000000000/],
    [{ quota: { requestsPerMinute: 0 } }, /requestsPerMinute is 0/],
  ])('refuses bounds that no timer can keep: %o', (options, message) => {
    expect(() => model('http://127.0.0.1:9/v1', options)).toThrow(message)
  })

  it('keeps to its quota, and says when it may be asked again', async () => {
    const server = await serverThat(hi)
    const one = model(server.url, { quota: { requestsPerMinute: 2 } })
    const calls = () => invoke(one, hello, { deadlineMs: 2_000 })
    await Promise.all([calls(), calls()])
    const fault = await faultOf(calls())
    expect(fault).toMatchObject({ code: 'overloaded', retryable: true })
    expect((fault.details as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(50_000)
    expect(server.asked).toHaveLength(2)
  })

  it('counts money by the prices that it was given', async () => {
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 100,
      prompt_tokens_details: { cached_tokens: 600 },
      completion_tokens_details: { reasoning_tokens: 40 },
    }
    const server = await serverThat(json({ ...completion({ content: 'hi' }), usage }))
    const price = { currency: 'EUR', input: 2, cachedInput: 0.5, output: 8 }
    const spent = async (name: string) => (await ask(server.url, { prices: { [name]: price } })).usage[0]?.spent
    const tokens = { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 600, reasoningTokens: 40 }
    expect(await spent('tiny-7b')).toEqual({
      ...tokens,
      cost: { amount: (400 * 2 + 600 * 0.5 + 100 * 8) / 1e6, currency: 'EUR' },
    })
    expect((await spent('Tiny 7B'))?.cost?.amount).toBeCloseTo(0.0019, 9)
    expect(await spent('another')).toEqual(tokens)
  })

  it.each([
    [
      'more from the cache than was read',
      { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9 } },
      2,
    ],
    ['nothing', {}, 2],
  ])('says no cost where the server counts %s', async (_what, usage, input) => {
    const server = await serverThat(json({ ...completion({ content: 'hi' }), usage }))
    const prices = { 'tiny-7b': { currency: 'EUR', input, output: 8 } }
    expect((await ask(server.url, { prices })).usage[0]?.spent?.cost).toBeUndefined()
  })
})
