import { Fault } from '@dinrail/core'
import { arrayOf, isDataOf } from './element-types.ts'
import { textProblem } from './fields-schema.ts'
import type { Tensors } from './network.ts'
import type { OnnxMetadata } from './runtime.ts'

/** Holds feeds against the network before the runtime sees them. Throws `invalid-input` that names the input and the fix. */
export function checkFeeds(id: string, inputs: readonly OnnxMetadata[], feeds: Tensors): void {
  for (let i = 0; i < inputs.length; i++) {
    const { name, type, shape } = inputs[i]!
    const tensor = feeds[name]
    if (tensor === undefined) throw problem(id, name, `is not fed; this network takes ${namesOf(inputs)}`)
    if (tensor.type !== type) throw problem(id, name, `takes ${type}, not ${tensor.type}`)
    if (shape !== undefined) checkDims(id, name, shape, tensor.dims)
    // Nearly always it is the very class: whether it extends it takes longer to find out.
    if (tensor.data.constructor !== arrayOf[tensor.type] && !isDataOf(tensor.type, tensor.data))
      throw problem(id, name, `takes ${type} as ${arrayOf[tensor.type].name}, not as ${tensor.data.constructor.name}`)
    if (type === 'string')
      for (const text of tensor.data as readonly unknown[]) {
        const wrong = textProblem(String(text))
        if (wrong !== undefined) throw problem(id, name, wrong)
      }
    let count = 1
    for (let axis = 0; axis < tensor.dims.length; axis++) count *= tensor.dims[axis]!
    if (tensor.data.length !== count)
      throw problem(id, name, `holds ${tensor.data.length} values where its shape [${tensor.dims}] takes ${count}`)
  }
  // All inputs are there: what goes beyond their number is none.
  let beyond = -inputs.length
  for (const _ in feeds) beyond += 1
  if (beyond > 0) throw strangerAmong(id, inputs, feeds)
}

function strangerAmong(id: string, inputs: readonly OnnxMetadata[], feeds: Tensors): Fault {
  const stranger = Object.keys(feeds).find((name) => !inputs.some((input) => input.name === name))
  return problem(id, String(stranger), `is no input of this network, which takes ${namesOf(inputs)}`)
}

/** Holds the first axes of feeds that will be joined with others against each other. Throws `invalid-input`. */
export function checkRows(id: string, inputs: readonly OnnxMetadata[], feeds: Tensors): void {
  const rows = feeds[inputs[0]!.name]!.dims[0]!
  if (rows < 1) throw problem(id, inputs[0]!.name, 'has no rows: an empty batch has no answer')
  for (let i = 1; i < inputs.length; i++) {
    const { name } = inputs[i]!
    if (feeds[name]!.dims[0] !== rows)
      throw problem(id, name, `has ${feeds[name]!.dims[0]} rows where '${inputs[0]!.name}' has ${rows}`)
  }
}

/** Whether a tensor may have these dimensions where the file states a shape. */
export function fitsShape(shape: readonly (number | string)[], dims: readonly number[]): boolean {
  let fits = dims.length === shape.length
  for (let axis = 0; fits && axis < dims.length; axis++) {
    const length = shape[axis]
    fits = typeof length === 'string' || length === -1 || length === dims[axis]
  }
  return fits
}

function checkDims(id: string, name: string, shape: readonly (number | string)[], dims: readonly number[]): void {
  if (!fitsShape(shape, dims))
    throw problem(
      id,
      name,
      `takes the shape [${shape.map((length) => (length === -1 ? '?' : length)).join(', ')}], not [${dims}]`,
    )
}

const namesOf = (inputs: readonly OnnxMetadata[]) => inputs.map(({ name }) => name).join(', ')

function problem(id: string, name: string, what: string): Fault {
  return new Fault('invalid-input', `${id}: the ONNX input '${name}' ${what}`, { field: `/input/${name}` })
}
