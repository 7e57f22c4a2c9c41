import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { isMissing } from '../../../tests/missing-part.ts'
import { loadEngine } from './engine.ts'
import { readModelFile, typeOfNumber } from './model-file.ts'
import { type ProtobufField, protobufFields, repeatedIntegers, textOf } from './protobuf.ts'
import type { OnnxRuntime, OnnxTensor } from './runtime.ts'

ort.env.wasm.numThreads = 1
/** Hundreds of cases are of old operator sets, and the runtime has a line for each. */
const quiet = { logSeverityLevel: 4 } as const
const runtime: OnnxRuntime = {
  Tensor: ort.Tensor,
  InferenceSession: { create: (bytes) => ort.InferenceSession.create(bytes, quiet) },
}

const root = process.env.DINRAIL_ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data/node'

interface Case {
  readonly bytes: Uint8Array
  /** What each data set of the case feeds and expects, in the order of the file's ports. */
  readonly sets: readonly { readonly inputs: readonly OnnxTensor[]; readonly outputs: readonly OnnxTensor[] }[]
}

/** Cases whose files hold anything but tensors that can be fed, such as sequences, are none of ours. */
function readCase(name: string): Case | undefined {
  const folder = path.join(root, name)
  const sets = readdirSync(folder)
    .filter((entry) => entry.startsWith('test_data_set_'))
    .map((entry) => {
      const numbered = (side: string) =>
        readdirSync(path.join(folder, entry))
          .filter((file) => file.startsWith(side))
          .sort((a, b) => Number(a.match(/\d+/)) - Number(b.match(/\d+/)))
          .map((file) => tensorOf(readFileSync(path.join(folder, entry, file))))
      return { inputs: numbered('input_'), outputs: numbered('output_') }
    })
  const readable = sets.every(({ inputs, outputs }) => [...inputs, ...outputs].every((tensor) => tensor !== undefined))
  if (!readable) return undefined
  return { bytes: new Uint8Array(readFileSync(path.join(folder, 'model.onnx'))), sets: sets as Case['sets'] }
}

/** Reads a TensorProto. */
function tensorOf(bytes: Uint8Array): OnnxTensor | undefined {
  const dims: number[] = []
  const integers: bigint[] = []
  const texts: string[] = []
  const reals: Uint8Array[] = []
  let raw: Uint8Array | undefined
  let type: OnnxTensor['type'] | undefined
  for (const field of protobufFields(bytes))
    if (field.number === 1) dims.push(...[...repeatedIntegers(field)].map(Number))
    else if (field.number === 2) type = typeOfNumber[Number(field.bits)]
    else if (field.number === 4 || field.number === 10) reals.push(contentOf(bytes, field))
    else if (field.number === 5 || field.number === 7 || field.number === 11) integers.push(...repeatedIntegers(field))
    else if (field.number === 6) texts.push(textOf(field))
    else if (field.number === 9) raw = field.content
  if (type === undefined) return undefined
  if (type === 'string') return { type, dims, data: texts }
  const content = raw ?? (reals.length > 0 ? Buffer.concat(reals) : undefined)
  if (content !== undefined) return { type, dims, data: new classOf[type](new Uint8Array(content).buffer) }
  const data = new classOf[type](integers.length)
  for (const [index, value] of integers.entries()) data[index] = type.endsWith('int64') ? value : Number(value)
  return { type, dims, data }
}

/** A packed list's bytes, or those of one number at the field's end. */
function contentOf(bytes: Uint8Array, { wireType, content, end }: ProtobufField): Uint8Array {
  return wireType === 2 ? content : bytes.subarray(end - (wireType === 5 ? 4 : 8), end)
}

const classOf = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
}

/** Whether answers are those of the case; half floats are compared by their bits. */
function isExpected(actual: readonly (OnnxTensor | undefined)[], expected: readonly OnnxTensor[]): boolean {
  return expected.every(({ type, dims, data }, index) => {
    const given = actual[index]
    if (given?.type !== type || String(given.dims) !== String(dims) || given.data.length !== data.length) return false
    for (let at = 0; at < data.length; at++) {
      const [a, b] = [given.data[at], data[at]]
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
      const tolerance = type === 'float16' ? 2 : 1e-4 + 1e-3 * Math.abs(Number(b))
      if (typeof a !== 'number' || !(Math.abs(a - Number(b)) <= tolerance)) return false
    }
    return true
  })
}

type Outcome = 'as expected' | 'other' | string

async function byRuntime({ bytes, sets }: Case): Promise<Outcome> {
  let session: ort.InferenceSession | undefined
  try {
    session = await ort.InferenceSession.create(bytes, quiet)
    for (const { inputs, outputs } of sets) {
      const feeds = session.inputNames.map((name, index) => {
        const { type, data, dims } = inputs[index]!
        return [name, new ort.Tensor(type as 'float32', data as Float32Array, dims)]
      })
      const results = await session.run(Object.fromEntries(feeds))
      const given = session.outputNames.map((name) => results[name] as unknown as OnnxTensor)
      if (!isExpected(given, outputs)) return 'other'
    }
    return 'as expected'
  } catch (problem) {
    return String((problem as Error).message)
  } finally {
    await session?.release()
  }
}

async function byEngine({ bytes, sets }: Case): Promise<Outcome> {
  try {
    const engine = await loadEngine({ runtime, bytes, id: 'test/case' })
    try {
      for (const { inputs, outputs } of sets) {
        const feeds = Object.fromEntries(engine.inputs.map(({ name }, index) => [name, inputs[index]!]))
        const call = { deadline: Date.now() + 10_000, signal: new AbortController().signal }
        const results = await engine.run(feeds, call)
        const given = engine.outputs.map(({ name }) => results[name])
        if (!isExpected(given, outputs)) return 'other'
      }
      return 'as expected'
    } finally {
      await engine.dispose()
    }
  } catch (problem) {
    return `${(problem as { code?: string }).code}: ${(problem as Error).message}`
  }
}

describe.skipIf(isMissing(existsSync(root)))(
  `every operator's cases (skipped where Debian's libonnx-testdata is not at ${root})`,
  () => {
    it('loses none that the raw runtime passes', async () => {
      const lost: string[] = []
      const counts = { cases: 0, 'not only tensors': 0, 'passed by the runtime': 0, 'passed by the engine': 0 }
      const faults = new Map<string, number>()
      for (const name of readdirSync(root)) {
        counts.cases += 1
        expect(() => readModelFile(readFileSync(path.join(root, name, 'model.onnx'))), name).not.toThrow()
        const one = readCase(name)
        if (one === undefined) {
          counts['not only tensors'] += 1
          continue
        }
        const [raw, ours] = [await byRuntime(one), await byEngine(one)]
        if (raw === 'as expected') counts['passed by the runtime'] += 1
        if (ours === 'as expected') counts['passed by the engine'] += 1
        else faults.set(ours.split(':')[0]!, (faults.get(ours.split(':')[0]!) ?? 0) + 1)
        if (raw === 'as expected' && ours !== 'as expected') lost.push(`${name}: ${ours}`)
      }
      console.log(counts, Object.fromEntries(faults))
      expect(lost).toEqual([])
      expect(counts['passed by the engine']).toBeGreaterThanOrEqual(counts['passed by the runtime'])
      expect(counts['passed by the runtime']).toBeGreaterThan(700)
    }, 120_000)
  },
)
