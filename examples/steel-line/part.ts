import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A part of the line that runs in a process of its own, as on a machine of its own. */
export interface Part {
  readonly name: string
  readonly process: ChildProcess
  stop(): Promise<void>
}

/** Starts a part. It announces its models by itself; `onExit` is told when it ends before it is stopped. */
export function startPart(name: string, environment: Record<string, string>, onExit: (reason: string) => void): Part {
  const child = fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stopping = false
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000)
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.once('exit', (code, signal) => {
    if (!stopping)
      onExit(
        `${name} ended ${signal ? `by ${signal}` : `with exit code ${code}`}${complaint ? `: ${complaint.trim()}` : ''}`,
      )
  })
  return {
    name,
    process: child,
    async stop() {
      stopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Inside a part: runs on until the parent process stops it or dies, then cleans up and exits. */
export async function untilParentLeaves(cleanUp: () => Promise<void>): Promise<void> {
  process.on('SIGINT', () => {}) // Ctrl-C reaches the whole group; the parent decides what it means.
  await new Promise<void>((resolve) => process.once('disconnect', resolve))
  await cleanUp()
  process.exit(0)
}
