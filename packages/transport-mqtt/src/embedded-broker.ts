import { createServer, type Socket } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'

export interface EmbeddedBrokerOptions {
  /** 0, which is the default, takes any free one. */
  readonly port?: number
  /** `127.0.0.1` unless stated: only this machine. Whoever states another opens the broker to that network. */
  readonly host?: string
  /** Passed on to aedes: `authenticate`, `authorizePublish`, `authorizeSubscribe`, limits. */
  readonly aedes?: AedesOptions
}

export interface EmbeddedBroker {
  /** What `mqttTransport({ url })` takes. */
  readonly url: string
  readonly port: number
  /** Cuts all connections and frees the port. What was retained is gone. */
  close(): Promise<void>
}

/** An MQTT 3.1.1 broker in this process, for one machine or for tests. Throws what `listen` throws, such as EADDRINUSE. */
export async function embeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { port = 0, host = '127.0.0.1' } = options
  const aedes = await Aedes.createBroker(options.aedes)
  const sockets = new Set<Socket>()
  // Without noDelay a call over one connection waits 40 ms for a delayed acknowledgement (Nagle).
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (problem) {
    aedes.close()
    throw problem
  }
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('the broker has no TCP port')
  let closed: Promise<void> | undefined
  return {
    url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${bound.port}`,
    port: bound.port,
    close() {
      closed ??= (async () => {
        const ended = new Promise<void>((resolve) => server.close(() => resolve()))
        for (const socket of sockets) socket.destroy()
        await new Promise<void>((resolve) => aedes.close(resolve))
        await ended
      })()
      return closed
    },
  }
}
