import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isMissing } from '../../tests/missing-part.ts'
import { projectRoot, runScript } from '../../tests/run-script.ts'

const data = process.env.DINRAIL_DATA ?? path.join(projectRoot, '../shared/data')
let journals: string

beforeEach(async () => {
  journals = await mkdtemp(path.join(tmpdir(), 'steel-line-'))
})
afterEach(() => rm(journals, { recursive: true }))

const noLargeModel = { DINRAIL_LLM_URL: '', DINRAIL_LLM_MODEL: '', DINRAIL_LLM_KEY: '', DINRAIL_GGUF: '' }
const start = (args: readonly string[] = [], environment: Record<string, string> = noLargeModel) =>
  runScript('examples/steel-line/start.ts', ['--journals', journals, ...args], environment)

async function journalFile(): Promise<string> {
  const [name] = (await readdir(journals)).filter((file) => file.endsWith('.jsonl'))
  return path.join(journals, name!)
}

async function expectJournalHolds(): Promise<void> {
  const { exitCode, output } = await runScript('examples/steel-line/start.ts', ['--verify', await journalFile()]).ended
  expect(output).toContain('the chain holds')
  expect(exitCode).toBe(0)
}

describe('the steel line', () => {
  it('diagnoses, plans, is accepted once and refused once, and leaves a journal that verifies', async () => {
    const { exitCode, output } = await start().ended
    expect(output).toContain('no machine stands behind these numbers')
    expect(output).toContain('accepted: 11 m/s, read back: true')
    expect(output).toContain('refused: approval-required')
    expect(output).toMatch(/refused: out-of-limits {2}.*25 m\/s is above 15 m\/s/)
    expect(output).toContain('no language model was asked')
    expect(output).toContain('work order WO-1001')
    expect(exitCode).toBe(0)
    await expectJournalHolds()
  })

  it('goes the second step where a person approves', async () => {
    const { exitCode, output } = await start(['--approve', '--seed', '2']).ended
    expect(output).toContain('accepted: 9.5 m/s, read back: true')
    expect(exitCode).toBe(0)
  })

  it('recognises real records that it was not trained on', async ({ skip }) => {
    skip(isMissing(existsSync(data)), `there are no records at ${data}: DINRAIL_DATA names their folder`)
    const { exitCode, output } = await start(['--data', data]).ended
    const right = (what: string) =>
      /(\d+) of (\d+)/.exec(new RegExp(`right: \\d+ of \\d+ ${what}`).exec(output)?.[0] ?? '')!
    const [, bearings, windows] = right('bearing windows').map(Number)
    const [, regions, strips] = right('strips').map(Number)
    expect(windows).toBeGreaterThanOrEqual(200)
    expect(bearings! / windows!).toBeGreaterThan(0.95)
    expect(strips).toBeGreaterThanOrEqual(200)
    expect(regions! / strips!).toBeGreaterThan(0.75)
    expect(exitCode).toBe(0)
  })

  it('finds a journal that was changed, and names the entry', async () => {
    await start().ended
    const file = await journalFile()
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"speed":11', '"speed":14'))
    const { exitCode, output } = await runScript('examples/steel-line/start.ts', ['--verify', file]).ended
    expect(output).toMatch(/the journal was damaged at entry \d+: entry \d+ was changed/)
    expect(exitCode).toBe(1)
  })

  it.each([
    ['an unknown option', ['--colour'], {}, 2, /--colour/],
    ['half a large model', [], { DINRAIL_LLM_MODEL: 'qwen3', DINRAIL_LLM_URL: '' }, 2, /DINRAIL_LLM_URL is missing/],
    [
      'a model file that is not there',
      [],
      { ...noLargeModel, DINRAIL_GGUF: 'no-such.gguf' },
      2,
      /DINRAIL_GGUF names no-such/,
    ],
    ['data that are not there', ['--data', 'no/such/folder'], noLargeModel, 1, /Cannot read no.such.folder/],
    [
      'a journal that is not there',
      ['--verify', 'no-such.jsonl'],
      noLargeModel,
      1,
      /there is no journal no-such\.jsonl/,
    ],
    ['help', ['--help'], noLargeModel, 0, /--approve/],
  ])('answers %s in words', async (_, args, environment, exitCode, words) => {
    const ended = await start(args, environment).ended
    expect(ended.output).toMatch(words)
    expect(ended.exitCode).toBe(exitCode)
  })
})

