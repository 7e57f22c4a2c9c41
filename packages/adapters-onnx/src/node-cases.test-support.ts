import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { typeOfNumber } from './model-file.ts'
import { type ProtobufField, protobufFields, repeatedIntegers, textOf } from './protobuf.ts'
import type { OnnxTensor } from './runtime.ts'

/** Where Debian's libonnx-testdata puts the cases of ONNX's operators. */
export const casesFolder = process.env.DINRAIL_ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data/node'

export interface Case {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** What each data set of the case feeds and expects, in the order of the file's ports. */
  readonly sets: readonly { readonly inputs: readonly OnnxTensor[]; readonly outputs: readonly OnnxTensor[] }[]
}

/** Cases whose files hold anything but tensors that can be fed, such as sequences, are none of ours. */
export function readCase(name: string): Case | undefined {
  const folder = path.join(casesFolder, name)
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
export function isExpected(actual: readonly (OnnxTensor | undefined)[], expected: readonly OnnxTensor[]): boolean {
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
