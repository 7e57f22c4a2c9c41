// Asks a real OpenAI-compatible server (llama-cpp-python) that serves a real model, through `chatModel`, and says what came of it.
//
//   npx pnpm@12.21.0 run check:llm-server [--record DIR]
//
// It makes a Python environment in the ignored folder `.engines/llama-server`, where pip compiles the server the first time (ten
// minutes and more), and serves DINRAIL_GGUF or the model beside the checkout. With DINRAIL_LLM_URL and DINRAIL_LLM_MODEL it
// starts nothing and asks that server. The model is small and judges badly; what is checked is that everything arrives.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chatModel, record } from '@dinrail/adapters-llm'
import { type ChatInput, type ChatPart, Fault, invoke, type Reply, stream } from '@dinrail/core'
import { callsSetSpeed, judges, says } from '../packages/adapters-llm/src/recorded-questions.test-support.ts'

const root = path.resolve(import.meta.dirname, '..')
const folder = path.join(root, '.engines/llama-server')
const python = path.join(folder, process.platform === 'win32' ? 'venv/Scripts/python.exe' : 'venv/bin/python')
const packages = ['llama-cpp-python[server]==0.3.36']
const contextTokens = 1_024
const patient = { deadlineMs: 240_000 }

const { values } = parseArgs({
  options: { record: { type: 'string' } },
  args: process.argv.slice(2).filter((one) => one !== '--'),
})

function install(): void {
  const has = () => spawnSync(python, ['-c', 'import llama_cpp.server.app'], { stdio: 'ignore' }).status === 0
  if (existsSync(python) && has()) return
  console.log(`installing ${packages} in ${folder}: pip compiles it, which takes a while …`)
  mkdirSync(folder, { recursive: true })
  const steps = [
    ['python3', ['-m', 'venv', path.join(folder, 'venv')]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]],
  ] as const
  for (const [command, args] of steps)
    if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0)
      throw new Error(`${command} ${args.join(' ')} failed`)
  if (!has()) throw new Error('the server was installed and does not start')
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

interface Served {
  readonly url: string
  readonly model: string
  stop(): Promise<void>
}

async function serve(gguf: string): Promise<Served> {
  install()
  const port = await freePort()
  // One thread: more of them spin against each other where the cores are busy.
  const threads = ['--n_threads', '1', '--n_threads_batch', '1']
  const model = ['--model', gguf, '--model_alias', 'local', '--n_ctx', String(contextTokens)]
  const server: ChildProcess = spawn(
    python,
    ['-m', 'llama_cpp.server', ...model, ...threads, '--host', '127.0.0.1', '--port', String(port)],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000)
      if (said.includes('Uvicorn running')) resolve()
    })
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said}`)))
  })
  return {
    url: `http://127.0.0.1:${port}/v1`,
    model: 'local',
    async stop() {
      server.kill('SIGTERM')
      await ended
    },
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

async function inParts(model: ReturnType<typeof chatModel>, input: ChatInput) {
  const parts: ChatPart[] = []
  const answer = stream(model, input, patient)
  for await (const part of answer) parts.push(part)
  return { parts, reply: await answer.finish() }
}

const textOf = ({ output }: Reply<{ content: readonly { kind: string }[] }>) =>
  output.content.map((part) => ('text' in part ? String(part.text) : '')).join('')
const tokensOf = ({ output: { tokens } }: Reply<{ tokens: object }>) => JSON.stringify(tokens)

