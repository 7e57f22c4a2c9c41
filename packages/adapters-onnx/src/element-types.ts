import type { DataType, Tensor } from '@dinrail/core'
import { halfBits, halfValue } from './half-floats.ts'
import { shapeText } from './onnx-input.ts'
import { gave } from './onnx-output.ts'
import type { OnnxData, OnnxTensor, OnnxType } from './runtime.ts'

type Elements = Tensor['data']

/** How a contract names the elements of an ONNX tensor; nothing for texts, which no tensor of a contract holds. */
export function dataTypeOf(type: string | undefined): DataType | undefined {
  switch (type) {
    case 'bool':
      return 'uint8'
    case 'float16':
      return 'float32'
    case 'string':
    case undefined:
      return undefined
    default:
      return type as DataType
  }
}

/** What each type of a contract can be given as without losing anything; half floats and booleans are what the author asks for. */
const widerTypes: Readonly<Record<DataType, readonly OnnxType[]>> = {
  float32: ['float32', 'float64', 'float16'],
  float64: ['float64'],
  int8: ['int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64'],
  uint8: ['uint8', 'bool', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'float16', 'float32', 'float64'],
  int16: ['int16', 'int32', 'int64', 'float32', 'float64'],
  uint16: ['uint16', 'int32', 'uint32', 'int64', 'uint64', 'float32', 'float64'],
  int32: ['int32', 'int64', 'float64'],
  uint32: ['uint32', 'int64', 'uint64', 'float64'],
  int64: ['int64'],
  uint64: ['uint64'],
}

/** The types of a tensor in a contract. */
export const dataTypes = Object.keys(widerTypes) as readonly DataType[]

export function canBeGivenAs(dtype: DataType, type: OnnxType): boolean {
  return widerTypes[dtype].includes(type)
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
} as const

/** The array that holds each type; half floats may be in a `Float16Array` too. */
export const arrayOf = {
  ...arrays,
  float16: Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  string: Array,
} as const satisfies Readonly<Record<OnnxType, unknown>>

const { Float16Array: HalfFloats } = globalThis as { Float16Array?: new (...of: never[]) => object }

/** Whether data are of the type's array or of a class that extends it, such as a `Buffer`. */
export function isDataOf(type: OnnxType, data: unknown): boolean {
  return data instanceof arrayOf[type] || (type === 'float16' && HalfFloats !== undefined && data instanceof HalfFloats)
}

/** Numbers as elements of an ONNX type. Whoever calls has made sure that they fit. */
export function elementsOf(numbers: ArrayLike<number | bigint>, type: OnnxType): OnnxData {
  switch (type) {
    case 'float16':
      return Uint16Array.from(numbers, (one) => halfBits(Number(one)))
    case 'int64':
      return BigInt64Array.from(numbers, (one) => BigInt(one))
    case 'uint64':
      return BigUint64Array.from(numbers, (one) => BigInt(one))
    case 'string':
      throw new TypeError('numbers are no texts')
    default:
      return new arrays[type](numbers as ArrayLike<number>)
  }
}

/** Whether a type can hold a value without changing it, but for the rounding of floats. */
export function canHold(type: OnnxType, value: unknown): value is number {
  const [least, most] = rangeOf(type)
  return (
    typeof value === 'number' &&
    value >= least &&
    value <= most &&
    (type.startsWith('float') || Number.isInteger(value))
  )
}

/** Throws `invalid-output` where a runtime gave no tensor, or one whose parts disagree: nobody may calculate with it. */
export function checkGiven(name: string, tensor: OnnxTensor | undefined): asserts tensor is OnnxTensor {
  const { type, dims, data } = tensor ?? ({} as Partial<OnnxTensor>)
  if (type === undefined || !Object.hasOwn(arrayOf, type)) throw gave(name, `${type ?? 'nothing'}`)
  if (data?.constructor !== arrayOf[type] && !isDataOf(type, data)) throw gave(name, `no ${type}`)
  if (!Array.isArray(dims)) throw gave(name, 'no shape')
  let count = 1
  for (const length of dims) count *= Number.isSafeInteger(length) && length >= 0 ? length : Number.NaN
  if (data!.length !== count) throw gave(name, `${data!.length} elements in the shape ${shapeText(dims)}`)
}

/** The elements of what a network gave, as a contract names them. */
export function dataOf(name: string, tensor: OnnxTensor | undefined): Elements {
  checkGiven(name, tensor)
  if (tensor.type === 'string') throw gave(name, 'texts')
  const data = tensor.data as Elements
  if (tensor.type !== 'float16') return data
  return Float32Array.from(data as Uint16Array, data instanceof Uint16Array ? halfValue : Number)
}

/** As `dataOf`, for whoever calculates with them: 64-bit integers are rounded to doubles. */
export function numbersOf(name: string, tensor: OnnxTensor | undefined): ArrayLike<number> {
  return doublesOf(dataOf(name, tensor))
}

export function doublesOf(data: Elements): ArrayLike<number> {
  return data instanceof BigInt64Array || data instanceof BigUint64Array ? Float64Array.from(data, Number) : data
}

/** The numbers that an element can be; integers beyond 2^53 are not told apart by a number. */
export function rangeOf(type: OnnxType): readonly [least: number, most: number] {
  switch (type) {
    case 'float16':
      return [-65_504, 65_504]
    case 'float32':
      return [-3.4028234663852886e38, 3.4028234663852886e38]
    case 'float64':
      return [-Number.MAX_VALUE, Number.MAX_VALUE]
    case 'bool':
      return [0, 1]
    case 'int64':
      return [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
    case 'uint64':
      return [0, Number.MAX_SAFE_INTEGER]
    case 'string':
      return [Number.NaN, Number.NaN]
    default: {
      const bits = 8 * arrays[type].BYTES_PER_ELEMENT
      return type.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
    }
  }
}
