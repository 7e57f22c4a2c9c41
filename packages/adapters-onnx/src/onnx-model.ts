import { type Descriptor, defineModel, Fault, type Model, sha256, type Tensor } from '@dinrail/core'
import { type Feature, fieldsSchema, type ScalarField, scalarSchema, type TensorField, tensorSchema } from './fields.ts'
import { insideRealm } from './realm.ts'
import type { OnnxMetadata, OnnxRuntime, OnnxSession, OnnxValue } from './runtime.ts'

type Stated = Omit<
  Descriptor,
  'specVersion' | 'kind' | 'input' | 'output' | 'effect' | 'supports' | 'safety' | 'chat' | '~types'
>

/** A classifier in an ONNX file, and what its numbers mean. All of it is data. */
export interface OnnxClassifier<
  TensorName extends string,
  FeatureName extends string,
  ContextName extends string,
  Label extends string,
> extends Stated {
  /** `onnxruntime-web` or `onnxruntime-node`, imported by the user. */
  readonly runtime: OnnxRuntime
  /** The bytes of the `.onnx` file. */
  readonly model: Uint8Array<ArrayBuffer>
  /** `sha256:` and 64 hexadecimal digits: the only weights that are accepted. */
  readonly sha256?: string
  /** Fields that are tensors, each one ONNX input. */
  readonly tensors?: Readonly<Record<TensorName, TensorField>>
  /** Fields that are numbers, which together make one ONNX input of shape [1, n] in the order stated. */
  readonly features?: { readonly input: string; readonly fields: readonly Feature<FeatureName>[] }
  /** Fields that the network does not take, but that bound where it may be trusted. */
  readonly context?: Readonly<Record<ContextName, ScalarField>>
  /** Which ONNX output holds the probabilities, and what each of them is the probability of. */
  readonly classes: { readonly output: string; readonly labels: readonly Label[] }
  /** Inputs whose answers are known: checked once before the model is handed out. */
  readonly golden?: readonly Golden<NoInfer<TensorName>, NoInfer<FeatureName>, NoInfer<ContextName>, NoInfer<Label>>[]
}

type Fields<TensorName extends string, FeatureName extends string, ContextName extends string> = Readonly<
  Record<TensorName, Tensor<'float32'>> & Record<FeatureName | ContextName, number>
>

export interface Classification<Label extends string> {
  readonly label: Label
  readonly probabilities: Readonly<Record<Label, number>>
}

export interface Golden<
  TensorName extends string,
  FeatureName extends string,
  ContextName extends string,
  Label extends string,
> {
  readonly input: Fields<TensorName, FeatureName, ContextName>
  readonly probabilities: Readonly<Record<Label, number>>
  /** Largest absolute difference of any probability. */
  readonly tolerance: number
}

/**
 * Loads a classifier and puts it on the rail. Throws a `TypeError` where file and definition disagree, and a `Fault`
 * `denied` where the weights are not the pinned ones.
 */
export async function onnxModel<
  const TensorName extends string = never,
  const FeatureName extends string = never,
  const ContextName extends string = never,
  const Label extends string = string,
>(
  definition: OnnxClassifier<TensorName, FeatureName, ContextName, Label>,
): Promise<Model<Fields<TensorName, FeatureName, ContextName>, Classification<Label>>> {
  const {
    runtime,
    model: bytes,
    sha256: pinned,
    tensors,
    features,
    context,
    classes,
    golden = [],
    ...stated
  } = definition
  const artefact = await sha256(bytes)
  if (pinned !== undefined && pinned !== artefact)
    throw new Fault(
      'denied',
      `${stated.id}: the weights are ${artefact}, pinned are ${pinned}: load the file that belongs to this contract`,
    )
  const session = await insideRealm(() => load(runtime, bytes, stated.id))
  const tensorFields = Object.entries<TensorField>(tensors ?? {})
  const fields = features?.fields ?? []
  let closed = false

  async function probabilitiesOf(
    input: Readonly<Record<string, Tensor<'float32'> | number>>,
    signal?: AbortSignal,
  ): Promise<Record<Label, number>> {
    const feeds: Record<string, OnnxValue> = {}
    for (const [name, field] of tensorFields) {
      const { data } = input[name] as Tensor<'float32'>
      feeds[field.input] = new runtime.Tensor('float32', data, withBatch(session, field.input, field.shape))
    }
    if (features !== undefined) {
      const vector = Float32Array.from(fields, ({ name }) => input[name] as number)
      feeds[features.input] = new runtime.Tensor('float32', vector, withBatch(session, features.input, [vector.length]))
    }
    const results = await insideRealm(() => {
      if (closed) throw new Fault('unavailable', `${stated.id} was disposed`)
      if (signal?.aborted) throw Fault.from(signal.reason)
      return session.run(feeds)
    })
    return readProbabilities(results[classes.output], classes.labels, stated.id)
  }

  async function close(): Promise<void> {
    await insideRealm(async () => {
      if (closed) return
      closed = true
      await session.release()
    })
  }

  try {
    for (const [name, field] of tensorFields) checkInput(session, name, field.input, field.shape)
    if (features !== undefined) checkInput(session, 'features', features.input, [fields.length])
    checkNothingUnfed(session, [...tensorFields.map(([, { input }]) => input), ...(features ? [features.input] : [])])
    checkOutput(session, classes.output, classes.labels.length)
    for (const example of golden)
      compare(example.probabilities, await probabilitiesOf(example.input), example.tolerance, stated.id)
  } catch (problem) {
    await close()
    throw problem
  }

  const properties = Object.fromEntries([
    ...tensorFields.map(([name, field]) => [name, tensorSchema(field)] as const),
    ...fields.map((field) => [field.name, scalarSchema(field)] as const),
    ...Object.entries<ScalarField>(context ?? {}).map(([name, field]) => [name, scalarSchema(field)] as const),
  ])
  const probability = { type: 'number', limits: { physical: { min: 0, max: 1 } } } as const
  return defineModel({
    ...stated,
    provenance: { ...stated.provenance, artefact },
    input: fieldsSchema<Fields<TensorName, FeatureName, ContextName>>(properties),
    output: fieldsSchema<Classification<Label>>({
      label: { type: 'string', enum: classes.labels },
      probabilities: {
        type: 'object',
        properties: Object.fromEntries(classes.labels.map((label) => [label, probability])),
        required: classes.labels,
      },
    }),
    async run(input, { signal }) {
      const probabilities = await probabilitiesOf(input, signal)
      const label = classes.labels.reduce((best, one) => (probabilities[one] > probabilities[best] ? one : best))
      return { output: { label, probabilities }, confidence: probabilities[label] }
    },
    dispose: close,
  })
}

