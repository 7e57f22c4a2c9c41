import type { Tensors } from './network.ts'
import type { OnnxData, OnnxMetadata, OnnxTensor, OnnxType } from './runtime.ts'

/** More numbers than this are no sample but a load. */
const mostNumbers = 2 ** 26

/**
 * Made-up tensors that a network takes, by which it can be tried and timed: one row where a length is open, other values
 * for every seed. Nothing where the file does not say what an input looks like.
 */
export function sampleFeeds(inputs: readonly OnnxMetadata[], seed = 1): Tensors | undefined {
  const feeds: Record<string, OnnxTensor> = {}
  let state = seed
  // A linear congruence is random enough to tell rows apart.
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  for (const { name, isTensor, type, shape } of inputs) {
    if (!isTensor || shape === undefined || !isOnnxType(type)) return undefined
    const dims = shape.map((length) => (typeof length === 'string' || length < 0 ? 1 : length))
    const count = dims.reduce((product, length) => product * length, 1)
    if (count > mostNumbers) return undefined
    feeds[name] = { type, dims, data: dataOf(type, count, next) }
  }
  return feeds
}

/** The array of each type; half floats are given by their bits. */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const

function isOnnxType(type: string | undefined): type is OnnxType {
  return type !== undefined && (type in arrays || ['float16', 'int64', 'uint64', 'string'].includes(type))
}

function dataOf(type: OnnxType, count: number, next: () => number): OnnxData {
  // Numbers below two are indexes that most tables have.
  const bit = () => (next() < 0.5 ? 0 : 1)
  switch (type) {
    case 'string':
      return Array.from({ length: count }, () => '')
    case 'int64':
      return BigInt64Array.from({ length: count }, () => BigInt(bit()))
    case 'uint64':
      return BigUint64Array.from({ length: count }, () => BigInt(bit()))
    case 'float16': {
      // 0x3800 is a half and 0x3c00 is one.
      const bits = Uint16Array.from({ length: count }, () => (next() < 0.5 ? 0x3800 : 0x3c00))
      const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBuffer) => Uint16Array }
      return Float16Array === undefined ? bits : new Float16Array(bits.buffer)
    }
    default: {
      const data = new arrays[type](count)
      const isReal = type === 'float32' || type === 'float64'
      for (let i = 0; i < count; i++) data[i] = isReal ? next() * 2 - 1 : bit()
      return data
    }
  }
}
