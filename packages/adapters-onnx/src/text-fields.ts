import { Fault, type JsonSchema } from '@dinrail/core'
import type { TextInput, TextOutput } from './contract.ts'
import { checkGiven } from './element-types.ts'
import { dimsFor, type PreparedInput, shapeText } from './onnx-input.ts'
import { gave, type PreparedOutput } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'

type Shape = OnnxMetadata['shape']

/** Whether a string tensor holds one text whatever is asked: a file that leaves it open may hold several. */
export function isOneText(shape: Shape): boolean {
  return shape?.every((length) => length === 1) ?? false
}

/** One text, or a list of them. */
export function textInput(metadata: OnnxMetadata, { text }: TextInput): PreparedInput {
  const { name, type, shape } = metadata
  const at = `inputs.${name}`
  if (type !== 'string') throw new TypeError(`${at} is a text, the ONNX input '${name}' of the file takes ${type}`)
  const { field = name, longest = 65_536, description, many } = text
  const one: JsonSchema = { type: 'string', maxLength: longest }
  const told = description === undefined ? {} : { description }
  if (many === undefined) {
    const lengths = shape?.map(() => 1) ?? [1]
    const dims = dimsFor(at, metadata, lengths)
    return {
      properties: { [field]: { ...one, ...told } },
      feed: (input) => ({ type, dims, data: [input[field] as string] }),
    }
  }
  const dimsOf = dimsOfList(at, shape)
  return {
    properties: { [field]: { type: 'array', items: one, minItems: 1, maxItems: mostTexts, ...told } },
    feed(input) {
      const data = input[field] as readonly string[]
      const dims = dimsOf(data.length)
      if (dims === undefined)
        throw new Fault(
          'invalid-input',
          `/input/${field} has ${data.length} texts, the network takes the shape ${shapeText(shape)}`,
          { field: `/input/${field}` },
        )
      return { type, dims, data }
    },
  }
}

const mostTexts = 65_536

/** The lengths that a number of texts fills, where it fills them. */
function dimsOfList(at: string, shape: Shape = [-1]) {
  const isOpen = (length: number | string) => typeof length === 'string' || length < 0
  if (shape.filter(isOpen).length > 1)
    throw new TypeError(`${at}: a list of texts fills one open axis, the file has ${shapeText(shape)}`)
  const stated = shape.reduce<number>((product, length) => (isOpen(length) ? product : product * Number(length)), 1)
  const hasOpen = shape.some(isOpen)
  return (count: number): readonly number[] | undefined => {
    const rest = count / stated
    if (!Number.isInteger(rest) || rest < 1 || (!hasOpen && rest !== 1)) return undefined
    return shape.map((length) => (isOpen(length) ? rest : Number(length)))
  }
}

/** The one text of a string tensor, or all of them. */
export function textOutput({ name, type, shape }: OnnxMetadata, { text }: TextOutput): PreparedOutput {
  if (type !== 'string') throw new TypeError(`outputs.${name} is a text, the ONNX output '${name}' gives ${type}`)
  const { field = name, description, many } = text
  if (many === undefined && shape?.some((length) => typeof length === 'number' && length > 1))
    throw new TypeError(
      `outputs.${name} is one text, the ONNX output '${name}' of the file has ${shapeText(shape)}: state many: true`,
    )
  const one: JsonSchema = many === undefined ? { type: 'string' } : { type: 'array', items: { type: 'string' } }
  return {
    properties: { [field]: { ...one, ...(description !== undefined && { description }) } },
    read(tensor, answer) {
      checkGiven(name, tensor)
      const texts = tensor.data as readonly unknown[]
      if (tensor.type !== 'string' || texts.some((one) => typeof one !== 'string')) throw gave(name, 'none')
      if (many === undefined && texts.length !== 1) throw gave(name, `${texts.length} texts, not one,`)
      answer[field] = many === undefined ? texts[0] : [...texts]
      return undefined
    },
  }
}
