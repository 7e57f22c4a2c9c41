import type { DataType, Descriptor, Limits, Range, Vocabulary } from '@dinrail/core'

/**
 * What a network takes and gives, as plain data. The keys are the names in the `.onnx` file; what stands beside them says
 * what the numbers mean. It may be stated in code, stand in the file itself under `metadataKey`, or both; it travels as
 * `descriptor.onnx`.
 */
export interface OnnxContract {
  /** How each ONNX input is made. Where none is named, all are tensors under their own names; where some are, all must be. */
  readonly inputs?: Readonly<Record<string, InputRecipe>>
  /** Numbers that the network does not take, but that bound where it may be trusted. */
  readonly context?: Readonly<Record<string, NumberField>>
  /** How each ONNX output is read. Where none is named, all are tensors; where some are, the others are left out. */
  readonly outputs?: Readonly<Record<string, OutputRecipe>>
  /** A distance from what the network was trained on. Beyond it an answer is refused, or uncertain and without confidence. */
  readonly novelty?: Novelty
  /** Bounds of what is remembered between calls: `state`, a window over `calls`, an `overlap`. */
  readonly sessions?: SessionBounds
}

/** The key of `metadata_props` under which a self-describing file holds `EmbeddedContract` as JSON. */
export const metadataKey = 'dinrail'

/** What `embedDescriptor` writes into a file: enough for `onnxModel({ runtime, model })` alone. */
export interface EmbeddedContract extends OnnxContract, Partial<StatedDescriptor> {
  readonly golden?: readonly Golden[]
}

/** What an author says of a model; the rest of its descriptor follows from the file and the contract. */
export type StatedDescriptor = Omit<
  Descriptor,
  'specVersion' | 'kind' | 'input' | 'output' | 'effect' | 'supports' | 'safety' | 'assurance' | 'chat' | '~types'
>

/** Exactly one kind. */
export type InputRecipe = VectorInput | TensorInput | ImageInput | TextInput | StateInput | ConstantInput

/** Named fields that together make one ONNX input of shape [1, n], in the order stated; [1, time, n] with a window. */
export interface VectorInput {
  readonly vector: readonly VectorField[]
  readonly window?: Window
}

export type VectorField = NumberColumn | CategoryColumn

/** A number with its meaning. `unit` is UCUM, `1` for a pure number. */
export interface NumberField
  extends Pick<Vocabulary, 'quantity' | 'semantics' | 'limits' | 'maxAge' | 'missing'>,
    Described {
  readonly unit: string
  /** What stands in where `missing` is `impute`; it keeps the field's own limits. */
  readonly default?: number
}

export interface NumberColumn extends NumberField {
  readonly name: string
  readonly scale?: Scale
}

/** One of a few words. `one-hot` (unless stated) makes a column of each, `index` one column of its place in the list. */
export interface CategoryColumn extends Described {
  readonly name: string
  readonly categories: readonly string[]
  readonly encode?: 'one-hot' | 'index'
  readonly missing?: 'reject' | 'impute'
  readonly default?: string
}

export interface Described {
  readonly description?: string
}

/**
 * From the contract's unit to the number that the network was trained on. Standard: (x − mean) / deviation. Min-max: [min, max]
 * onto [0, 1]. Robust: (x − median) / spread, commonly the interquartile range. Cyclic makes two columns, the sine and the
 * cosine of 2πx / period. Outputs are read the other way round.
 */
export type Scale =
  | { readonly mean: number; readonly deviation: number }
  | { readonly min: number; readonly max: number }
  | { readonly median: number; readonly spread: number }
  | { readonly period: number }

/**
 * The last `length` moments, oldest first. `input`: each call brings them all, each field as a tensor of that length.
 * `calls`: each call brings the newest, and the ones before are remembered for the session; a moment of uncertain quality makes
 * every answer uncertain whose window holds it.
 */
export interface Window {
  readonly length: number
  readonly from: 'input' | 'calls'
  /** [1, time, fields] unless stated. */
  readonly layout?: 'time-first' | 'fields-first'
  /** Before a window over `calls` is full: `refuse` (unless stated) or `repeat` its first moment, which is uncertain. */
  readonly filling?: 'refuse' | 'repeat'
}

/** A tensor; the batch axis is added where the file has one more axis than `shape`. */
export interface TensorInput {
  readonly tensor: TensorField
}

