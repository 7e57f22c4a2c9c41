import { type ClientRequest, type RequestOptions, request as requestHttp } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { Fault } from '@dinrail/core'

/** How requests reach a server behind a proxy. */
export interface ProxiedWay {
  /** Unencrypted ones are read by the proxy, which is told the whole address. */
  routeTo(target: URL): RequestOptions
  /** Gives up the tunnels that are being made. */
  close(): void
}

export function directly({ hostname, port, pathname, search }: URL): RequestOptions {
  return { host: unbracketed(hostname), ...(port !== '' && { port }), path: `${pathname}${search}` }
}

/** An address of the sixth version stands in brackets in a URL, and without them wherever Node takes one. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** How long a tunnel may take to be made: whoever asked for it may be gone, and nobody else would close it. */
const longestTunnelMs = 30_000

/** Makes the agent's connections go through a tunnel of the proxy, where nobody but the server reads them. */
export function proxied(proxy: URL, secure: HttpsAgent, patienceMs = longestTunnelMs): ProxiedWay {
  if (proxy.protocol !== 'http:')
    throw new TypeError(
      `nodeSender: the proxy begins with '${proxy.protocol}', only http: is known, as in http://proxy.plant:3128`,
    )
  const credentials = credentialsOf(proxy)
  const making = new Set<() => void>()
  const authorization: Readonly<Record<string, string>> =
    proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
  const address = { host: unbracketed(proxy.hostname), port: Number(proxy.port || 80) }

  const tunnel: HttpsAgent['createConnection'] = (options, callback) => {
    const { host, port = 443, servername } = options as { host?: string; port?: number | string; servername?: string }
    const authority = `${host?.includes(':') ? `[${host}]` : host}:${port}`
    const request = requestHttp({
      ...address,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...authorization },
      agent: false,
    })
    const settle = callback as ((problem: Error | null, socket?: Duplex) => void) | undefined
    let end: Duplex | ClientRequest = request
    const giveUp = (why: string) => end.destroy(new Error(why))
    const timer = setTimeout(() => giveUp(`the proxy ${proxy.host} did not answer within ${patienceMs} ms`), patienceMs)
    const leave = () => giveUp('the sender was closed')
    making.add(leave)
    const made = () => {
      clearTimeout(timer)
      making.delete(leave)
    }
    const failed = (problem: Error) => {
      made()
      end.destroy()
      settle?.(problem)
    }
    request.on('error', failed)
    request.on('connect', ({ statusCode = 0 }, socket) => {
      end = socket
      if (statusCode < 200 || statusCode >= 300) {
        failed(tunnelRefused(proxy, statusCode))
        return
      }
      const named = servername === undefined || servername === '' ? {} : { servername }
      const secured = connectTls({ ...(options as object), ...named, socket })
      end = secured
      secured.once('error', failed)
      secured.once('secureConnect', () => {
        made()
        secured.removeListener('error', failed)
        settle?.(null, secured)
      })
    })
    request.end()
    return undefined as never
  }
  secure.createConnection = tunnel

  return {
    routeTo: (target) =>
      target.protocol === 'https:'
        ? directly(target)
        : { ...address, path: target.href, headers: { host: target.host, ...authorization } },
    close() {
      for (const leave of making) leave()
    },
  }
}

/** Node's own error of a percent sign that is none does not say where it stands. */
function credentialsOf({ username, password }: URL): string {
  try {
    return [username, password].map(decodeURIComponent).join(':')
  } catch {
    throw new TypeError('nodeSender: the user or the password of the proxy holds a % that must be written as %25')
  }
}

/** The proxy does not know who asks, which no second attempt changes; else it cannot reach the server now. */
function tunnelRefused({ host }: URL, status: number): Fault {
  const said = `the proxy ${host} answers ${status}`
  return status === 407
    ? new Fault('denied', `${said}: are its user and password right?`, { details: { status } })
    : new Fault('unavailable', said, { details: { status } })
}