async function load(runtime: OnnxRuntime, bytes: Uint8Array, id: string): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(bytes)
  } catch (problem) {
    throw new TypeError(
      `${id}: ${bytes.length} bytes are no ONNX model that this runtime can load: ${(problem as Error).message}`,
    )
  }
}

function checkInput(session: OnnxSession, field: string, name: string, shape: readonly number[]): void {
  const metadata = session.inputMetadata.find((one) => one.name === name)
  if (metadata === undefined)
    throw new TypeError(`${field} names the ONNX input '${name}'; the file has ${session.inputNames.join(', ')}`)
  if (metadata.type !== 'float32')
    throw new TypeError(`${field}: the ONNX input '${name}' takes ${metadata.type}, only float32 is supported`)
  const wanted = withBatch(session, name, shape)
  const has = metadata.shape ?? []
  const fits = has.length === wanted.length && has.every((length, axis) => !isExact(length) || length === wanted[axis])
  if (!fits) throw new TypeError(`${field} has the shape [${shape}], the ONNX input '${name}' has [${has.join(', ')}]`)
}

/** The web runtime reads a dimension without a name as the largest 32-bit number. */
function isExact(length: number | string): boolean {
  return typeof length === 'number' && length >= 0 && length !== 0xffffffff
}

function withBatch(session: OnnxSession, name: string, shape: readonly number[]): readonly number[] {
  const axes = session.inputMetadata.find((one) => one.name === name)?.shape?.length ?? shape.length
  return axes === shape.length + 1 ? [1, ...shape] : shape
}

function checkNothingUnfed(session: OnnxSession, fed: readonly string[]): void {
  const unfed = session.inputNames.filter((name) => !fed.includes(name))
  if (unfed.length > 0)
    throw new TypeError(`nothing is stated for the ONNX input${unfed.length > 1 ? 's' : ''} ${unfed.join(', ')}`)
}

function checkOutput(session: OnnxSession, name: string, labels: number): void {
  const metadata: OnnxMetadata | undefined = session.outputMetadata.find((one) => one.name === name)
  if (metadata === undefined)
    throw new TypeError(`classes name the ONNX output '${name}'; the file has ${session.outputNames.join(', ')}`)
  if (!metadata.isTensor)
    throw new TypeError(
      `the ONNX output '${name}' is a sequence or map, which no runtime gives back: export the model again with zipmap=False`,
    )
  const last = metadata.shape?.at(-1)
  if (last !== undefined && isExact(last) && last !== labels)
    throw new TypeError(`${labels} labels are stated, the ONNX output '${name}' has ${last}`)
}

function readProbabilities<Label extends string>(
  value: OnnxValue | undefined,
  labels: readonly Label[],
  id: string,
): Record<Label, number> {
  const data = value?.data
  if (!(data instanceof Float32Array) || data.length !== labels.length)
    throw new Fault(
      'invalid-output',
      `${id}: the network gave ${data instanceof Float32Array ? `${data.length} numbers` : typeof data} for ${labels.length} labels`,
    )
  const bad = data.findIndex((probability) => !Number.isFinite(probability))
  if (bad >= 0)
    throw new Fault('invalid-output', `${id}: the network gave ${data[bad]} for '${labels[bad]}'`, {
      field: '/output/probabilities',
    })
  // Softmax in float32 may pass 1 by one unit in the last place.
  return Object.fromEntries(labels.map((label, i) => [label, Math.min(1, data[i]!)])) as Record<Label, number>
}

function compare(
  expected: Readonly<Record<string, number>>,
  actual: Readonly<Record<string, number>>,
  tolerance: number,
  id: string,
): void {
  for (const [label, probability] of Object.entries(expected))
    if (!(Math.abs((actual[label] ?? Number.NaN) - probability) <= tolerance))
      throw new Fault(
        'internal',
        `${id} does not give its golden answer: '${label}' is ${actual[label]}, should be ${probability} ± ${tolerance}`,
      )
}
