import { type DataType, Fault, type Tensor } from '@dinrail/core'
import { ownData } from './array-parts.ts'
import type { ConstantInput, StateInput, TensorInput } from './contract.ts'
import { arrayOf, canBeGivenAs, canHold, dataTypeOf, elementsOf, rangeOf } from './element-types.ts'
import { dimsFor, type Memory, type PreparedInput, shapeText } from './onnx-input.ts'
import type { OnnxData, OnnxMetadata, OnnxType } from './runtime.ts'
import { lineOf } from './scale.ts'
import { unknownAxes } from './unstated-ranks.ts'
import { meaningOf } from './vector-input.ts'

/** A tensor that callers send as it is, but for its scale. */
export function tensorInput(metadata: OnnxMetadata, { tensor: stated }: TensorInput): PreparedInput {
  const at = `inputs.${metadata.name}`
  const type = typeOf(at, metadata)
  const { field = metadata.name, scale, axes } = stated
  const dtype = dtypeOf(at, stated.dtype, type, metadata.name)
  const shape = stated.shape ?? openShape('input', metadata)
  checkAxes(at, axes, shape)
  const { overlap = 0 } = stated
  if (overlap !== 0) checkOverlap(overlap, shape, at)
  const probe = dimsFor(
    at,
    metadata,
    shape.map((length) => (typeof length === 'string' ? -1 : length + overlap)),
  )
  const isBatchAdded = probe.length > shape.length
  const isOpen = shape.some((length) => typeof length === 'string')
  const pointer = `/input/${field}`
  const { shift, factor } = lineOf(scale, at)
  const isAsItIs = (dtype === type || (dtype === 'uint8' && type === 'bool')) && scale === undefined
  if (scale !== undefined && !type.startsWith('float'))
    throw new TypeError(`${at}.scale: the network takes ${type}, which cannot be scaled`)

  function given(data: Tensor['data']): OnnxData {
    if (type === 'bool') checkTruth(data as Uint8Array, pointer)
    // Memory that threads share is none that a native runtime takes.
    if (isAsItIs) return data.buffer instanceof ArrayBuffer ? data : ownData(data)
    const numbers =
      scale === undefined ? data : Float64Array.from(data as Float32Array, (one) => (one - shift) * factor)
    const most = numbers instanceof BigInt64Array || numbers instanceof BigUint64Array ? undefined : rangeOf(type)[1]
    if (most !== undefined && type.startsWith('float')) {
      const at = (numbers as Float64Array).findIndex((one) => !(Math.abs(one) <= most))
      if (at >= 0)
        throw new Fault(
          'invalid-input',
          `${pointer} holds ${data[at]} at element ${at}, which is beyond what ${type} can hold`,
          {
            field: pointer,
          },
        )
    }
    return elementsOf(numbers, type)
  }

  return {
    properties: {
      [field]: { ...meaningOf(stated), tensor: { dtype, shape, ...(axes && { axes }) } },
    },
    feed(input, memory) {
      const { data, shape: lengths } = input[field] as Tensor
      if (isOpen && data.length === 0)
        throw new Fault('invalid-input', `${pointer} is empty: its shape is ${shapeText(lengths)}, send at least one`, {
          field: pointer,
        })
      // Of a shape that is stated in numbers the dimensions are the same in every call.
      const dims = isOpen ? (isBatchAdded ? [1, ...lengths] : lengths) : probe
      return { type, dims, data: given(overlap > 0 ? withOverlap(data, memory!) : data) }
    },
    ...(overlap > 0 && { calls: 1 + Math.ceil(overlap / Math.max(1, Number(shape[0]))) }),
  }

  /** All of them are of the one type that callers send, which may be 64-bit integers. */
  function withOverlap(data: Tensor['data'], { rows, nextRows }: Memory): Tensor['data'] {
    const whole = new arrayOf[dtype](overlap + data.length)
    whole.set((rows.get(metadata.name)?.[0] ?? []) as never)
    whole.set(data as never, overlap)
    nextRows.set(metadata.name, [whole.slice(whole.length - overlap)])
    return whole
  }
}

