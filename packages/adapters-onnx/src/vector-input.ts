import { Fault, type JsonSchema, type Tensor } from '@dinrail/core'
import type { CategoryColumn, NumberColumn, NumberField, VectorField, VectorInput, Window } from './contract.ts'
import { elementsOf, rangeOf } from './element-types.ts'
import { type Properties, propertiesOf } from './fields-schema.ts'
import { batchedDimsFor, type Fields, type Memory, type PreparedInput } from './onnx-input.ts'
import type { OnnxMetadata, OnnxTensor, OnnxType } from './runtime.ts'
import { isCyclic, lineOf } from './scale.ts'

/** Writes the columns of one field into a row. */
type Writer = (value: unknown, row: Row, at: number) => void
type Row = Float32Array | Float64Array

interface Columns {
  readonly name: string
  readonly count: number
  readonly write: Writer
}

/** Named fields, or moments of them, that make one ONNX input together. */
export function vectorInput(metadata: OnnxMetadata, { vector, window }: VectorInput): PreparedInput {
  const at = `inputs.${metadata.name}`
  const type = numericType(at, metadata)
  const columns = vector.map((field) => columnsOf(field, type, `${at}.${field.name}`))
  const width = columns.reduce((sum, { count }) => sum + count, 0)
  if (width === 0) throw new TypeError(`${at}.vector has no field`)
  if (window !== undefined) checkWindow(window, at)
  const dims = batchedDimsFor(at, metadata, lengthsOf(metadata, width, window))
  if (window === undefined)
    return { properties: numberProperties(vector), feed: (input) => ({ type, dims, data: oneRow(input) }) }
  return window.from === 'input'
    ? { properties: windowProperties(vector, window, at), feed: feedWindow }
    : { properties: numberProperties(vector), feed: feedRing, calls: window.length }

  function oneRow(input: Fields): OnnxTensor['data'] {
    const row = type === 'float32' ? new Float32Array(width) : new Float64Array(width)
    writeRow(row, (name) => input[name])
    return type === 'float32' || type === 'float64' ? row : elementsOf(row, type)
  }

  function writeRow(row: Row, given: (name: string) => unknown): void {
    let column = 0
    for (const { name, count, write } of columns) {
      write(given(name), row, column)
      column += count
    }
  }

  function feedWindow(input: Fields): OnnxTensor {
    const rows = Array.from({ length: window!.length }, (_, time) => {
      const row = new Float64Array(width)
      writeRow(row, (name) => (input[name] as Tensor<'float32'>).data[time])
      return row
    })
    return tensorOf(rows)
  }

  /** The window counts the moment only once the call is answered, so that a call that is made again does not double it. */
  function feedRing(input: Fields, memory: Memory | undefined): OnnxTensor {
    const row = new Float64Array(width)
    writeRow(row, (name) => input[name])
    const { length, filling = 'refuse' } = window!
    const before = (memory!.rows.get(metadata.name) ?? []) as readonly Float64Array[]
    const rows = [...before, row].slice(-length)
    memory!.nextRows.set(metadata.name, rows)
    const missing = length - rows.length
    // Of several windows the one that refuses speaks for all.
    if (missing > 0 && !memory!.filling?.refused)
      memory!.filling = { have: rows.length, need: length, refused: filling === 'refuse' }
    return tensorOf([...Array.from({ length: missing }, () => rows[0]!), ...rows])
  }

  function tensorOf(rows: readonly Float64Array[]): OnnxTensor {
    const byField = window?.layout === 'fields-first'
    const numbers = new Float64Array(rows.length * width)
    rows.forEach((row, time) => {
      if (!byField) numbers.set(row, time * width)
      else for (let column = 0; column < width; column++) numbers[column * rows.length + time] = row[column]!
    })
    return { type, dims, data: elementsOf(numbers, type) }
  }
}

function numericType(at: string, { name, type }: OnnxMetadata): OnnxType {
  if (type === undefined || type === 'string')
    throw new TypeError(`${at}.vector makes numbers, the ONNX input '${name}' of the file takes ${type ?? 'no tensor'}`)
  return type as OnnxType
}

function lengthsOf({ shape }: OnnxMetadata, width: number, window: Window | undefined): readonly number[] {
  // A single number may be a scalar in the file.
  if (window === undefined) return width === 1 && shape?.length === 0 ? [] : [width]
  // A network without an axis of time takes the moments in a row.
  if (shape?.length === 2) return [window.length * width]
  return window.layout === 'fields-first' ? [width, window.length] : [window.length, width]
}

function checkWindow({ length, from, filling }: Window, at: string): void {
  if (from === 'input' && filling !== undefined)
    throw new TypeError(`${at}.window.filling is ${filling}: a window from the input is always full`)
  if (!(Number.isInteger(length) && length > 1)) throw new TypeError(`${at}.window.length is ${length}: two or more`)
}