/** What is asked, in words, and how its answer is judged. Each gives a line for the report. */
function checks({ url, model: name }: Served, send: ReturnType<typeof record>['send']) {
  const ask = (more: Partial<Parameters<typeof chatModel>[0]> = {}) =>
    chatModel({ baseUrl: url, model: name, key: 'sk-check-secret', send, ...more })
  return [
    {
      what: 'answers in one piece, with its tokens',
      async run() {
        const reply = await invoke(ask(), says('What is a ball bearing?'), patient)
        must(/\w+ \w+/.test(textOf(reply)), `no words: ${JSON.stringify(reply.output)}`)
        must((reply.output.tokens.input ?? 0) > 5 && (reply.output.tokens.output ?? 0) > 1, `tokens ${tokensOf(reply)}`)
        return `“${textOf(reply).slice(0, 60)}…” ${tokensOf(reply)}`
      },
    },
    {
      what: 'streams the same answer in many parts and one end',
      async run() {
        const whole = await invoke(ask(), says('Name three metals.'), patient)
        const { parts, reply } = await inParts(ask(), says('Name three metals.'))
        const told = parts.map((part) => (part.kind === 'text-delta' ? part.text : '')).join('')
        must(parts.length > 3, `only ${parts.length} parts`)
        must(
          told === textOf(reply) && told === textOf(whole),
          `streamed ${JSON.stringify(told)}, whole ${JSON.stringify(textOf(whole))}`,
        )
        return `${parts.length} parts, finish ${reply.output.finishReason}, tokens ${tokensOf(reply)} (absent where the server does not say them)`
      },
    },
    ...([false, true] as const).map((streamed) => ({
      what: `calls a tool under its schema${streamed ? ', streamed' : ''}`,
      async run() {
        const reply = streamed
          ? (await inParts(ask(), callsSetSpeed)).reply
          : await invoke(ask(), callsSetSpeed, patient)
        const [call] = reply.output.content.filter((part) => part.kind === 'tool-call')
        must(
          call?.name === 'set_speed' && typeof (call.arguments as { speed?: unknown }).speed === 'number',
          JSON.stringify(reply.output),
        )
        must(reply.output.finishReason === 'tool-calls', `finish ${reply.output.finishReason}`)
        return JSON.stringify(call?.arguments)
      },
    })),
    {
      what: 'gives a structured answer by a tool that it must call',
      async run() {
        const model = ask({ chat: { structuredOutput: 'tool-call' } })
        const reply = await invoke(model, judges, patient)
        must(reply.output.structured?.by === 'tool-call', JSON.stringify(reply.output))
        return JSON.stringify(reply.output.structured)
      },
    },
    {
      what: 'turns an overflowing conversation into a fault',
      async run() {
        const fault = await invoke(ask({ retries: 0 }), says('bearing '.repeat(2 * contextTokens)), patient).then(
          () => undefined,
          (thrown: unknown) => Fault.from(thrown),
        )
        must(fault?.code === 'invalid-input', `ended in ${fault?.code ?? 'an answer'}: ${fault?.message}`)
        return `${fault?.code}: ${fault?.message.slice(0, 120)}`
      },
    },
    {
      what: 'lets go when its caller does, and answers the next',
      async run() {
        let parts = 0
        for await (const _ of stream(ask(), says('Tell a long story.', { maxOutputTokens: 400 }), patient))
          if (++parts === 3) break
        const started = performance.now()
        await invoke(ask(), says('Hi', { maxOutputTokens: 2 }), patient)
        return `left after ${parts} parts; the next answer took ${Math.round(performance.now() - started)} ms`
      },
    },
  ]
}

async function run(): Promise<number> {
  const { DINRAIL_LLM_URL: url, DINRAIL_LLM_MODEL: name, DINRAIL_GGUF } = process.env
  const gguf = DINRAIL_GGUF || path.join(root, '../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf')
  if (!(url && name) && !existsSync(gguf)) throw new Error(`there is no model at ${gguf}: DINRAIL_GGUF names one`)
  const served: Served = url && name ? { url, model: name, stop: async () => {} } : await serve(gguf)
  console.log(
    `${served.model} at ${new URL(served.url).host}${url ? '' : `, which serves ${path.basename(gguf)} by ${packages}`}`,
  )
  let failed = 0
  try {
    for (const [i, { what, run: check }] of checks(served, async (request) => recorder.send(request)).entries()) {
      recorder = record()
      const started = performance.now()
      try {
        const line = await check()
        console.log(`✓ ${what} (${Math.round(performance.now() - started)} ms)\n    ${line}`)
      } catch (problem) {
        failed += 1
        console.log(`✗ ${what}\n    ${(problem as Error).message}`)
      }
      if (values.record === undefined) continue
      mkdirSync(values.record, { recursive: true })
      const file = path.join(values.record, `llama-cpp-python-${i + 1}.json`)
      writeFileSync(file, `${JSON.stringify({ what, ...recorder.recording() }, undefined, 1)}\n`)
    }
  } finally {
    await served.stop()
  }
  console.log(failed === 0 ? 'all checks hold' : `${failed} checks failed`)
  return failed === 0 ? 0 : 1
}

let recorder = record()
process.exitCode = await run().catch((problem: unknown) => {
  console.error((problem as Error).message)
  return 1
})
