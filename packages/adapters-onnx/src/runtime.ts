/**
 * What this package needs of onnxruntime-web or onnxruntime-node. The module itself is passed in, so that its user
 * decides which runtime, which version and which threads.
 */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<OnnxSession>
  }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OnnxValue
}

export interface OnnxSession {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  readonly inputMetadata: readonly OnnxMetadata[]
  readonly outputMetadata: readonly OnnxMetadata[]
  run(feeds: Readonly<Record<string, OnnxValue>>): Promise<Readonly<Record<string, OnnxValue>>>
  release(): Promise<void>
}

export interface OnnxMetadata {
  readonly name: string
  /** False for sequences and maps, which the web runtime cannot give back. */
  readonly isTensor: boolean
  readonly type?: string
  readonly shape?: readonly (number | string)[]
}

export interface OnnxValue {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: unknown
}