function columnsOf(field: VectorField, type: OnnxType, at: string): Columns {
  return 'categories' in field ? categoryColumns(field, at) : numberColumns(field, type, at)
}

function numberColumns({ name, scale }: NumberColumn, type: OnnxType, at: string): Columns {
  if (scale !== undefined && !type.startsWith('float'))
    throw new TypeError(`${at}.scale: the network takes ${type}, which cannot be scaled`)
  if (isCyclic(scale)) {
    const { period } = scale
    if (!(period > 0)) throw new TypeError(`${at}.scale.period is ${period}: above 0`)
    const write: Writer = (value, row, column) => {
      const angle = (2 * Math.PI * (value as number)) / period
      if (!Number.isFinite(angle)) throw beyond(name, value, type)
      row[column] = Math.sin(angle)
      row[column + 1] = Math.cos(angle)
    }
    return { name, count: 2, write }
  }
  const { shift, factor } = lineOf(scale, at)
  if (!type.startsWith('float')) return { name, count: 1, write: wholeNumber(name, type) }
  const [, most] = rangeOf(type)
  const write: Writer = (value, row, column) => {
    const scaled = ((value as number) - shift) * factor
    if (!(Math.abs(scaled) <= most)) throw beyond(name, value, type)
    row[column] = scaled
  }
  return { name, count: 1, write }
}

function wholeNumber(name: string, type: OnnxType): Writer {
  const [least, most] = rangeOf(type)
  return (value, row, column) => {
    if (!Number.isInteger(value))
      throw new Fault('invalid-input', `/input/${name} must be a whole number, since the network takes ${type}`, {
        field: `/input/${name}`,
      })
    if (!((value as number) >= least && (value as number) <= most))
      throw new Fault(
        'invalid-input',
        `/input/${name} is ${String(value)}, which is beyond ${least} to ${most}: the network takes ${type}`,
        { field: `/input/${name}` },
      )
    row[column] = value as number
  }
}

function beyond(name: string, value: unknown, type: OnnxType): Fault {
  return new Fault('invalid-input', `/input/${name} is ${String(value)}, which is beyond what ${type} can hold`, {
    field: `/input/${name}`,
  })
}

function categoryColumns(field: CategoryColumn, at: string): Columns {
  const { name, categories, encode = 'one-hot', default: standIn } = field
  if (categories.length === 0 || new Set(categories).size !== categories.length)
    throw new TypeError(`${at}.categories must be different words`)
  if (standIn !== undefined && !categories.includes(standIn))
    throw new TypeError(`${at}.default is ${standIn}: it must be one of ${categories.join(', ')}`)
  if (encode === 'index')
    return {
      name,
      count: 1,
      write: (value, row, column) => {
        row[column] = categories.indexOf(value as string)
      },
    }
  return {
    name,
    count: categories.length,
    write: (value, row, column) => {
      row[column + categories.indexOf(value as string)] = 1
    },
  }
}

function numberProperties(vector: readonly VectorField[]): Properties {
  return propertiesOf(
    vector.map((field) => [field.name, 'categories' in field ? categorySchema(field) : numberSchema(field)]),
  )
}

function windowProperties(vector: readonly VectorField[], { length }: Window, at: string): Properties {
  return propertiesOf(
    vector.map((field) => {
      if ('categories' in field || (field.missing ?? 'reject') !== 'reject')
        throw new TypeError(
          `${at}.${field.name}: a window from the input holds numbers that are all there; use from: 'calls' for others`,
        )
      const { type: _, ...meaning } = numberSchema(field)
      return [field.name, { ...meaning, tensor: { dtype: 'float32', shape: [length], axes: ['time'] } }]
    }),
  )
}

const annotations = ['unit', 'quantity', 'semantics', 'limits', 'maxAge', 'missing', 'default', 'description'] as const

/** What the vocabulary says of a field, and nothing of how the network takes it. */
export function meaningOf(field: Partial<NumberField>): JsonSchema {
  return Object.fromEntries(
    annotations.filter((key) => field[key] !== undefined).map((key) => [key, field[key]]),
  ) as JsonSchema
}

/** Throws a `TypeError` where the value that stands in for a missing one would be refused itself. */
export function numberSchema(field: NumberField): JsonSchema {
  const { name = 'a field', default: standIn, limits = {} } = field as NumberField & { readonly name?: string }
  for (const kind of ['physical', 'training'] as const) {
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = limits[kind] ?? {}
    if (standIn !== undefined && !(standIn >= min && standIn <= max))
      throw new TypeError(`${name}: its default is ${standIn}, outside of its ${kind} limits, ${min} to ${max}`)
  }
  return { type: 'number', ...meaningOf(field) }
}

function categorySchema({ categories, missing, default: standIn, description }: CategoryColumn): JsonSchema {
  return {
    type: 'string',
    enum: categories,
    ...(missing && { missing }),
    ...(standIn !== undefined && { default: standIn }),
    ...(description !== undefined && { description }),
  }
}
