import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { counter } from '../packages/adapters-onnx/src/networks.test-support.ts'
import { projectRoot } from './run-script.ts'

const model = path.join(projectRoot, `examples/.counter-${process.pid}.onnx`)
afterAll(() => rm(model, { force: true }))

const work = `
  const execution = { where: 'pool', pool: workerPool({ runtime: url }) }
  const stated = { id: 'test/counter', version: '1.0.0', title: 'Counter', task: 'process-analysis' }
  const served = await onnxModel({ ...stated, runtime, ...(await source()), execution })
  const count = (trips, deadlineMs) =>
    invoke(served, { x: tensor(Float32Array.of(1)), trips: tensor(BigInt64Array.of(trips), []) }, { deadlineMs })
  const hung = await count(2n ** 62n, 300).catch(({ code }) => code)
  const { output } = await count(3n, 30_000)
  console.log(hung, output.y.data[0])`

const esm = `
import { onnxModel } from '@dinrail/adapters-onnx'
import { readModel } from '@dinrail/adapters-onnx/node'
import { workerPool } from '@dinrail/adapters-onnx/worker-pool'
import { invoke, tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
const url = import.meta.resolve('onnxruntime-web')
const source = async () => ({ model: await readModel(${JSON.stringify(model)}) })
${work}`

const cjs = `
const { onnxModel } = require('@dinrail/adapters-onnx')
const { readModel } = require('@dinrail/adapters-onnx/node')
const { workerPool } = require('@dinrail/adapters-onnx/worker-pool')
const { invoke, tensor } = require('@dinrail/core')
const runtime = require('onnxruntime-web')
const url = require('node:url').pathToFileURL(require.resolve('onnxruntime-web'))
const source = async () => ({ model: await readModel(${JSON.stringify(model)}) })
;(async () => {${work}
})()`

describe('the worker pool as it is published', () => {
  it.each([
    ['an ES module', ['--input-type=module', '--eval', esm]],
    ['CommonJS', ['--input-type=commonjs', '--eval', cjs]],
  ])('ends a hung run and lets the process end without being disposed: from %s', async (_, args) => {
    await writeFile(model, counter())
    const { exitCode, output } = await new Promise<{ exitCode: number; output: string }>((resolve) =>
      execFile(process.execPath, args, { cwd: projectRoot, timeout: 60_000 }, (problem, out, problems) =>
        resolve({ exitCode: problem === null ? 0 : Number(problem.code), output: out + problems }),
      ),
    )
    expect(output).toBe('deadline-exceeded 4\n')
    expect(exitCode).toBe(0)
  })
})
