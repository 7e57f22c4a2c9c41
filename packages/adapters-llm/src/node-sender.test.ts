import { readFileSync } from 'node:fs'
import { createServer as createPlainServer, request as requestHttp, type Server } from 'node:http'
import { createServer, Agent as HttpsAgent } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Fault, invoke } from '@dinrail/core'
import { afterEach, describe, expect, it } from 'vitest'
import { chatModel } from './index.ts'
import { completion, hello, hi, serverThat } from './local-server.test-support.ts'
import { type NodeSenderOptions, nodeSender } from './node.ts'
import { proxied } from './node-proxy.ts'

/** Made for these tests alone; they open nothing. */
const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')
const ca = file('ca.pem')
const client = { cert: file('client.pem'), key: file('client.key') }

const hasSixth = Object.values(networkInterfaces()).some((ones) => ones?.some(({ address }) => address === '::1'))

const endings: (() => void)[] = []
afterEach(() => {
  for (const end of endings.splice(0)) end()
})

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  const open = new Set<Duplex>()
  server.on('connection', (socket) => open.add(socket))
  endings.push(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

/** An encrypted server; with `mutual` it answers nobody who does not show a certificate of the same authority. */
async function secureServer(mutual = false): Promise<string> {
  const tls = { cert: file('server.pem'), key: file('server.key'), ca, requestCert: mutual, rejectUnauthorized: mutual }
  const server = createServer(tls, (request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(completion({ content: 'hi' }))))
  })
  return `https://localhost:${await listening(server as unknown as Server)}/v1`
}

async function ask(baseUrl: string, options: NodeSenderOptions) {
  const send = nodeSender(options)
  endings.push(send.close)
  const model = chatModel({ baseUrl, model: 'm', send, retries: 0 })
  return invoke(model, hello, { deadlineMs: 10_000 }).then(
    ({ output }) => output.content,
    (fault: Fault) => fault,
  )
}
const answered = [{ kind: 'text', text: 'hi' }]