export interface TensorField extends Pick<Vocabulary, 'quantity' | 'semantics' | 'limits' | 'maxAge'>, Described {
  /** Of a tensor of one axis: how many elements of the session's call before stand in front; zeros at its beginning. */
  readonly overlap?: number
  /** What callers name it; the ONNX name unless stated. */
  readonly field?: string
  /** The file's own unless stated. Small integers may stand for a wider type, since nothing is lost. */
  readonly dtype?: DataType
  /**
   * Length of each axis; a word names one that is free. The file's own, batch axis included, unless stated, which it must be
   * where the file does not say how many axes there are.
   */
  readonly shape?: readonly (number | string)[]
  readonly axes?: readonly string[]
  readonly unit?: string
  readonly scale?: Scale
}

/** A picture: a uint8 tensor [height, width, channels] of any size; three channels are red, green, blue, one is grey. */
export interface ImageInput {
  readonly image: ImageField
}

export interface ImageField extends Described {
  /** What callers name it; the ONNX name unless stated. */
  readonly field?: string
  /** [height, width] in pixels that the network takes, each at most 8,192; `keep` follows the picture's own proportions. */
  readonly size: readonly [height: number | 'keep', width: number | 'keep']
  /** Lengths that are kept are rounded to a multiple of it; 1 unless stated. */
  readonly multipleOf?: number
  /** The longest side where a length is kept, at most 8,192; 4,096 unless stated. */
  readonly longest?: number
  /** `stretch` (unless stated); `cover` cuts what stands out; `contain` fills the rest with `pad`. */
  readonly fit?: 'stretch' | 'cover' | 'contain'
  /** 0 to 255; 0 unless stated. */
  readonly pad?: number
  /** The share of the middle that is used, in (0, 1]; 1 unless stated. */
  readonly crop?: number
  /** `bilinear` unless stated; `area` averages where it shrinks. */
  readonly resize?: 'bilinear' | 'nearest' | 'area'
  /** What the network takes; `rgb` unless stated. */
  readonly colour?: 'rgb' | 'bgr' | 'grey'
  /** `nchw` unless stated. */
  readonly layout?: 'nchw' | 'nhwc'
  /** The value of a full channel: 1 (unless stated) or 255. */
  readonly range?: 1 | 255
  /** Per channel in the network's order, after `range`: (x − mean) / deviation. */
  readonly normalise?: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
}

/** A text as an ONNX string tensor of one element, or several as a list in row-major order. */
export interface TextInput {
  readonly text: TextField & {
    /** Most UTF-16 code units of one text; 65,536 unless stated. */
    readonly longest?: number
  }
}

export interface TextField extends Described {
  /** What callers name it; the ONNX name unless stated. */
  readonly field?: string
  /** Makes it a list. At most one axis of the file may be open: it is as long as the list makes it. */
  readonly many?: true
}

/** Is fed by the ONNX output of that name of the call before in the same session; by zeros at its beginning. */
export interface StateInput {
  readonly state: string
  /** The file's own unless stated, which it must be where an axis of it is free. */
  readonly shape?: readonly number[]
}

/** The same for every call, such as a sample rate. */
export interface ConstantInput {
  readonly constant: number | readonly number[]
  /** A scalar or one axis unless stated. */
  readonly shape?: readonly number[]
}

/** Exactly one kind. */
export type OutputRecipe = LabelsOutput | ValuesOutput | TensorOutput | TextOutput | CharactersOutput

/**
 * One score a label, or one score for two labels, which is the second one's. Gives `label` and `probabilities`, and the reply
 * its confidence.
 */
export interface LabelsOutput {
  readonly labels: readonly string[]
  /** Gives `{ [field]: { label, probabilities } }`, for a network with several classifications. */
  readonly field?: string
  /** `probabilities` unless stated; `logits` go through a softmax, a single one through a sigmoid. */
  readonly scores?: 'probabilities' | 'logits'
  /** Divides the logits: above 1 for a network that is too sure of itself. */
  readonly temperature?: number
  /** How often the answer was right at a score, on held-out data; straight lines between. Makes the confidence only. */
  readonly isotonic?: { readonly score: readonly number[]; readonly probability: readonly number[] }
}

/** Named numbers, in the order of the ONNX output's elements. */
export interface ValuesOutput {
  readonly values: readonly ValueField[]
}

