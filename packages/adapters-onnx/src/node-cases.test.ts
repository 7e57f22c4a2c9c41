import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { invoke, type Tensor, tensor } from '@dinrail/core'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { isMissing } from '../../../tests/missing-part.ts'
import { within } from './engine.test-support.ts'
import { loadEngine } from './engine.ts'
import { halfValue } from './half-floats.ts'
import { readModelFile } from './model-file.ts'
import { type Case, casesFolder, isExpected, readCase } from './node-cases.test-support.ts'
import { onnxModel } from './onnx-model.ts'
import type { OnnxRuntime, OnnxTensor } from './runtime.ts'

web.env.wasm.numThreads = 1

/** Hundreds of cases are of old operator sets, and the runtimes have a line for each. */
function quiet(runtime: OnnxRuntime): OnnxRuntime {
  const options = { logSeverityLevel: 4 } as object
  return {
    Tensor: runtime.Tensor,
    InferenceSession: { create: (bytes) => runtime.InferenceSession.create(bytes, options) },
  }
}

/** `as expected`, `other`, or the problem. */
type Outcome = string

const messageOf = (problem: unknown) => `${(problem as { code?: string }).code}: ${(problem as Error).message}`

async function byRuntime(runtime: OnnxRuntime, { bytes, sets }: Case): Promise<Outcome> {
  try {
    const session = await runtime.InferenceSession.create(bytes)
    try {
      for (const { inputs, outputs } of sets) {
        const feeds = session.inputNames.map((name, index) => {
          const { type, data, dims } = inputs[index]!
          return [name, new runtime.Tensor(type as 'float32', data as Float32Array, dims)] as const
        })
        const results = await session.run(Object.fromEntries(feeds))
        const given = session.outputNames.map((name) => results[name] as OnnxTensor)
        if (!isExpected(given, outputs)) return 'other'
      }
      return 'as expected'
    } finally {
      await session.release()
    }
  } catch (problem) {
    return messageOf(problem)
  }
}

async function byEngine(runtime: OnnxRuntime, { bytes, sets }: Case): Promise<Outcome> {
  try {
    const engine = await loadEngine({ runtime, bytes, id: 'test/case' })
    try {
      for (const { inputs, outputs } of sets) {
        const feeds = Object.fromEntries(engine.inputs.map(({ name }, index) => [name, inputs[index]!]))
        const results = await engine.run(feeds, within(10_000))
        const given = engine.outputs.map(({ name }) => results[name])
        if (!isExpected(given, outputs)) return 'other'
      }
      return 'as expected'
    } finally {
      await engine.dispose()
    }
  } catch (problem) {
    return messageOf(problem)
  }
}

/** Through the whole contract: on the rail booleans are bytes, half floats are floats, and texts are one or a list. */
async function byModel(runtime: OnnxRuntime, { bytes, sets }: Case): Promise<Outcome> {
  const stated = { id: 'test/case', version: '1.0.0', title: 'A case', task: 'process-analysis' }
  try {
    const model = await onnxModel({ ...stated, runtime, model: bytes })
    const ports = readModelFile(bytes)
    try {
      for (const { inputs, outputs } of sets) {
        const input = Object.fromEntries(
          ports.inputs.map(({ name, dims }, index) => [name, onTheRail(inputs[index]!, dims)]),
        )
        const { output } = await invoke(model, input as never, { deadlineMs: 10_000 })
        const given = ports.outputs.map(({ name }, index) =>
          offTheRail((output as Record<string, OnTheRail>)[name], outputs[index]!.dims),
        )
        const expected = outputs.map((one) => offTheRail(onTheRail(one), one.dims)!)
        if (!isExpected(given, expected)) return 'other'
      }
      return 'as expected'
    } finally {
      await model.dispose()
    }
  } catch (problem) {
    return messageOf(problem)
  }
}

type OnTheRail = Tensor | string | readonly string[]

function onTheRail({ type, dims, data }: OnnxTensor, stated?: readonly (number | string)[]): OnTheRail {
  if (type === 'string') {
    const texts = data as readonly string[]
    return stated?.every((length) => length === 1) ? texts[0]! : texts
  }
  return tensor((type === 'float16' ? Float32Array.from(data as Uint16Array, halfValue) : data) as Float32Array, dims)
}

function offTheRail(value: OnTheRail | undefined, dims: readonly number[]): OnnxTensor | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return { type: 'string', dims, data: [value].flat() }
  return (
    value &&
    ({ type: (value as Tensor).dtype, dims: (value as Tensor).shape, data: (value as Tensor).data } as OnnxTensor)
  )
}

/** What the contract refuses in any case: a number must be one. */
const refusedByContract = /holds (NaN|-?Infinity)/

describe.skipIf(isMissing(existsSync(casesFolder)))(
  `every operator's cases (skipped where Debian's libonnx-testdata is not at ${casesFolder})`,
  () => {
    it.each([
      ['onnxruntime-web', web as unknown as OnnxRuntime],
      ['onnxruntime-node', native as unknown as OnnxRuntime],
    ])(
      'loses none that the raw runtime passes: %s',
      async (_, loud) => {
        const runtime = quiet(loud)
        const lost: string[] = []
        const counts = { cases: 0, 'not of tensors': 0, runtime: 0, engine: 0, model: 0, 'refused by contract': 0 }
        for (const name of readdirSync(casesFolder)) {
          counts.cases += 1
          expect(() => readModelFile(readFileSync(path.join(casesFolder, name, 'model.onnx'))), name).not.toThrow()
          const one = readCase(name)
          if (one === undefined) counts['not of tensors'] += 1
          if (one === undefined || (await byRuntime(runtime, one)) !== 'as expected') continue
          counts.runtime += 1
          const engine = await byEngine(runtime, one)
          if (engine === 'as expected') counts.engine += 1
          else lost.push(`${name}, engine: ${engine}`)
          const model = await byModel(runtime, one)
          if (model === 'as expected') counts.model += 1
          else if (refusedByContract.test(model)) counts['refused by contract'] += 1
          else lost.push(`${name}, model: ${model}`)
        }
        console.log(counts)
        expect(lost).toEqual([])
        expect(counts.engine).toBe(counts.runtime)
        expect(counts.runtime).toBeGreaterThan(800)
        expect(counts['refused by contract']).toBeLessThan(20)
      },
      120_000,
    )
  },
)
