import { Fault, type RunResult, type Tensor } from '@dinrail/core'
import type { CustomOutputs, FedTensors, TextTensor } from './definition.ts'
import { canHold, checkGiven, dataOf, dataTypeOf, elementsOf } from './element-types.ts'
import type { Tensors } from './network.ts'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'

/** Tensors of custom code as the network takes them. What is none of its inputs is left to the engine, which refuses it. */
export function feedsOfCode(inputs: readonly OnnxMetadata[], given: FedTensors): Tensors {
  const feeds: Record<string, OnnxTensor> = {}
  // Code in JavaScript may give anything, such as a promise, which nobody here waits for.
  if (typeof given !== 'object' || given === null || given instanceof Promise)
    throw new Fault(
      'internal',
      'the code for the inputs must give { name: tensor } at once: await what it needs before',
    )
  for (const [name, tensor] of Object.entries(given)) {
    if (typeof tensor?.dtype !== 'string')
      throw new Fault(
        'internal',
        `the code for the ONNX input '${name}' gave no tensor, such as tensor(new Float32Array(…), shape)`,
      )
    const type = inputs.find((one) => one.name === name)?.type
    feeds[name] = onnxTensor(name, type, tensor)
  }
  return feeds
}

function onnxTensor(name: string, type: string | undefined, { dtype, shape, data }: Tensor | TextTensor): OnnxTensor {
  if (type === 'bool' && dtype === 'uint8') {
    refuse(name, data as Uint8Array, (one) => one > 1, ': booleans are 0 and 1')
    return { type, dims: shape, data: data as Uint8Array }
  }
  if (type === 'float16' && dtype === 'float32') {
    refuse(
      name,
      data as Float32Array,
      (one) => Number.isFinite(one) && !canHold(type, one),
      ', which is beyond what float16 can hold',
    )
    return { type, dims: shape, data: elementsOf(data as Float32Array, type) }
  }
  return { type: dtype, dims: shape, data }
}

function refuse(name: string, data: Uint8Array | Float32Array, isWrong: (one: number) => boolean, why: string): void {
  const at = data.findIndex(isWrong)
  if (at >= 0)
    throw new Fault('invalid-input', `the code for the ONNX input '${name}' gave ${data[at]} at element ${at}${why}`, {
      field: `/input/${name}`,
    })
}

/** Lets custom code read what a network gave: numbers as tensors of a contract, texts apart from them. */
export function readByCode(read: CustomOutputs<unknown>['read'], given: Tensors, input: unknown): RunResult<unknown> {
  const tensors: Record<string, Tensor> = {}
  const texts: Record<string, TextTensor> = {}
  for (const [name, one] of Object.entries(given ?? {})) {
    checkGiven(name, one)
    const shape = [...one.dims]
    if (one.type === 'string') texts[name] = { dtype: 'string', shape, data: one.data as readonly string[] }
    else tensors[name] = { dtype: dataTypeOf(one.type), shape, data: dataOf(name, one) } as Tensor
  }
  return read(tensors, input as never, texts)
}
