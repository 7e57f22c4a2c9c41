/** Numbers in a typed array with a shape. Row-major; travels without copying; never walked by a schema library. */
export interface Tensor<Type extends DataType = DataType> {
  readonly dtype: Type
  /** Length of each axis; their product is `data.length`. An empty shape is a scalar. */
  readonly shape: readonly number[]
  readonly data: TensorData[Type]
}

interface TensorData {
  float32: Float32Array
  float64: Float64Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
}

export type DataType = keyof TensorData

/** The typed array behind each data type: its length in bytes is part of the frame format. */
export const arrayOf = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const

export function isDataType(value: unknown): value is DataType {
  // What every object inherits has no such length.
  return typeof value === 'string' && arrayOf[value as DataType]?.BYTES_PER_ELEMENT > 0
}

/** Makes a tensor of a typed array; without a shape it is one axis long. Throws a `TypeError` when they disagree. */
export function tensor<Data extends TensorData[DataType]>(
  data: Data,
  shape: readonly number[] = [data.length],
): Tensor<DataTypeOf<Data>> {
  const dtype = dataTypeOf(data) as DataTypeOf<Data> | undefined
  if (dtype === undefined) throw new TypeError('tensor: data must be a typed array, such as a Float32Array')
  if (elementCount(shape) !== data.length)
    throw new TypeError(`tensor: shape [${shape}] holds ${elementCount(shape)} elements, data has ${data.length}`)
  return { dtype, shape, data: data as unknown as TensorData[DataTypeOf<Data>] }
}

type DataTypeOf<Data> = { [Type in DataType]: Data extends TensorData[Type] ? Type : never }[DataType]

/** Whether a value has the form of a tensor and its parts agree; the contract's own dtype and shape are checked by `invoke`. */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== 'object' || value === null) return false
  const { dtype, shape, data } = value as Partial<Tensor>
  return (
    isDataType(dtype) && data instanceof arrayOf[dtype] && Array.isArray(shape) && elementCount(shape) === data.length
  )
}

/** NaN where an axis is not a whole number of zero or more, so that it equals no length. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const length of shape) count *= Number.isSafeInteger(length) && length >= 0 ? length : Number.NaN
  return count
}

function dataTypeOf(data: unknown): DataType | undefined {
  for (const dtype in arrayOf) if (data instanceof arrayOf[dtype as DataType]) return dtype as DataType
  return undefined
}
