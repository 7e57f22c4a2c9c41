// Large models: Dinrail beside loops that were written by hand and beside other libraries, over one mock server. Contenders take turns,
// each in a process of its own; what is printed are medians and ratios.
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { against, median } from '../measure.ts'
import type { Order, Timing } from './contender-process.ts'
import { deltas, toolCalls } from './task.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const contenders = path.join(folder, 'contenders')
const installed = path.join(contenders, 'node_modules')
const rounds = Number(process.env.DINRAIL_BENCH_ROUNDS ?? 9)
const atOnce = 200
/** In one round: enough for the compiler to have seen all of it before the rounds that count. */
const loopsEach = 20

/** In the order in which they are printed; the first is what others are compared with. */
const files: Readonly<Record<string, string>> = {
  'by hand, node:http': 'hand-http.ts',
  'by hand, fetch': 'hand-fetch.ts',
  'dinrail, node:http': 'dinrail-node.ts',
  'dinrail, fetch': 'dinrail.ts',
  openai: 'openai.mjs',
  ai: 'ai-sdk.mjs',
  '@openai/agents': 'openai-agents.mjs',
  genkit: 'genkit.mjs',
  langchain: 'langchain.mjs',
}

if (!existsSync(installed)) {
  console.log('installing what Dinrail is compared with, half a gigabyte, once …')
  spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error'],
    {
      cwd: contenders,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    },
  )
}

/** The next message of a child, or a rejection with its end. */
function said<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as Message)
    })
  })
}

const server = fork(path.join(folder, 'mock-server.ts'), { execArgv: process.execArgv })
const url = await said<string>(server)
const processes = new Map<string, ChildProcess>()
for (const [name, file] of Object.entries(files)) {
  const child = fork(path.join(folder, 'contender-process.ts'), [path.join(contenders, file)], {
    execArgv: process.execArgv,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let problems = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    problems += text
  })
  try {
    await said(child)
    processes.set(name, child)
  } catch {
    console.log(`${name} does not run here: ${/\w*Error: .*/.exec(problems)?.[0] ?? problems.slice(-200)}`)
  }
}

async function timed(child: ChildProcess, order: Omit<Order, 'url'>): Promise<Timing> {
  child.send({ ...order, url })
  const answer = await said<Timing | { readonly problem: string }>(child)
  if ('problem' in answer) throw new Error(answer.problem)
  return answer
}

/** The median of one figure of every contender, measured in turn. */
async function measure(
  title: string,
  unit: string,
  order: Omit<Order, 'url'>,
  figureOf: (timing: Timing) => number,
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map<string, number[]>()
  for (let round = -2; round < rounds; round++)
    for (const [name, child] of processes) {
      try {
        const figure = figureOf(await timed(child, order))
        if (round >= 0) taken.set(name, [...(taken.get(name) ?? []), figure])
      } catch (problem) {
        console.log(`${name} gave up: ${(problem as Error).message}`)
        child.kill()
        processes.delete(name)
      }
      process.stderr.write(`\r${title}: round ${round + 3} of ${rounds + 2}   `)
    }
  process.stderr.write('\r\u001b[K')
  const medians = new Map([...taken].map(([name, figures]) => [name, median(figures)]))
  print(title, unit, medians)
  return medians
}

function print(title: string, unit: string, figures: ReadonlyMap<string, number>): void {
  console.log(`\n${title}`)
  const first = [...figures.values()][0] ?? Number.NaN
  for (const [name, figure] of figures)
    console.log(
      `  ${name.padEnd(20)} ${figure.toFixed(1).padStart(10)} ${unit} ${(figure / first).toFixed(2).padStart(8)}×`,
    )
}

const ratio = (figures: ReadonlyMap<string, number>, one: string, other: string) =>
  (figures.get(one) ?? Number.NaN) / (figures.get(other) ?? Number.NaN)

