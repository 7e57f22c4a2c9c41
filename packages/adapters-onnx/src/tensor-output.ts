import type { DataType, JsonSchema, Range, Tensor } from '@dinrail/core'
import type { OutputTensor, TensorOutput } from './contract.ts'
import { arrayOf, canBeGivenAs, canHold, dataOf, dataTypeOf, doublesOf } from './element-types.ts'
import { shapeText } from './onnx-input.ts'
import { checkFinite, gave, type PreparedOutput } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'
import { checkAxes, openShape } from './tensor-input.ts'
import { intervalSchema, spreadOf } from './values-output.ts'
import { meaningOf } from './vector-input.ts'

/** A tensor as it is, or brought to its unit. */
export function tensorOutput(metadata: OnnxMetadata, { tensor: stated }: TensorOutput): PreparedOutput {
  const { name, type } = metadata
  const at = `outputs.${name}`
  const { field = name, axes, scale, clamp, interval } = stated
  const own = dataTypeOf(type)
  if (own === undefined)
    throw new TypeError(
      `${at}: the ONNX output '${name}' of the file holds ${type === 'string' ? 'texts: use { text: {} }' : 'no tensor'}`,
    )
  const isReal = scale !== undefined || interval !== undefined
  const isCalculated = isReal || clamp !== undefined
  const dtype = isReal ? realType(own) : own
  if (stated.dtype !== undefined && stated.dtype !== dtype)
    throw new TypeError(
      `${at}.dtype is ${stated.dtype}, the ONNX output '${name}' of the file gives ${own}${dtype === own ? '' : `, which becomes ${dtype}`}`,
    )
  const isWhole = !dtype.startsWith('float')
  if (isWhole && clamp !== undefined) checkWholeClamp(clamp, dtype, at)
  const isQuantile = interval !== undefined && 'quantiles' in interval
  if (isQuantile) checkThree(at, metadata)
  const has = isQuantile ? metadata.shape?.slice(0, -1) : metadata.shape
  const shape = stated.shape ?? openShape('output', has === undefined ? metadata : { ...metadata, shape: has })
  checkRank(at, name, has, shape)
  checkAxes(at, axes, shape)
  const halfWidth = interval !== undefined && 'halfWidth' in interval ? interval.halfWidth : 0
  checkHalfWidths(at, halfWidth, shape)
  const schema: JsonSchema = { ...meaningOf(stated), tensor: { dtype, shape, ...(axes && { axes }) } }
  const spread = spreadOf(dtype === 'float32' ? inSinglePrecision(stated) : stated, at)
  const sure = interval?.level

  return {
    properties: { [field]: interval === undefined ? schema : intervalSchema(schema, interval.level) },
    read(tensor, answer) {
      const given = dataOf(name, tensor)
      const whole = tensor!.dims
      const dims = isQuantile ? whole.slice(0, -1) : whole
      // Each answer has an array of its own: the caller may change it.
      const lengths = dims.slice(dims.length === shape.length + 1 && dims[0] === 1 ? 1 : 0)
      if (!isCalculated) {
        answer[field] = { dtype, shape: lengths, data: given } as Tensor
        return undefined
      }
      if (isQuantile && whole.at(-1) !== 3)
        throw gave(name, `${shapeText(whole)} where three quantiles in the last axis are stated`)
      if (isWhole) {
        answer[field] = { dtype, shape: lengths, data: clamped(given, clamp!) } as Tensor
        return undefined
      }
      const numbers = doublesOf(given)
      checkFinite(numbers, name)
      const step = isQuantile ? 3 : 1
      const real = dtype as 'float32' | 'float64'
      const ends = { value: filled(real, lengths), low: filled(real, lengths), high: filled(real, lengths) }
      const last = lengths.at(-1) ?? 1
      if (typeof halfWidth !== 'number' && halfWidth.length !== last)
        throw gave(name, `${last} values for ${halfWidth.length} half-widths`)
      for (let i = 0; i < ends.value.data.length; i++) {
        const { value, low, high } = spread(numbers, i * step, i % last)
        ends.value.data[i] = value
        ends.low.data[i] = low
        ends.high.data[i] = high
      }
      answer[field] = interval === undefined ? ends.value : { ...ends, level: interval.level }
      return sure
    },
  }
}

