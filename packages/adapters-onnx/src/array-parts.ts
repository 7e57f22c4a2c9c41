import type { OnnxData, OnnxTensor } from './runtime.ts'

/** Whether an array is a part of a larger memory, which is kept, and sent to a thread, whole with it. */
export function isPart(data: OnnxData): boolean {
  return ArrayBuffer.isView(data) && data.byteLength < data.buffer.byteLength
}

/** An array in memory of its own. */
export function ownData<Data extends OnnxData>(data: Data): Data {
  // What a `Buffer` calls a slice is a part of the same memory.
  return (ArrayBuffer.isView(data) ? Uint8Array.prototype.slice.call(data) : data.slice()) as Data
}

export function copied({ type, dims, data }: OnnxTensor): OnnxTensor {
  return { type, dims, data: ownData(data) }
}

/** The tensor in memory of its own, which it may be in already. */
export function ownTensor(tensor: OnnxTensor): OnnxTensor {
  return isPart(tensor.data) ? copied(tensor) : tensor
}