export interface ValueField extends Pick<Vocabulary, 'quantity' | 'semantics'>, Described {
  readonly name: string
  readonly unit: string
  /** The answer is a fault outside of the physical limits. */
  readonly limits?: Pick<Limits, 'physical'>
  readonly scale?: Scale
  /** Values outside are moved to its ends, as where a life is never negative. */
  readonly clamp?: Range
  /** With it the answer is `{ value, low, high, level }`, and the confidence is the level. */
  readonly interval?: Interval
}

/**
 * Where the truth lies with the probability `level`, as measured on held-out data. It holds for answers of good quality. An end
 * beyond the physical limits is moved to them.
 */
export type Interval = HalfWidth | Quantiles

/** Conformal: value ± `halfWidth`, in the field's unit. */
export interface HalfWidth {
  readonly level: number
  readonly halfWidth: number
}

/** The ONNX output has three elements for the value: lower end, middle, upper end. `margin`, 0 or more, widens both ends. */
export interface Quantiles {
  readonly level: number
  readonly quantiles: readonly [low: number, middle: number, high: number]
  readonly margin?: number
}

/**
 * A tensor without the batch axis where `shape` has one axis fewer than the file. A `scale` or an `interval` makes real numbers
 * of whole ones: float64 of those of 32 and 64 bits. A `clamp` alone leaves them whole.
 */
export interface TensorOutput {
  readonly tensor: OutputTensor
}

export interface OutputTensor extends Omit<TensorField, 'dtype' | 'maxAge' | 'limits' | 'overlap'> {
  /** What the file gives, or what the `scale` makes of it. State it where the compiler is to know it too: it doesn't know the file. */
  readonly dtype?: DataType
  readonly limits?: Pick<Limits, 'physical'>
  readonly clamp?: Range
  /** With it the answer is `{ value, low, high, level }` of tensors. Quantiles are the file's last axis, three long, which `shape` leaves out. */
  readonly interval?: Interval | { readonly level: number; readonly halfWidth: readonly number[] }
}

/** The text of an ONNX string tensor, such as a class that the network names itself; all of them with `many`. */
export interface TextOutput {
  readonly text: TextField
}

/**
 * Scores [1, time, classes] of a text recogniser (CTC): gives `{ [field]: text }`. The confidence is the probability of the
 * best path, which the text's own is never below.
 */
export interface CharactersOutput {
  readonly characters: {
    readonly field: string
    /** One text a class; the blank one is empty. */
    readonly alphabet: readonly string[]
    readonly scores?: 'probabilities' | 'logits'
  }
}

/**
 * `mahalanobis`: the distance of an ONNX input or output from `mean`, in deviations; `precision` is the inverse covariance.
 * `residual`: the root mean square of what the principal `components`, which are orthonormal, leave of an input or output.
 * `reconstruction`: the root mean square between an ONNX input and the ONNX output that should resemble it.
 */
export type Novelty = { readonly threshold: number } & (
  | {
      readonly kind: 'mahalanobis'
      readonly of: string
      readonly mean: readonly number[]
      readonly precision: readonly (readonly number[])[]
    }
  | {
      readonly kind: 'residual'
      readonly of: string
      readonly mean: readonly number[]
      readonly components: readonly (readonly number[])[]
    }
  | { readonly kind: 'reconstruction'; readonly of: string; readonly by: string }
)

/** A session is a caller's own; several of one caller are told apart by the field `session`. */
export interface SessionBounds {
  /** How many are remembered at once; a new one beyond is `overloaded`. 256 unless stated. */
  readonly most?: number
  /** A session that nobody uses for so long begins anew. 10 minutes unless stated. */
  readonly idleMs?: number
}

/**
 * A question whose answer is known: asked before the model is handed out, in a session of its own, which warms the network up. A
 * window over `calls` is filled with the one moment, an overlap has zeros in front. Tensors may be `{ dtype, shape, data }` of lists.
 */
export interface Golden {
  readonly input: Readonly<Record<string, unknown>>
  /** What is left out of an object is not compared; lists and tensors are compared whole. */
  readonly output: Readonly<Record<string, unknown>>
  /** Largest absolute difference of any number; for all fields, or for each that holds numbers by its name. */
  readonly tolerance: number | Readonly<Record<string, number>>
}
