import {
  type Descriptor,
  Fault,
  isTensor,
  type JsonSchema,
  type Model,
  type RunContext,
  type RunResult,
  type Schema,
  type Spent,
  specVersion,
  type Tensor,
  tensor,
} from '@dinrail/core'
import { checkCounts } from './stated-options.ts'

export interface EmbeddingInput {
  /** Each at least one character long. */
  readonly texts: readonly string[]
}

export interface EmbeddingOutput {
  /** float32, [texts, dimensions]; each row has the length 1 unless the model was told to leave rows as they come. */
  readonly embeddings: Tensor<'float32'>
  /** What the server calls the model that answered. */
  readonly answeredBy: string
}

/** Makes points of texts: what means the same lies near. */
export type EmbeddingModel = Model<EmbeddingInput, EmbeddingOutput>

export interface EmbeddingBounds {
  /** How long a row is; learnt from the first answer unless stated. An answer of another length is `invalid-output`. */
  readonly dimensions?: number | undefined
  /** How many texts go into one request; 64 unless stated. */
  readonly batch?: number | undefined
  /** How many texts one call may have; 4096 unless stated. */
  readonly mostTexts?: number | undefined
  /** Whether rows are scaled to the length 1, so that a dot product is the cosine; true unless stated. */
  readonly normalise?: boolean | undefined
}

/** What one request gave: a row for each text, in order. */
export interface EmbeddedBatch {
  readonly rows: readonly (readonly number[])[]
  readonly answeredBy: string
  readonly inputTokens?: number | undefined
}

export interface EmbeddingDefinition extends EmbeddingBounds {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly provenance?: Descriptor['provenance'] | undefined
  embed(texts: readonly string[], context: RunContext): Promise<EmbeddedBatch>
  /** What a call took, where that is more than its tokens. */
  readonly spentOn?: ((inputTokens: number | undefined, answeredBy: string) => Spent | undefined) | undefined
}

/** Makes an embedding model of a function that embeds one batch: lengths, numbers and directions are checked here. */
export function defineEmbeddingModel(definition: EmbeddingDefinition): EmbeddingModel {
  const { id, version, title, provenance, batch = 64, mostTexts = 4_096, normalise = true } = definition
  checkCounts(id, { batch, mostTexts, dimensions: definition.dimensions ?? 1 })
  let dimensions = definition.dimensions
  const input: JsonSchema = {
    type: 'object',
    properties: {
      texts: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: mostTexts },
    },
    required: ['texts'],
  }
  const output: JsonSchema = {
    type: 'object',
    properties: {
      embeddings: { tensor: { dtype: 'float32', shape: ['n', dimensions ?? 'd'], axes: ['text', 'dimension'] } },
      answeredBy: { type: 'string' },
    },
    required: ['embeddings', 'answeredBy'],
  }

  async function run({ texts }: EmbeddingInput, context: RunContext): Promise<RunResult<EmbeddingOutput>> {
    let all: Float32Array | undefined
    let answeredBy = ''
    let inputTokens: number | undefined = 0
    let width = dimensions
    for (let from = 0; from < texts.length; from += batch) {
      context.signal.throwIfAborted()
      const asked = texts.slice(from, from + batch)
      const given = await definition.embed(asked, context)
      if (given.rows.length !== asked.length)
        throw new Fault('invalid-output', `${id} gave ${given.rows.length} rows for ${asked.length} texts`)
      width ??= given.rows[0]?.length ?? 0
      all ??= new Float32Array(texts.length * width)
      for (const [i, row] of given.rows.entries()) put(row, all, from + i, width)
      answeredBy = given.answeredBy
      // Half a count would be taken for the whole.
      inputTokens =
        given.inputTokens === undefined || inputTokens === undefined ? undefined : inputTokens + given.inputTokens
    }
    // Learnt from whole answers only: one bad answer must not make all good ones after it bad.
    dimensions ??= width
    const embeddings = tensor(all ?? new Float32Array(), [texts.length, width ?? 0])
    return {
      output: { embeddings, answeredBy },
      spent: definition.spentOn?.(inputTokens, answeredBy) ?? (inputTokens === undefined ? undefined : { inputTokens }),
    }
  }

  function put(row: readonly number[], all: Float32Array, at: number, width: number): void {
    const field = `/output/embeddings/${at}`
    if (row.length === 0) throw new Fault('invalid-output', `${id} gave no list of numbers for text ${at}`, { field })
    if (row.length !== width)
      throw new Fault('invalid-output', `${id} gave ${row.length} numbers for text ${at}, not ${width}`, { field })
    let sum = 0
    for (const value of row) {
      if (typeof value !== 'number' || !Number.isFinite(Math.fround(value)))
        throw new Fault('invalid-output', `${id} gave ${shownNumber(value)} in the row of text ${at}`, { field })
      sum += value * value
    }
    if (normalise && sum === 0)
      throw new Fault('invalid-output', `${id} gave only zeros for text ${at}, which is no direction`, { field })
    const scale = normalise ? 1 / Math.sqrt(sum) : 1
    for (const [i, value] of row.entries()) all[at * row.length + i] = value * scale
  }

  return {
    descriptor: {
      specVersion,
      id,
      version,
      kind: 'model',
      title,
      description: normalise
        ? 'Each row is scaled to the length 1: the dot product of two rows is their cosine.'
        : 'Rows are as the model gives them.',
      task: 'knowledge-query',
      input,
      output,
      effect: 'none',
      supports: { cancel: true },
      ...(provenance && { provenance }),
    },
    schemas: {
      input: checkedBy(input, (value) => textsProblem((value as EmbeddingInput | null)?.texts, 'texts', mostTexts)),
      output: checkedBy(output, (value) =>
        isTensor((value as EmbeddingOutput | null)?.embeddings)
          ? undefined
          : { message: 'must be a tensor', path: ['embeddings'] },
      ),
    },
    run,
  }
}

/** What stands where a number should: a text may be a key that the server says back. */
export function shownNumber(value: unknown): string {
  return typeof value === 'number' ? String(value) : 'no number'
}

export interface TextProblem {
  readonly message: string
  readonly path: readonly (string | number)[]
}

/** Why a value is no list of texts, or nothing where it is one. */
export function textsProblem(texts: unknown, name: string, most: number): TextProblem | undefined {
  if (!Array.isArray(texts) || texts.length === 0)
    return { message: 'must be a list of at least one text', path: [name] }
  if (texts.length > most)
    return { message: `has ${texts.length} texts, at most ${most} go into one call`, path: [name] }
  const empty = texts.findIndex((text) => typeof text !== 'string' || text.trim() === '')
  if (empty >= 0) return { message: 'must be a text that is not empty', path: [name, empty] }
  const broken = texts.findIndex((text) => !text.isWellFormed())
  return broken < 0
    ? undefined
    : { message: 'holds half a surrogate pair, which no UTF-8 can carry', path: [name, broken] }
}

/** A schema of plain JSON Schema with a check of its own, which needs no library. */
export function checkedBy(
  json: JsonSchema,
  problemOf: (value: unknown) => TextProblem | undefined,
): Schema<unknown, unknown> {
  const convert = () => json
  return {
    '~standard': {
      version: 1,
      vendor: 'dinrail-llm',
      validate(value) {
        const problem = problemOf(value)
        return problem === undefined ? { value } : { issues: [problem] }
      },
      jsonSchema: { input: convert, output: convert },
    },
  }
}
