import {
  type Descriptor,
  Fault,
  type JsonSchema,
  type Model,
  type RunContext,
  type RunResult,
  specVersion,
} from '@dinrail/core'
import { checkedBy, shownNumber, textsProblem } from './embedding.ts'
import { type JsonEndpointOptions, jsonEndpoint } from './json-endpoint.ts'
import { spentOnReading } from './price.ts'
import { slug } from './slug.ts'
import { checkCounts, checkOptions } from './stated-options.ts'
import { isObject, knownTokens } from './wire-json.ts'

export interface RerankInput {
  readonly query: string
  readonly documents: readonly string[]
  /** How many of the best are wanted; all unless stated. */
  readonly top?: number | undefined
}

export interface RerankOutput {
  /** The best first. `index` is the document's place in the input; a larger score fits better, on a scale of the model's own. */
  readonly ranking: readonly { readonly index: number; readonly score: number }[]
  readonly answeredBy: string
}

/** Orders documents by how well they answer a question. */
export type RerankModel = Model<RerankInput, RerankOutput>

export interface RerankModelOptions extends JsonEndpointOptions {
  /** How many documents one call may have; 1000 unless stated. */
  readonly mostDocuments?: number | undefined
}

/** Any server with `/rerank` as Jina, Cohere, vLLM and llama.cpp have it. */
export function rerankModel(options: RerankModelOptions): RerankModel {
  const { model, mostDocuments = 1_000 } = options
  checkOptions('rerankModel', options, 'mostDocuments')
  checkCounts('rerankModel', { mostDocuments })
  const self = { id: options.id ?? `rerank/${slug(model)}`, version: options.version ?? '1.0.0' }
  const { id } = self
  const server = jsonEndpoint('rerankModel', '/rerank', options, self)
  const input: JsonSchema = {
    type: 'object',
    properties: {
      query: { type: 'string', minLength: 1 },
      documents: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: mostDocuments },
      top: { type: 'integer', minimum: 1 },
    },
    required: ['query', 'documents'],
  }
  const descriptor: Descriptor<RerankInput, RerankOutput> = {
    specVersion,
    ...self,
    kind: 'model',
    title: options.title ?? `${model} at ${server.host}`,
    task: 'knowledge-query',
    input,
    output: outputSchema,
    effect: 'none',
    supports: { cancel: true },
  }

  async function run({ query, documents, top }: RerankInput, context: RunContext): Promise<RunResult<RerankOutput>> {
    const wanted = Math.min(top ?? documents.length, documents.length)
    const answer = await server.ask({ model, query, documents, top_n: wanted, return_documents: false }, context)
    const { results, data, usage, meta } = answer
    const rows = results ?? data
    if (!Array.isArray(rows)) throw server.unreadable(answer, 'a ranking')
    const ranking = rows.map((row) => rankOf(row, documents.length, id)).sort((a, b) => b.score - a.score)
    if (new Set(ranking.map(({ index }) => index)).size < ranking.length || ranking.length < wanted)
      throw new Fault(
        'invalid-output',
        `${id} ranked ${ranking.length} documents, some twice or not at all; ${wanted} were wanted`,
      )
    const tokens = isObject(usage)
      ? usage.total_tokens
      : isObject(meta) && isObject(meta.tokens)
        ? meta.tokens.input_tokens
        : undefined
    const { input: inputTokens } = knownTokens({ input: tokens })
    const answeredBy = server.answeredBy(answer)
    return {
      output: { ranking: ranking.slice(0, wanted), answeredBy },
      spent: spentOnReading(inputTokens, answeredBy, model, options.prices),
    }
  }

  return {
    descriptor,
    schemas: {
      input: checkedBy(input, (value) => {
        const { query, documents, top } = (value ?? {}) as Partial<RerankInput>
        if (typeof query !== 'string' || query.trim() === '')
          return { message: 'must be a text that is not empty', path: ['query'] }
        if (!query.isWellFormed())
          return { message: 'holds half a surrogate pair, which no UTF-8 can carry', path: ['query'] }
        if (top !== undefined && !(Number.isSafeInteger(top) && top > 0))
          return { message: 'must be a whole number above 0', path: ['top'] }
        return textsProblem(documents, 'documents', mostDocuments)
      }),
      output: checkedBy(outputSchema, () => undefined),
    },
    run,
  }
}

const outputSchema: JsonSchema = {
  type: 'object',
  properties: {
    ranking: {
      type: 'array',
      items: {
        type: 'object',
        properties: { index: { type: 'integer', minimum: 0 }, score: { type: 'number' } },
        required: ['index', 'score'],
      },
    },
    answeredBy: { type: 'string' },
  },
  required: ['ranking', 'answeredBy'],
}

function rankOf(row: unknown, documents: number, id: string): { index: number; score: number } {
  const { index, relevance_score, score = relevance_score } = isObject(row) ? row : {}
  if (!Number.isSafeInteger(index) || Number(index) < 0 || Number(index) >= documents)
    throw new Fault('invalid-output', `${id} ranked document ${shownNumber(index)}, and there are ${documents}`)
  if (typeof score !== 'number' || !Number.isFinite(score))
    throw new Fault('invalid-output', `${id} scored document ${String(index)} with ${shownNumber(score)}`)
  return { index: Number(index), score }
}
