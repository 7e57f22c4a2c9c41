import type { FaultCode } from './fault.ts'
import { type Position, refuse } from './position.ts'
import { arrayOf, isTensor, type Tensor } from './tensor.ts'
import type { TensorSchema } from './vocabulary.ts'

export function checkForm(schema: TensorSchema, value: unknown, position: Position, invalid: FaultCode): Tensor {
  if (!isTensor(value))
    throw refuse(
      invalid,
      position,
      `must be a tensor of ${schema.dtype}, such as tensor(new ${arrayOf[schema.dtype].name}(…))`,
    )
  if (value.dtype !== schema.dtype)
    throw refuse(invalid, position, `must be a tensor of ${schema.dtype}, not of ${value.dtype}`)
  let fits = value.shape.length === schema.shape.length
  for (let axis = 0; fits && axis < schema.shape.length; axis++) {
    const length = schema.shape[axis]
    fits = typeof length === 'string' || length === value.shape[axis]
  }
  if (!fits)
    throw refuse(invalid, position, `must have the shape [${schema.shape.join(', ')}], not [${value.shape.join(', ')}]`)
  return value
}

export function checkFinite(data: Tensor['data'], position: Position, invalid: FaultCode): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return
  let sum = 0
  for (let from = 0; from < data.length; from += stretch) sum += sumOf(data, from)
  if (Number.isFinite(sum)) return
  const at = (data as Float32Array).findIndex((element) => !Number.isFinite(element))
  // Large doubles may well overflow a sum.
  if (at >= 0) throw refuse(invalid, position, `holds ${data[at]} at element ${at}`)
}

/** Elements that are summed in one go: the compiler does better with a short function called often than with one long loop. */
const stretch = 1024

/** In fours, whose sums need not wait for each other. */
function sumOf(data: Float32Array | Float64Array, from: number): number {
  const end = Math.min(from + stretch, data.length)
  let sum = 0
  let i = from
  for (; i + 3 < end; i += 4) sum += data[i]! + data[i + 1]! + (data[i + 2]! + data[i + 3]!)
  for (; i < end; i++) sum += data[i]!
  return sum
}

/** Smallest and largest element; undefined for an empty tensor. 64-bit integers are rounded to doubles. */
export function extentOf(data: Tensor['data']): [number, number] | undefined {
  if (data.length === 0) return undefined
  let min = data[0]!
  let max = min
  for (let i = 1; i < data.length; i++) {
    const element = data[i]!
    if (element < min) min = element
    else if (element > max) max = element
  }
  return [Number(min), Number(max)]
}