/** Throws a `TypeError` where not each axis of a shape is named. */
export function checkAxes(at: string, axes: readonly string[] | undefined, shape: readonly (number | string)[]): void {
  if (axes !== undefined && axes.length !== shape.length)
    throw new TypeError(`${at}: ${axes.length} axes are named, its shape ${shapeText(shape)} has ${shape.length}`)
}

function checkOverlap(overlap: number, shape: readonly (number | string)[], at: string): void {
  const [length] = shape
  if (!(Number.isInteger(overlap) && overlap > 0 && shape.length === 1 && typeof length === 'number'))
    throw new TypeError(
      `${at}.overlap is ${overlap}, its shape ${shapeText(shape)}: a whole number of elements, and one axis of a stated length`,
    )
}

/** A length that the file leaves open gets a word of its own. Throws a `TypeError` where it does not say how many there are. */
export function openShape(side: 'input' | 'output', { name, shape }: OnnxMetadata): readonly (number | string)[] {
  if (shape === undefined) throw unknownAxes(side, name)
  return shape.map((length, axis) => (length === -1 ? `axis-${axis}` : length))
}

function typeOf(at: string, { name, type }: OnnxMetadata): OnnxType {
  if (type === undefined || type === 'string')
    throw new TypeError(
      `${at}: the ONNX input '${name}' of the file takes ${type === 'string' ? 'texts, which { text: {} } feeds' : 'no tensor'}`,
    )
  return type as OnnxType
}

function dtypeOf(at: string, stated: DataType | undefined, type: OnnxType, name: string): DataType {
  if (stated === undefined) return dataTypeOf(type)!
  if (!canBeGivenAs(stated, type))
    throw new TypeError(`${at}.dtype is ${stated}, the ONNX input '${name}' of the file takes ${type}`)
  return stated
}

function checkTruth(data: Uint8Array, field: string): void {
  const wrong = data.findIndex((one) => one > 1)
  if (wrong >= 0)
    throw new Fault('invalid-input', `${field} holds ${data[wrong]} at element ${wrong}: booleans are 0 and 1`, {
      field,
    })
}

/** What the call before gave. */
export function stateInput(metadata: OnnxMetadata, { shape }: StateInput): PreparedInput {
  const { name } = metadata
  const at = `inputs.${name}`
  const type = typeOf(at, metadata)
  const lengths = shape ?? metadata.shape
  if (lengths === undefined)
    throw new TypeError(`${at}: the file does not say which shape the state '${name}' has: state it in numbers`)
  if (lengths.some((length) => typeof length === 'string' || length < 0))
    throw new TypeError(
      `${at}: the state '${name}' of the file has the shape ${shapeText(lengths)}: state its shape in numbers`,
    )
  const dims = dimsFor(at, metadata, lengths as readonly number[])
  const count = dims.reduce((product, length) => product * length, 1)
  return {
    properties: {},
    feed: (_, memory) => memory?.states.get(name) ?? { type, dims, data: elementsOf(new Float64Array(count), type) },
  }
}

/** Always the same. */
export function constantInput(metadata: OnnxMetadata, { constant, shape }: ConstantInput): PreparedInput {
  const at = `inputs.${metadata.name}`
  const type = typeOf(at, metadata)
  const numbers = typeof constant === 'number' ? [constant] : constant
  const odd = numbers.find((one) => !canHold(type, one))
  if (odd !== undefined)
    throw new TypeError(`${at}.constant holds ${odd}, which no ${type} is: the file takes that type`)
  const lengths = shape ?? (typeof constant === 'number' && metadata.shape?.length !== 1 ? [] : [numbers.length])
  const dims = dimsFor(at, metadata, lengths)
  if (dims.reduce((product, length) => product * length, 1) !== numbers.length)
    throw new TypeError(`${at}: ${numbers.length} numbers do not fill the shape ${shapeText(dims)}`)
  const tensor = { type, dims, data: elementsOf(numbers, type) }
  return { properties: {}, feed: () => tensor }
}
