import type { Descriptor, Model, RunResult, Schema, Tensor, Trust } from '@dinrail/core'
import type { Golden, InputRecipe, NumberField, OnnxContract, OutputRecipe, StatedDescriptor } from './contract.ts'
import type { Execution } from './engine.ts'
import type { ExternalReader } from './external-data.ts'
import type { InputOfRecipes, OutputOfRecipes } from './inferred.ts'
import type { OnnxRuntime } from './runtime.ts'

/**
 * A network on the rail. `runtime` and `model` are enough for a file that describes itself; whatever is stated here is
 * preferred to what stands in the file, and what contradicts the file is refused.
 */
export interface OnnxDefinition<
  Inputs extends InputRecipes | CustomInputs<unknown>,
  Context extends ContextFields,
  Outputs extends OutputRecipes | CustomOutputs<unknown>,
> extends Partial<StatedDescriptor>,
    Pick<OnnxContract, 'novelty' | 'sessions'> {
  /** `onnxruntime-web` or `onnxruntime-node`, imported by the user. */
  readonly runtime: OnnxRuntime
  /** The bytes of the `.onnx` file, where to fetch it, or what `readModel` of `@dinrail/adapters-onnx/node` read of a path. */
  readonly model: ModelSource
  /**
   * `sha256:` and 64 hexadecimal digits, as `dinrail-onnx inspect` prints them: the only weights that are accepted, those that
   * the file keeps beside itself included.
   */
  readonly sha256?: string
  /** Detached JWS over the descriptor, which holds the digest of the weights; `trust` decides, such as `trustedBy(keys)`. */
  readonly signature?: string
  readonly trust?: Trust
  readonly inputs?: Inputs
  readonly context?: Context
  readonly outputs?: Outputs
  /** Asked before the model is handed out; it is refused where one is answered differently. */
  readonly golden?: readonly Golden[]
  readonly execution?: Execution
}

type InputRecipes = Readonly<Record<string, InputRecipe>>
type OutputRecipes = Readonly<Record<string, OutputRecipe>>
type ContextFields = Readonly<Record<string, NumberField>>

export type ModelSource = Uint8Array<ArrayBuffer> | URL | `http://${string}` | `https://${string}` | ModelFiles

/** A model and a reader of what its file keeps beside itself, by the location that the file states. */
export interface ModelFiles {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly external?: ExternalReader
}

/** Numbers that a network gave by their ONNX names, batch axis included: booleans as uint8, half floats as float32. */
export type NamedTensors = Readonly<Record<string, Tensor>>

/** Texts, in row-major order: what a string tensor of ONNX holds. */
export interface TextTensor {
  readonly dtype: 'string'
  readonly shape: readonly number[]
  readonly data: readonly string[]
}

/** What a network is fed by its ONNX names, batch axis included: booleans as uint8 of 0 and 1, half floats as float32. */
export type FedTensors = Readonly<Record<string, Tensor | TextTensor>>

/** Texts that a network gave, by their ONNX names. */
export type NamedTexts = Readonly<Record<string, TextTensor>>

/** Where recipes do not suffice: code that makes all ONNX inputs. */
export interface CustomInputs<In> {
  readonly schema: Schema<In, unknown>
  readonly feeds: (input: never) => FedTensors
}

/** Where recipes do not suffice: code that reads the ONNX outputs. */
export interface CustomOutputs<Out> {
  readonly schema: Schema<unknown, Out>
  readonly read: (tensors: NamedTensors, input: never, texts: NamedTexts) => RunResult<unknown>
}

export type InputOfDefinition<Inputs, Context> =
  Inputs extends CustomInputs<infer In> ? In : InputOfRecipes<Inputs, Context>

export type OutputOfDefinition<Outputs> = Outputs extends CustomOutputs<infer Out> ? Out : OutputOfRecipes<Outputs>

/** A descriptor that says how the network is fed and read: whoever has it and the file can load the same model. */
export interface OnnxDescriptor<In, Out> extends Descriptor<In, Out> {
  readonly onnx: Omit<OnnxContract, 'inputs' | 'outputs'> & {
    readonly inputs?: InputRecipes | 'code'
    readonly outputs?: OutputRecipes | 'code'
  }
}

/** A network behind its contract. */
export interface OnnxModel<In, Out> extends Model<In, Out, never> {
  readonly descriptor: OnnxDescriptor<In, Out>
  /** Whether it can answer, and how it has done so far. */
  health(): Health
  /** For a network with state: a model of the same contract whose state is its own. Its `dispose` forgets the state only. */
  openSession(): Model<In, Out, never>
  /** Lets the calls in flight end and frees the memory; a second time does nothing. Later calls are `unavailable`. */
  dispose(): Promise<void>
}

export interface Health {
  readonly state: 'ready' | 'draining' | 'disposed'
  /** Calls inside now, answered, and ended in a fault of the network. */
  readonly running: number
  readonly answered: number
  readonly failed: number
  /** Sessions whose state is remembered. */
  readonly sessions: number
  /**
   * Threads of its pool that were ended and have not stopped: a run in native code goes on until it ends by itself, and until then
   * the process can be ended by a signal only.
   */
  readonly leftBehind: number
  /** How long loading, the first run and the golden answers took, in milliseconds. */
  readonly loadedInMs: number
}