const loops = await measure(
  `A step of a loop of ${toolCalls} tool calls`,
  'µs',
  { what: 'loop', times: loopsEach, atOnce: 1 },
  ({ wallMs }) => (wallMs * 1000) / (loopsEach * (toolCalls + 1)),
)
const overHttp = ratio(loops, 'dinrail, node:http', 'by hand, node:http')
const overFetch = ratio(loops, 'dinrail, node:http', 'by hand, fetch')
against('at most 1×', `${overFetch.toFixed(2)}× the loop over fetch that was written by hand`, overFetch <= 1)
against('at most 1.5×', `${overHttp.toFixed(2)}× the loop over node:http that was written by hand`, overHttp <= 1.5)

const streams = await measure(
  'Processor time of the client for a delta of a stream',
  'µs',
  { what: 'stream', times: 2, atOnce: 1 },
  ({ cpuMs }) => (cpuMs * 1000) / (2 * deltas),
)
const perDelta = ratio(streams, 'dinrail, node:http', 'by hand, node:http')
against('at most 2×', `${perDelta.toFixed(2)}× the reader that was written by hand`, perDelta <= 2)

const crowds = await measure(
  `${atOnce} runs at once, ${toolCalls} tool calls each`,
  'ms',
  { what: 'loop', times: 1, atOnce },
  ({ wallMs }) => wallMs,
)
const crowd = ratio(crowds, 'dinrail, node:http', 'by hand, node:http')
against('at most 1.3×', `${crowd.toFixed(2)}× the loops over node:http that were written by hand`, crowd <= 1.3)
for (const child of processes.values()) child.kill()
server.kill()

/** What a user's program imports before it can do the task. */
const imports: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  dinrail: ['@dinrail/core', '@dinrail/adapters-llm', '@dinrail/agent-kit'],
  openai: ['openai'],
  ai: ['ai', '@ai-sdk/openai-compatible'],
  '@openai/agents': ['@openai/agents'],
  genkit: ['genkit', '@genkit-ai/compat-oai'],
  langchain: ['langchain', '@langchain/openai'],
}
const startUps = new Map<string, number[]>()
for (let round = 0; round < 11; round++)
  for (const [name, specifiers] of Object.entries(imports)) {
    const program = specifiers.map((specifier) => `import '${specifier}'`).join('\n')
    const began = performance.now()
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: contenders })
    if (status === 0) startUps.set(name, [...(startUps.get(name) ?? []), performance.now() - began])
  }
const empty = median(startUps.get('nothing') ?? [])
const over = new Map([...startUps].map(([name, figures]) => [name, median(figures) - empty]))
over.delete('nothing')
print('Import, over an empty program', 'ms', over)
const dinrailImport = over.get('dinrail') ?? Number.NaN
against('at most 15 ms', `${dinrailImport.toFixed(1)} ms`, dinrailImport <= 15)

const sizes = new Map<string, number>()
for (const [name, file] of [
  ['dinrail', 'dinrail.ts'],
  ['openai', 'openai.mjs'],
  ['ai', 'ai-sdk.mjs'],
  ['langchain', 'langchain.mjs'],
] as const) {
  const { outputFiles } = await build({
    entryPoints: [path.join(contenders, file)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    external: ['zod', 'zod/*', 'node:*', 'async_hooks'],
    logLevel: 'silent',
    tsconfig: fileURLToPath(new URL('../../tsconfig.built.json', import.meta.url)),
  }).catch((problem: Error) => {
    console.log(`${name} cannot be bundled for a browser: ${problem.message.split('\n')[0]}`)
    return { outputFiles: [] }
  })
  for (const { contents } of outputFiles) sizes.set(name, gzipSync(contents).length / 1000)
}
print('Browser bundle of one model and one tool, without zod', 'kB gzip', sizes)
const size = sizes.get('dinrail') ?? Number.NaN
against('at most 12 kB', `${size.toFixed(1)} kB`, size <= 12)