/** Throws where the last axis is stated to be of another length than the quantiles. */
function checkThree(at: string, { name, shape = [-1] }: OnnxMetadata): void {
  const last = shape.at(-1)
  if (last !== 3 && last !== -1 && typeof last !== 'string')
    throw new TypeError(
      `${at}.interval.quantiles are the last axis, three long; the ONNX output '${name}' of the file has ${shapeText(shape)}: export the three that are stated`,
    )
}

/** Throws where there is not one for each element of the last axis, as far as that is known. */
function checkHalfWidths(at: string, widths: number | readonly number[], shape: readonly (number | string)[]): void {
  const last = shape.length === 0 ? 1 : shape.at(-1)
  if (typeof widths !== 'number' && typeof last === 'number' && last >= 0 && widths.length !== last)
    throw new TypeError(
      `${at}.interval.halfWidth has ${widths.length} numbers, the last axis of its shape ${shapeText(shape)} is ${last} long`,
    )
}

/** The same with ends that float32 holds, none of them outside of those stated: what is moved to an end has to be within it. */
function inSinglePrecision({ clamp, limits, ...rest }: OutputTensor): OutputTensor {
  const physical = singleRange(limits?.physical)
  return { ...rest, ...(clamp && { clamp: singleRange(clamp)! }), ...(physical && { limits: { physical } }) }
}

function singleRange(range: Range | undefined): Range | undefined {
  const { min, max } = range ?? {}
  const inside = {
    ...(min !== undefined && { min: single(min, 1) }),
    ...(max !== undefined && { max: single(max, -1) }),
  }
  // Between two ends there may be no such number.
  return inside.min !== undefined && inside.max !== undefined && inside.min > inside.max ? range : inside
}

/** The nearest number of single precision, or where that is on the other side the next one in the direction. */
function single(value: number, direction: 1 | -1): number {
  const near = Math.fround(value)
  if ((near - value) * direction >= 0) return near
  return Math.fround(near + direction * Math.max(Math.abs(near) * 2 ** -23, 2 ** -149))
}

/** The type that holds what is calculated from elements of another one: no digit of theirs is lost that a double has. */
function realType(own: DataType): 'float32' | 'float64' {
  return canBeGivenAs(own, 'float32') ? 'float32' : 'float64'
}

/** Throws a `TypeError` where an end is none of the whole numbers that would be moved to it. */
function checkWholeClamp(clamp: Range, dtype: DataType, at: string): void {
  for (const [end, value] of Object.entries(clamp))
    if (value !== undefined && !canHold(dtype, value))
      throw new TypeError(`${at}.clamp.${end} is ${value}, which no ${dtype} is: the ONNX output gives whole numbers`)
}

/** Whole numbers stay what they are: those of 64 bits have more digits than a double. */
function clamped(data: Tensor['data'], { min, max }: Range): Tensor['data'] {
  const inside = data.slice() as Int32Array
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array
  const element = (value: number) => (isBig ? BigInt(value) : value) as number
  const [least, most] = [min, max].map((end) => (end === undefined ? undefined : element(end)))
  for (let i = 0; i < inside.length; i++) {
    if (least !== undefined && inside[i]! < least) inside[i] = least
    if (most !== undefined && inside[i]! > most) inside[i] = most
  }
  return inside
}

function filled(dtype: 'float32' | 'float64', lengths: readonly number[]): Tensor<'float32' | 'float64'> {
  const data = new arrayOf[dtype](lengths.reduce((product, one) => product * one, 1))
  return { dtype, shape: [...lengths], data }
}

function checkRank(
  at: string,
  name: string,
  has: readonly (number | string)[] | undefined,
  wanted: readonly (number | string)[],
): void {
  if (has === undefined) return
  const dims = has.length === wanted.length + 1 ? [1, ...wanted] : wanted
  const open = (length: number | string | undefined) => typeof length !== 'number' || length < 0
  if (has.length === dims.length && has.every((one, axis) => open(one) || open(dims[axis]) || one === dims[axis]))
    return
  throw new TypeError(
    `${at} has the shape ${shapeText(wanted)}, the ONNX output '${name}' of the file ${shapeText(has)}`,
  )
}
