import type { JsonSchema, Range } from '@dinrail/core'
import type { OutputTensor, Scale, ValueField, ValuesOutput } from './contract.ts'
import { numbersOf } from './element-types.ts'
import { objectSchema, propertiesOf } from './fields-schema.ts'
import { shapeText } from './onnx-input.ts'
import { checkFinite, checkNumeric, elementsOfShape, type PreparedOutput, wrongCount } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'
import { lineOf } from './scale.ts'
import { meaningOf } from './vector-input.ts'

/** Named numbers, one after the other. */
export function valuesOutput(metadata: OnnxMetadata, { values }: ValuesOutput): PreparedOutput {
  const { name, shape } = metadata
  const at = `outputs.${name}`
  checkNumeric(at, metadata)
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
      if (numbers.length !== width) throw wrongCount(name, tensor?.dims, `${width} values`)
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

export function intervalSchema(value: JsonSchema, level: number): JsonSchema {
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
  readonly limits?: OutputTensor['limits']
}

/** Reads a value and its ends, of which none is beyond the physical limits; `index` is its place along the last axis. */
export function spreadOf({ scale, clamp = {}, interval, limits }: Spreading, at: string) {
  const { shift, factor } = lineOf(scale, at)
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = clamp
  if (!(min <= max)) throw new TypeError(`${at}.clamp: min ${min} is above max ${max}`)
  const real = (scaled: number) => scaled / factor + shift
  const inside = (value: number) => Math.min(max, Math.max(min, value))
  // The truth is not where nothing can be; a value there is a fault, which its ends must not hide or be.
  const { min: least = min, max: most = max } = limits?.physical ?? {}
  const lowEnd = (value: number) => Math.max(least, inside(value))
  const highEnd = (value: number) => Math.min(most, inside(value))
  if (interval !== undefined) checkInterval(interval, at)
  if (interval !== undefined && 'quantiles' in interval) {
    const { margin = 0 } = interval
    return (numbers: ArrayLike<number>, from: number): Spread => {
      // Quantiles of a network may cross; in order they cover no less.
      const [low, middle, high] = [numbers[from]!, numbers[from + 1]!, numbers[from + 2]!].sort((a, b) => a - b)
      return {
        value: inside(real(middle!)),
        low: lowEnd(real(low!) - margin),
        high: highEnd(real(high!) + margin),
      }
    }
  }
  const halfWidth = interval?.halfWidth ?? 0
  return (numbers: ArrayLike<number>, from: number, index: number): Spread => {
    const value = real(numbers[from]!)
    const half = typeof halfWidth === 'number' ? halfWidth : halfWidth[index]!
    return { value: inside(value), low: lowEnd(value - half), high: highEnd(value + half) }
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