describe('the sender for Node', () => {
  it('trusts a plant’s own authority, and no stranger’s', async () => {
    const url = await secureServer()
    expect(await ask(url, { ca })).toEqual(answered)
    expect(await ask(url, {})).toMatchObject({ code: 'unavailable', message: /certificate|signed/i })
  })

  it('shows its own certificate where the server asks for one', async () => {
    const url = await secureServer(true)
    expect(await ask(url, { ca, ...client })).toEqual(answered)
    expect(await ask(url, { ca })).toMatchObject({ code: 'unavailable' })
  })

  it.each([
    ['a path in place of an authority', { ca: 'certificates/ca.pem' }, /ca holds no certificate/],
    [
      'a key of somebody else',
      { ca, cert: client.cert, key: file('server.key') },
      /cert and key cannot be used together/,
    ],
    ['no key at all', { ca, cert: client.cert, key: 'k' }, /cert and key cannot be used/],
    ['a certificate without its key', { cert: client.cert }, /cert and key go together/],
    ['nothing in a file', { cert: '', key: '' }, /cert is empty/],
    ['no connections', { connections: 0 }, /connections is 0/],
    ['an option by another name', { rejectUnauthorized: false }, /no option 'rejectUnauthorized'; there are ca, cert/],
    [
      'a percent sign in a password',
      { proxy: 'http://plant:50%25%-se-cret@proxy:3128' },
      /% that must be written as %25/,
    ],
    ['a proxy without a scheme', { proxy: 'proxy.plant:3128' }, /as in http:\/\/proxy\.plant:3128/],
  ])('is not made with %s', (_what, options, message) => {
    expect(() => nodeSender(options as NodeSenderOptions)).toThrow(message)
    expect(() => nodeSender(options as NodeSenderOptions)).not.toThrow(/se-cret/)
  })

  it('asks for an answer that is not compressed, and says so where it comes compressed', async () => {
    const server = await serverThat((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync('{}')),
    )
    const fault = await ask(server.url, {})
    expect(fault).toMatchObject({ code: 'unavailable', retryable: false, message: /compresses its answer \(gzip\)/ })
    expect(server.asked[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('gives up the tunnels that are being made when it is closed', async () => {
    let left = () => {}
    const leaving = new Promise<void>((resolve) => {
      left = resolve
    })
    const server = createPlainServer()
    const asked = new Promise<void>((resolve) => {
      server.on('connect', (_request, socket: Duplex) => {
        socket.once('end', left).once('error', left).resume()
        resolve()
      })
    })
    const send = nodeSender({ proxy: `http://127.0.0.1:${await listening(server)}` })
    const model = chatModel({ baseUrl: 'https://llm.plant/v1', model: 'm', send, retries: 0 })
    const answer = invoke(model, hello, { deadlineMs: 5_000 }).catch((fault: Fault) => fault)
    await asked
    send.close()
    expect(await answer).toMatchObject({ code: 'unavailable', message: /the sender was closed/ })
    await leaving
  })

  /** Lets through who says the right words, and remembers what it saw. */
  async function proxy(): Promise<{ readonly url: (credentials: string) => string; readonly seen: string[] }> {
    const seen: string[] = []
    const allowed = (headers: Readonly<Record<string, unknown>>) =>
      headers['proxy-authorization'] === `Basic ${Buffer.from('plant:se:cret').toString('base64')}`
    const server = createPlainServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (!allowed(request.headers)) return void response.writeHead(407).end()
      const { 'proxy-authorization': _, ...headers } = request.headers
      const onward = requestHttp(request.url ?? '', { method: 'POST', headers }, (answer) => answer.pipe(response))
      request.pipe(onward)
    })
    server.on('connect', (request, socket: Duplex) => {
      seen.push(`CONNECT ${request.url}`)
      if (!allowed(request.headers)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      const [host = '', port] = (request.url ?? '').split(':')
      const through = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        through.pipe(socket).pipe(through)
      })
      for (const end of [through, socket]) end.on('error', () => {})
      endings.push(() => through.destroy())
    })
    const port = await listening(server)
    return { url: (credentials) => `http://${credentials}@127.0.0.1:${port}`, seen }
  }

  it('reaches an encrypted server through the tunnel of a proxy, which reads nothing', async () => {
    const { url, seen } = await proxy()
    const target = await secureServer()
    expect(await ask(target, { ca, proxy: url('plant:se%3Acret') })).toEqual(answered)
    expect(seen).toEqual([`CONNECT ${new URL(target).host}`])
  })

  it('reaches an open server through a proxy', async () => {
    const { url, seen } = await proxy()
    const server = await serverThat(hi)
    expect(await ask(server.url, { proxy: url('plant:se%3Acret') })).toEqual(answered)
    expect(seen).toEqual([`POST ${server.url}/chat/completions`])
  })

  it('says what is wrong with the address of a proxy, and not its password', () => {
    const wrong = () => nodeSender({ proxy: 'http://plant:se-cret@proxy:99999' })
    expect(wrong).toThrow(/proxy is no address/)
    expect(() => {
      try {
        wrong()
      } catch (problem) {
        throw new Error(JSON.stringify(problem, Object.getOwnPropertyNames(problem)))
      }
    }).not.toThrow(/se-cret/)
  })

  it.skipIf(!hasSixth)('reaches a proxy and servers at addresses of the sixth version', async () => {
    const seen: string[] = []
    const server = createPlainServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.end(JSON.stringify(completion({ content: 'hi' })))
    })
    server.on('connect', (request, socket: Duplex) => {
      seen.push(`CONNECT ${request.url}`)
      socket.end('HTTP/1.1 502 No Way\r\n\r\n')
    })
    const proxy = `http://[::1]:${await listening(server, '::1')}`
    expect(await ask('http://llm.plant/v1', { proxy })).toEqual(answered)
    expect(await ask('https://[::1]:8443/v1', { proxy })).toMatchObject({ code: 'unavailable', message: /502/ })
    expect(seen).toEqual(['POST http://llm.plant/v1/chat/completions', 'CONNECT [::1]:8443'])
  })

  it('takes any success of a proxy for one, and gives up one that never answers', async () => {
    const secure = new HttpsAgent()
    endings.push(() => secure.destroy())
    const target = new URL(await secureServer())
    let silent = true
    let left = () => {}
    const leaving = new Promise<void>((resolve) => {
      left = resolve
    })
    const server = createPlainServer()
    server.on('connect', (_request, socket: Duplex) => {
      if (silent) {
        socket.once('end', left).once('error', left).resume()
        return
      }
      const through = connect(Number(target.port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 201 Created\r\n\r\n')
        through.pipe(socket).pipe(through)
      })
      endings.push(() => through.destroy())
    })
    const url = new URL(`http://127.0.0.1:${await listening(server)}`)
    proxied(url, secure, 40)
    const tunnel = () =>
      new Promise<Error | null>((resolve) =>
        secure.createConnection({ host: 'localhost', port: target.port, ca } as never, (problem) => resolve(problem)),
      )
    expect(await tunnel()).toMatchObject({ message: /did not answer within 40 ms/ })
    await leaving
    silent = false
    proxied(url, secure)
    expect(await tunnel()).toBeNull()
  })

  it('says that the proxy refuses, and not with which words', async () => {
    const { url } = await proxy()
    for (const target of [await secureServer(), (await serverThat(hi)).url]) {
      const fault = await ask(target, { ca, proxy: url('plant:wrong') })
      expect(fault).toMatchObject({ code: 'denied', details: { status: 407 }, message: /407.*user.*password/ })
      expect(JSON.stringify(fault)).not.toContain('wrong')
    }
  })
})
