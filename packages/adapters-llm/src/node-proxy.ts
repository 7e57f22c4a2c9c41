import { type RequestOptions, request as requestHttp } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

/** How requests reach a server behind a proxy. */
export interface ProxiedWay {
  /** Unencrypted ones are read by the proxy, which is told the whole address. */
  routeTo(target: URL): RequestOptions
}

export function directly({ hostname, port, pathname, search }: URL): RequestOptions {
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, ...(port !== '' && { port }), path: `${pathname}${search}` }
}

/** Makes the agent's connections go through a tunnel of the proxy, where nobody but the server reads them. */
export function proxied(proxy: URL, secure: HttpsAgent): ProxiedWay {
  if (proxy.protocol !== 'http:')
    throw new TypeError(`nodeSender: the proxy begins with '${proxy.protocol}', only http: is known`)
  const credentials = [proxy.username, proxy.password].map(decodeURIComponent).join(':')
  const authorization: Readonly<Record<string, string>> =
    proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
  const address = { host: proxy.hostname, port: Number(proxy.port || 80) }

  const tunnel: HttpsAgent['createConnection'] = (options, callback) => {
    const { host, port = 443, servername } = options as { host?: string; port?: number | string; servername?: string }
    const request = requestHttp({
      ...address,
      method: 'CONNECT',
      path: `${host}:${port}`,
      headers: { host: `${host}:${port}`, ...authorization },
      agent: false,
    })
    const settle = callback as ((problem: Error | null, socket?: Duplex) => void) | undefined
    request.on('error', (problem) => settle?.(problem))
    request.on('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy()
        settle?.(new Error(`the proxy ${proxy.host} answers ${response.statusCode}`))
        return
      }
      const named = servername === undefined || servername === '' ? {} : { servername }
      const secured = connectTls({ ...(options as object), ...named, socket })
      const failed = (problem: Error) => settle?.(problem)
      secured.once('error', failed)
      secured.once('secureConnect', () => {
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
  }
}
