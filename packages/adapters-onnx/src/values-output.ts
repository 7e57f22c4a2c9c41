import { Fault, type JsonSchema, type Range, type Tensor, tensor as toTensor } from '@dinrail/core'
import type { OutputTensor, Scale, TensorOutput, ValueField, ValuesOutput } from './contract.ts'
import { dataOf, dataTypeOf, numbersOf } from './element-types.ts'
import { objectSchema, propertiesOf } from './fields-schema.ts'
import { shapeText } from './onnx-input.ts'
import { checkFinite, elementsOfShape, type PreparedOutput } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'
import { lineOf } from './scale.ts'
import { openShape } from './tensor-input.ts'
import { meaningOf } from './vector-input.ts'

/** Named numbers, one after the other. */
export function valuesOutput({ name, shape }: OnnxMetadata, { values }: ValuesOutput): PreparedOutput {
  const at = `outputs.${name}`
  const widths = values.map(({ interval }) => (interval !== undefined && 'quantiles' in interval ? 3 : 1))
  const width = widths.reduce<number>((sum, one) => sum + one, 0)
  const count = elementsOfShape(shape)
  if (count !== undefined && count !== width)
    throw new TypeError(`${at}.values take ${width} elements, the ONNX output '${name}' has ${shapeText(shape)}`)
  const readers = values.map((field) => [field, spreadOf(field, `${at}.${field.name}`)] as const)
  const sure = confidenceOf(values.map(({ interval }) => interval?.level))

  return {
    properties: propertiesOf(values.map((field) => [field.name, valueSchema(field)])),
    read(tensor, answer) {
      const numbers = numbersOf(name, tensor)
      if (numbers.length !== width)
        throw new Fault(
          'invalid-output',
          `the network gave ${numbers.length} elements as '${name}', stated are ${width}`,
        )
      checkFinite(numbers, name)
      let column = 0
      readers.forEach(([field, spread], i) => {
        const { value, low, high } = spread(numbers, column, 0)
        answer[field.name] = field.interval === undefined ? value : { value, low, high, level: field.interval.level }
        column += widths[i]!
      })
      return sure
    },
  }
}

/** The probability that all hold, at least: what each leaves open may add up (Bonferroni). */
export function confidenceOf(all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((one) => one !== undefined)
  if (known.length === 0) return undefined
  return known.length === 1 ? known[0] : Math.max(0, 1 - known.reduce((open, one) => open + 1 - one, 0))
}

function valueSchema(field: ValueField): JsonSchema {
  const number: JsonSchema = { type: 'number', ...meaningOf(field) }
  return field.interval === undefined ? number : intervalSchema(number, field.interval.level)
}

function intervalSchema(value: JsonSchema, level: number): JsonSchema {
  const properties = { value, low: value, high: value, level: { const: level } }
  return objectSchema(properties, Object.keys(properties))
}

interface Spread {
  readonly value: number
  readonly low: number
  readonly high: number
}

interface Spreading {
  readonly scale?: Scale
  readonly clamp?: Range
  readonly interval?: OutputTensor['interval']
}

/** Reads a value and its ends at a place of the numbers; `index` is its place along the last axis. */
function spreadOf({ scale, clamp = {}, interval }: Spreading, at: string) {
  const { shift, factor } = lineOf(scale, at)
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = clamp
  if (!(min <= max)) throw new TypeError(`${at}.clamp: min ${min} is above max ${max}`)
  const real = (scaled: number) => scaled / factor + shift
  const inside = (value: number) => Math.min(max, Math.max(min, value))
  if (interval !== undefined) checkInterval(interval, at)
  if (interval !== undefined && 'quantiles' in interval) {
    const { margin = 0 } = interval
    return (numbers: ArrayLike<number>, from: number): Spread => {
      // Quantiles of a network may cross; in order they cover no less.
      const [low, middle, high] = [numbers[from]!, numbers[from + 1]!, numbers[from + 2]!].sort((a, b) => a - b)
      return {
        value: inside(real(middle!)),
        low: inside(real(low!) - margin),
        high: inside(real(high!) + margin),
      }
    }
  }
  const halfWidth = interval?.halfWidth ?? 0
  return (numbers: ArrayLike<number>, from: number, index: number): Spread => {
    const value = real(numbers[from]!)
    const half = typeof halfWidth === 'number' ? halfWidth : halfWidth[index]!
    return { value: inside(value), low: inside(value - half), high: inside(value + half) }
  }
}

function checkInterval(interval: NonNullable<OutputTensor['interval']>, at: string): void {
  const { level } = interval
  if (!(level > 0 && level < 1)) throw new TypeError(`${at}.interval.level is ${level}: between 0 and 1`)
  const widths = 'quantiles' in interval ? [interval.margin ?? 0] : [interval.halfWidth].flat()
  if ('quantiles' in interval) {
    const [low, middle, high] = interval.quantiles
    if (!(0 < low && low < middle && middle < high && high < 1))
      throw new TypeError(`${at}.interval.quantiles ${JSON.stringify(interval.quantiles)} must rise between 0 and 1`)
    if (!(widths[0]! >= 0))
      throw new TypeError(`${at}.interval.margin is ${interval.margin}: 0 or more, since it widens both ends`)
  } else if (widths.length === 0 || widths.some((one) => !(one >= 0)))
    throw new TypeError(`${at}.interval.halfWidth is ${JSON.stringify(interval.halfWidth)}: 0 or more`)
}

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
  const isCalculated = scale !== undefined || clamp !== undefined || interval !== undefined
  const dtype = isCalculated ? 'float32' : own
  if (stated.dtype !== undefined && stated.dtype !== dtype)
    throw new TypeError(`${at}.dtype is ${stated.dtype}, the ONNX output '${name}' of the file gives ${own}`)
  const isQuantile = interval !== undefined && 'quantiles' in interval
  const has = isQuantile ? metadata.shape?.slice(0, -1) : metadata.shape
  const shape = stated.shape ?? openShape({ ...metadata, shape: has ?? [] })
  checkRank(at, name, has, shape)
  const schema: JsonSchema = { ...meaningOf(stated), tensor: { dtype, shape, ...(axes && { axes }) } }
  const spread = spreadOf(stated, at)
  const sure = interval?.level

  return {
    properties: { [field]: interval === undefined ? schema : intervalSchema(schema, interval.level) },
    read(tensor, answer) {
      const whole = tensor?.dims ?? []
      const dims = isQuantile ? whole.slice(0, -1) : whole
      const lengths = dims.length === shape.length + 1 && dims[0] === 1 ? dims.slice(1) : dims
      if (!isCalculated) {
        answer[field] = { dtype, shape: [...lengths], data: dataOf(name, tensor) } as Tensor
        return undefined
      }
      const numbers = numbersOf(name, tensor)
      checkFinite(numbers, name)
      const step = isQuantile ? 3 : 1
      const ends = { value: filled(lengths), low: filled(lengths), high: filled(lengths) }
      const last = lengths.at(-1) ?? 1
      const { halfWidth = 0 } = (interval as { halfWidth?: number | readonly number[] } | undefined) ?? {}
      if (typeof halfWidth !== 'number' && halfWidth.length !== last)
        throw new Fault('invalid-output', `${halfWidth.length} half-widths are stated, the network gave ${last} values`)
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

function filled(lengths: readonly number[]): Tensor<'float32'> {
  return toTensor(new Float32Array(lengths.reduce((product, one) => product * one, 1)), [...lengths])
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
