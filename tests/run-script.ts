import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A TypeScript file that runs as a user runs it: a process of its own, against the built packages. */
export interface RunningScript {
  readonly process: ChildProcess
  /** Settles once the output holds the text; rejects when the process ends without it. */
  printed(text: string | RegExp): Promise<void>
  /** All that it wrote so far, both streams. */
  output(): string
  readonly ended: Promise<{ readonly exitCode: number | null; readonly output: string }>
}

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))

export function runScript(
  file: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): RunningScript {
  const own = { ...process.env, NO_COLOR: '1', TSX_TSCONFIG_PATH: 'tsconfig.built.json', ...environment }
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: projectRoot,
    env: own,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const listener of listeners) listener()
    })
  const ended = new Promise<{ exitCode: number | null; output: string }>((resolve) =>
    child.once('close', (exitCode) => resolve({ exitCode, output })),
  )
  return {
    process: child,
    output: () => output,
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (typeof text === 'string' ? !output.includes(text) : !text.test(output)) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
        ended.then(() => reject(new Error(`${file} ended without printing ${text}:\n${output}`)))
      }),
  }
}
