import { Fault } from '@dinrail/core'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'

type Feeds = Readonly<Record<string, OnnxTensor>>

/** Holds feeds against the network before the runtime sees them. Throws `invalid-input` that names the input and the fix. */
export function checkFeeds(id: string, inputs: readonly OnnxMetadata[], feeds: Feeds): void {
  for (const { name, type, shape } of inputs) {
    const tensor = feeds[name]
    if (tensor === undefined) throw problem(id, name, `is not fed; this network takes ${namesOf(inputs)}`)
    if (tensor.type !== type) throw problem(id, name, `takes ${type}, not ${tensor.type}`)
    if (shape !== undefined) checkDims(id, name, shape, tensor.dims)
    let count = 1
    for (const length of tensor.dims) count *= length
    if (tensor.data.length !== count)
      throw problem(id, name, `holds ${tensor.data.length} values where its shape [${tensor.dims}] takes ${count}`)
  }
  for (const name in feeds)
    if (!inputs.some((input) => input.name === name))
      throw problem(id, name, `is no input of this network, which takes ${namesOf(inputs)}`)
}

function checkDims(id: string, name: string, shape: readonly (number | string)[], dims: readonly number[]): void {
  let fits = dims.length === shape.length
  for (let axis = 0; fits && axis < dims.length; axis++) {
    const length = shape[axis]
    fits = typeof length === 'string' || length === -1 || length === dims[axis]
  }
  if (!fits)
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
