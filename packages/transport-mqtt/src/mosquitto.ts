import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectSocket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** For tests and benchmarks only: Debian's mosquitto as a child process. Not part of the package. */
export interface Mosquitto {
  readonly url: string
  readonly port: number
  /** Stops and continues the process without closing its sockets, as a hung broker does. */
  freeze(): void
  thaw(): void
  /** Kills it; nothing is said to its clients. */
  close(): Promise<void>
}

export const mosquittoPath = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(
  (path) => existsSync(path),
)

export async function mosquitto(
  options: { readonly port?: number; readonly noDelay?: boolean } = {},
): Promise<Mosquitto> {
  if (mosquittoPath === undefined) throw new Error('mosquitto is not installed')
  const port = options.port ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'dinrail-mosquitto-'))
  const configuration = join(folder, 'mosquitto.conf')
  await writeFile(
    configuration,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay ${options.noDelay ?? true}\npersistence false\n`,
  )
  const child = spawn(mosquittoPath, ['-c', configuration], { stdio: 'ignore' })
  // Ends the broker, frozen or not, when this process goes without closing it: benchmarks have no hook for that.
  const guard = spawn('sh', ['-c', `cat; kill -9 ${child.pid}; rm -rf '${folder}'`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await accepts(port)
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      guard.kill()
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      server.close(() =>
        bound !== null && typeof bound === 'object' ? resolve(bound.port) : reject(new Error('no port')),
      )
    })
  })
}

/** Asks again until the port answers. */
function accepts(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', () => setTimeout(() => accepts(port).then(resolve), 10))
  })
}