const modelFile = process.env.DINRAIL_GGUF || path.join(projectRoot, '../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf')
const engine = path.join(projectRoot, '.engines/node-llama-cpp/node_modules/node-llama-cpp/package.json')

describe('a real large model that judges badly', () => {
  const missing = isMissing(existsSync(modelFile) && existsSync(engine))
  it.skipIf(missing)(
    `ends with a right diagnosis, no unsafe write and an honest report (skipped without ${path.basename(modelFile)} and node scripts/install-local-engine.mjs)`,
    { timeout: 1_000_000 },
    async () => {
      const { exitCode, output } = await start([], { ...noLargeModel, DINRAIL_GGUF: modelFile }).ended
      const steps = [...output.matchAll(/^ {2}step \d+ .*$/gm)].map(([line]) => line)
      expect(output).toMatch(/local\/smollm2\S* gave an answer that does not hold: /)
      expect(output).toMatch(/\d+ answers of the large model did not hold and were not used/)
      expect(output).toMatch(/\d+ steps were reasoned by the deterministic playbook/)
      expect(steps.length).toBeLessThanOrEqual(12)
      const [, alarm] = /alarm {2}(\S+) twice in a row/.exec(output) ?? []
      expect(output).toContain(`diagnosis ${alarm},`)
      expect(output).toContain('work order WO-1001')
      // Whoever proposed it: no speed above the one before was ever written, and none without its authority.
      const written = [...output.matchAll(/accepted: ([\d.]+) m\/s/g)].map(([, speed]) => Number(speed))
      expect(written.length).toBeGreaterThan(0)
      expect(written.every((speed, i) => speed < (written[i - 1] ?? 12) && speed >= 11)).toBe(true)
      expect(output).toContain(`the mill still runs at ${written.at(-1)} m/s`)
      expect(exitCode, output).toBe(0)
      await expectJournalHolds()
    },
  )
})

/** Speaks just enough of OpenAI's chat completions to be cut off in the middle: no real server can be told when to die. */
async function largeModel(answer: (turn: number, response: ServerResponse, server: Server) => void) {
  let turn = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(++turn, response, server))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    environment: { DINRAIL_LLM_URL: `http://127.0.0.1:${port}/v1`, DINRAIL_LLM_MODEL: 'test-model' },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const callsTool = (response: ServerResponse, name: string, given: object) =>
  response.setHeader('content-type', 'application/json').end(
    JSON.stringify({
      id: 'c1',
      object: 'chat.completion',
      model: 'test-model',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'call-1', type: 'function', function: { name, arguments: JSON.stringify(given) } }],
          },
        },
      ],
    }),
  )

describe('what breaks in the middle of a run', () => {
  it('an agent that is killed: the run says so, moves nothing and leaves a journal that verifies', async () => {
    const silent = await largeModel(() => {})
    const run = start([], silent.environment)
    await run.printed('the agent begins')
    const [, pid] = /maintenance-agent runs as process (\d+)/.exec(run.output()) ?? []
    process.kill(Number(pid), 'SIGKILL')
    const { exitCode, output } = await run.ended
    silent.stop()
    expect(output).toContain('maintenance-agent ended by SIGKILL')
    expect(output).toMatch(/the agent gave no report \(unavailable: .*the mill stays at 12 m\/s/)
    expect(output).toMatch(/refused: out-of-limits/)
    expect(exitCode).toBe(1)
    await expectJournalHolds()
  })

  it('a large model that is lost: the playbook finishes, the run says so and fails', async () => {
    const dying = await largeModel((turn, response, server) => {
      if (turn === 1) {
        callsTool(response, 'dinrail_bearing-diagnosis', { vibration: { handle: 'input/vibration' }, shaftSpeed: 1772 })
        return
      }
      server.closeAllConnections()
      server.close()
    })
    const { exitCode, output } = await start([], dying.environment).ended
    expect(output).toContain('llm/test-model failed with unavailable')
    expect(output).toMatch(/✗ the large model test-model at http\S+ was lost: .*the playbook went on in its place/)
    expect(output).toContain('work order WO-1001')
    expect(output).toContain('accepted: 11 m/s, read back: true')
    expect(exitCode).toBe(1)
    await expectJournalHolds()
  })
})
