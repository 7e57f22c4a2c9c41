import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { Fault } from '@dinrail/core'
import { directly, proxied } from './node-proxy.ts'
import type { HttpRequest, HttpResponse, Sender } from './sender.ts'
import { refuseUnknown } from './stated-options.ts'

export interface NodeSenderOptions extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'> {
  /** `http://user:password@host:port` of a proxy; encrypted requests go through it unread. */
  readonly proxy?: string | undefined
  /** Connections to one server at the same time; any number unless stated. */
  readonly connections?: number | undefined
}

export interface NodeSender extends Sender {
  /** Closes the connections that are kept. */
  close(): void
}

/**
 * Sends over connections that are kept open, which takes about half the time of `fetch`. `ca` trusts a plant's own
 * certificates beside nothing else, `cert` and `key` say who asks (mTLS). One sender may serve many models. Throws a
 * `TypeError` for certificates, keys and proxies that cannot be used.
 */
export function nodeSender(options: NodeSenderOptions = {}): NodeSender {
  refuseUnknown('nodeSender', options, 'ca cert key passphrase proxy connections')
  const { proxy, connections, ...tls } = options
  if (connections !== undefined && !(Number.isInteger(connections) && connections > 0))
    throw new TypeError(`nodeSender: connections is ${connections}, no whole number above 0`)
  checkCertificates(tls)
  const kept = {
    keepAlive: true,
    scheduling: 'lifo',
    ...(connections !== undefined && { maxSockets: connections }),
  } as const
  const plain = new HttpAgent(kept)
  const secure = new HttpsAgent({ ...kept, ...tls })
  const way = proxy === undefined ? undefined : proxied(readProxy(proxy), secure)
  // Where a request goes is worked out once for each address.
  const routes = new Map<string, RequestOptions>()
  function routeTo(url: string): RequestOptions {
    let route = routes.get(url)
    if (route === undefined) {
      const target = new URL(url)
      const agent = target.protocol === 'https:' ? secure : plain
      route = { method: 'POST', agent, ...(way?.routeTo(target) ?? directly(target)) }
      routes.set(url, route)
    }
    return route
  }

  function begin({ url, headers }: HttpRequest, length: number): ClientRequest {
    const route = routeTo(url)
    const own = { 'accept-encoding': 'identity', 'content-length': length, ...route.headers }
    const options = { ...route, headers: { ...headers, ...own } }
    return route.agent === secure ? requestHttps(options) : requestHttp(options)
  }

  const send = (sent: HttpRequest): Promise<HttpResponse> =>
    new Promise((resolve, reject) => {
      const { signal, body } = sent
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const length = Buffer.byteLength(body)
      const request = begin(sent, length)
      const onAbort = () => request.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      signal.addEventListener('abort', onAbort, { once: true })
      request.on('error', (problem) => {
        signal.removeEventListener('abort', onAbort)
        reject(problem)
      })
      request.on('response', (response) => {
        const encoding = headerOf(response, 'content-encoding') ?? 'identity'
        if (encoding !== 'identity') {
          reject(compressed(encoding))
          request.destroy()
          signal.removeEventListener('abort', onAbort)
          return
        }
        resolve(received(response, () => signal.removeEventListener('abort', onAbort)))
      })
      // As text it leaves with the headers in one write; one of plain letters need not be encoded for it.
      request.end(body, length === body.length ? 'latin1' : 'utf8')
    })

  return Object.assign(send, {
    close() {
      plain.destroy()
      secure.destroy()
      way?.close()
    },
  })
}

/** Node ignores authorities that are none, and tells of other mistakes when something is sent. */
function checkCertificates(tls: Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'>): void {
  for (const one of [tls.ca ?? []].flat())
    if (!String(one).includes('-----BEGIN'))
      throw new TypeError('nodeSender: ca holds no certificate in PEM: give what stands in the file, not its path')
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new TypeError('nodeSender: cert and key go together: without one of them nobody is told who asks')
  for (const [name, one] of Object.entries({ cert: tls.cert, key: tls.key }))
    if (one?.length === 0) throw new TypeError(`nodeSender: ${name} is empty`)
  if (tls.ca === undefined && tls.cert === undefined && tls.key === undefined) return
  try {
    createSecureContext(tls)
  } catch (problem) {
    throw new TypeError(
      `nodeSender: cert and key cannot be used together, or passphrase does not open the key (${(problem as Error).message})`,
    )
  }
}

function compressed(encoding: string): Fault {
  return new Fault('unavailable', `the server compresses its answer (${encoding}), though nobody asked it to`, {
    retryable: false,
  })
}

/** Node's own error quotes the whole address, with the password. */
function readProxy(proxy: string): URL {
  if (URL.canParse(proxy)) return new URL(proxy)
  throw new TypeError('nodeSender: the proxy is no address such as http://proxy.plant:3128')
}

/** One header by its lower-case name; Node's `headers` would make an object of all of them first. */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === name) return rawHeaders[i + 1]
  return undefined
}

/** How many chunks may wait to be read before the server is made to wait. */
const mostWaiting = 16

function received(response: IncomingMessage, over: () => void): HttpResponse {
  const waiting: Uint8Array[] = []
  let ended = false
  let failure: Error | undefined
  let settle: { resolve(bytes: Uint8Array | undefined): void; reject(problem: Error): void } | undefined

  response.on('data', (bytes: Uint8Array) => {
    if (settle !== undefined) {
      settle.resolve(bytes)
      settle = undefined
      return
    }
    waiting.push(bytes)
    if (waiting.length >= mostWaiting) response.pause()
  })
  const end = (problem?: Error) => {
    if (ended) return
    ended = true
    failure = problem
    over()
    if (problem === undefined) settle?.resolve(undefined)
    else settle?.reject(problem)
    settle = undefined
  }
  response.on('end', () => end())
  response.on('error', end)
  response.on('close', () => {
    // An error costs as much as the reading of a small answer, and each response is closed in the end.
    if (!ended) end(new Error('the connection was closed'))
  })

  return {
    status: response.statusCode ?? 0,
    header: (name) => headerOf(response, name),
    read() {
      const bytes = waiting.shift()
      if (bytes !== undefined) {
        if (waiting.length === 0 && response.isPaused()) response.resume()
        return Promise.resolve(bytes)
      }
      if (failure !== undefined) return Promise.reject(failure)
      if (ended) return Promise.resolve(undefined)
      return new Promise((resolve, reject) => {
        settle = { resolve, reject }
      })
    },
    close() {
      if (!ended) response.destroy()
      over()
    },
  }
}
