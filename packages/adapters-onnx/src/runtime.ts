/**
 * What this package needs of onnxruntime-web or onnxruntime-node. The module itself is passed in, so that its user
 * decides which runtime, which version and which threads.
 */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: OnnxSessionOptions): Promise<OnnxSession>
  }
  /** The runtimes take every other type of `OnnxTensor` too; one of their overloads is stated here. */
  readonly Tensor: new (
    type: 'float32',
    data: Float32Array,
    dims: readonly number[],
  ) => OnnxValue
}

export interface OnnxSessionOptions {
  /** What the file keeps outside of itself, by the location that it states. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[]
  /** In the runtime's words, such as `wasm`, `webgpu` or `cpu`. */
  readonly executionProviders?: readonly string[]
}

export interface OnnxSession {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  readonly inputMetadata: readonly OnnxMetadata[]
  readonly outputMetadata: readonly OnnxMetadata[]
  run(feeds: Readonly<Record<string, OnnxValue>>): Promise<Readonly<Record<string, OnnxValue>>>
  release(): Promise<void>
}

/** One input or output of a network. */
export interface OnnxMetadata {
  readonly name: string
  /** False for sequences and maps, which the web runtime cannot give back. */
  readonly isTensor: boolean
  readonly type?: string
  /** Lengths of the axes: a word where the file names a symbol, −1 (after loading) where it leaves the length open. */
  readonly shape?: readonly (number | string)[]
}

export interface OnnxValue {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: unknown
}

/** A tensor by the names of ONNX, in row-major order: `data.length` is the product of `dims`. */
export interface OnnxTensor {
  readonly type: OnnxType
  readonly dims: readonly number[]
  readonly data: OnnxData
}

export type OnnxType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'

/** Half floats are their 16 bits, except where the JavaScript engine has `Float16Array`; booleans are bytes 0 and 1. */
export type OnnxData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[]
