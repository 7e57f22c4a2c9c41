import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { embedDescriptor, onnxModel } from '@dinrail/adapters-onnx'
import { readModel } from '@dinrail/adapters-onnx/node'
import { sha256, tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withMetadata } from '../packages/adapters-onnx/src/model-file.ts'
import {
  counter,
  endless,
  externalSum,
  mlp,
  unknownOperator,
} from '../packages/adapters-onnx/src/networks.test-support.ts'
import { projectRoot } from './run-script.ts'

/** The command as it is published. */
function inspect(
  ...args: string[]
): Promise<{ readonly exitCode: number; readonly output: string; readonly problems: string }> {
  const command = path.join(projectRoot, 'packages/adapters-onnx/dist/inspect-command.js')
  return new Promise((resolve) =>
    execFile(process.execPath, [command, ...args], { cwd: projectRoot }, (problem, output, problems) =>
      resolve({ exitCode: problem === null ? 0 : Number(problem.code), output, problems }),
    ),
  )
}

const card = { id: 'acme/mlp', version: '1.0.0', title: 'An MLP', task: 'process-analysis' } as const
const golden = {
  input: { features: tensor(new Float32Array(64), [1, 64]) },
  output: { answer: tensor(Float32Array.of(1e6), [1, 1]) },
  tolerance: 1,
}

describe('dinrail-onnx inspect', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dinrail-inspect-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const model = async (name: string, bytes: Uint8Array) => {
    const file = path.join(folder, name)
    await writeFile(file, bytes)
    return file
  }

  it('says what a file takes and gives, what it costs and what it carries', async () => {
    const file = await model('mlp.onnx', embedDescriptor(mlp(), card))
    const { exitCode, output } = await inspect('inspect', file, '--runs', '20')
    expect(output).toContain('features  float32 [batch, 64]')
    expect(output).toContain('answer  float32 [batch, 1]')
    expect(output).toMatch(/2113 parameters, \d+ bytes/)
    expect(output).toMatch(/p50 [\d.]+ ms, p99 [\d.]+ ms of 20 warm runs by onnxruntime-web/)
    expect(output).toContain('operators: Gemm 2, Relu 1')
    expect(output).toContain('"id": "acme/mlp"')
    expect(output).not.toContain('beware')
    expect(exitCode).toBe(0)
  })

  it('writes nothing that a terminal would obey', async () => {
    const file = await model('escape.onnx', withMetadata(mlp(), { author: '\u001b]0;owned\u0007 acme' }))
    const { output } = await inspect('inspect', file, '--runs', '0')
    expect(output).toContain('author: \\x1b]0;owned\\x07 acme')
  })

  it('says what to pin where weights stand beside the file', async () => {
    const file = await model('beside.onnx', externalSum('two.bin'))
    await model('two.bin', new Uint8Array(Float32Array.of(10, 20).buffer))
    const { output } = await inspect('inspect', file, '--json')
    const loaded = await onnxModel({ ...card, runtime, model: await readModel(file) })
    expect(JSON.parse(output).sha256).toBe(loaded.descriptor.provenance?.artefact)
    expect(JSON.parse(output).sha256).not.toBe(await sha256(externalSum('two.bin')))
    await loaded.dispose()
  })

  it('says it to programs too', async () => {
    const file = await model('counter.onnx', counter())
    const { output } = await inspect('inspect', file, '--json', '--runs', '5')
    expect(JSON.parse(output)).toMatchObject({
      inputs: [
        { name: 'x', type: 'float32', dims: ['n'] },
        { name: 'trips', type: 'int64', dims: [] },
      ],
      operators: { Loop: 1 },
      timing: { runs: 5, runtime: 'onnxruntime-web' },
      refusals: [],
      warnings: [expect.stringContaining('cannot be joined'), expect.stringContaining('serve it in a worker pool')],
    })
  })

  it('gives a network up whose runs never end, and says what it is all the same', async () => {
    const file = await model('endless.onnx', embedDescriptor(endless(), card))
    const { exitCode, output } = await inspect('inspect', file, '--limit', '5')
    expect(output).toContain('x  float32 [n]')
    expect(output).toContain('"id": "acme/mlp"')
    expect(output).toMatch(/not timed: .*made-up numbers did not end within 5 s/)
    expect(exitCode).toBe(1)
  }, 30_000)

  it('says what it is where a golden question is never answered', async () => {
    const x = tensor(new Float32Array(1), [1])
    const question = { input: { x }, output: { y: x }, tolerance: 1 }
    const file = await model('endless.onnx', embedDescriptor(endless(), { ...card, golden: [question] }))
    const { exitCode, output } = await inspect('inspect', file, '--limit', '5', '--json')
    expect(JSON.parse(output)).toMatchObject({ untimed: expect.stringMatching(/golden .*did not end within 5 s/) })
    expect(exitCode).toBe(1)
  }, 30_000)

  it('survives a runtime that takes its process with it', async () => {
    const runtime = path.join(folder, 'deadly.mjs')
    await writeFile(runtime, "process.kill(process.pid, 'SIGABRT')")
    const { exitCode, output } = await inspect('inspect', await model('mlp.onnx', mlp()), '--runtime', runtime)
    expect(output).toContain('features  float32 [batch, 64]')
    expect(output).toMatch(/not timed: refused: loading it ended the process of the runtime, by SIGABRT/)
    expect(exitCode).toBe(1)
  })

  it.each([
    ['an operator that no runtime has', unknownOperator(), 1, /not timed: refused: .*Telepathy/],
    ['weights outside of the folder', externalSum('../../secret'), 1, /"..\/..\/secret", which goes up/],
    ['weights that are missing', externalSum('gone.bin'), 1, /beside the file, in gone.bin/],
    [
      'a contract of another form',
      withMetadata(mlp(), { dinrail: '{"effect":"actuate"}' }),
      1,
      /cannot be served\n.*effect is nothing that a contract states/,
    ],
    [
      'a contract that is not of this file',
      embedDescriptor(mlp(), { ...card, outputs: { answer: { labels: ['a', 'b', 'c'] } } }),
      1,
      /refused: 3 labels are stated/,
    ],
    [
      'another golden answer',
      embedDescriptor(mlp(), { ...card, golden: [golden] }),
      1,
      /refused: .* does not give its golden answer 0/,
    ],
    ['a text', new TextEncoder().encode('hello'), 2, /it is text/],
  ])('exits otherwise for %s', async (_, bytes, code, message) => {
    const { exitCode, output, problems } = await inspect('inspect', await model('bad.onnx', bytes))
    expect(output + problems).toMatch(message)
    expect(exitCode).toBe(code)
  })

  it('explains itself, and times nothing where there is no runtime', async () => {
    expect((await inspect('--help')).output).toContain('dinrail-onnx inspect FILE.onnx')
    expect((await inspect('look', 'x')).exitCode).toBe(2)
    const file = await model('mlp.onnx', mlp())
    const { exitCode, output } = await inspect('inspect', file, '--runtime', 'no-such-runtime')
    expect(output).toContain('not timed: no-such-runtime is not installed here')
    expect(exitCode).toBe(0)
  })
})
