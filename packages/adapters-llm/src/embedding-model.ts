import { Fault } from '@dinrail/core'
import { defineEmbeddingModel, type EmbeddingBounds, type EmbeddingModel } from './embedding.ts'
import { type JsonEndpointOptions, jsonEndpoint } from './json-endpoint.ts'
import { spentOnReading } from './price.ts'
import { slug } from './slug.ts'
import { checkOptions } from './stated-options.ts'
import { isObject, knownTokens } from './wire-json.ts'

export interface EmbeddingModelOptions extends JsonEndpointOptions, EmbeddingBounds {
  /** Settings that only this server knows, such as `input_type`; they go into the body as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** Any server with OpenAI's `/embeddings`: OpenAI, vLLM, Ollama, llama.cpp, LM Studio, Mistral, Jina, DashScope. */
export function embeddingModel(options: EmbeddingModelOptions): EmbeddingModel {
  const { model, dimensions, extra } = options
  checkOptions('embeddingModel', options, 'dimensions batch mostTexts normalise extra')
  const self = { id: options.id ?? `embedding/${slug(model)}`, version: options.version ?? '1.0.0' }
  const server = jsonEndpoint('embeddingModel', '/embeddings', options, self)
  return defineEmbeddingModel({
    ...options,
    ...self,
    spentOn: (inputTokens, answeredBy) => spentOnReading(inputTokens, answeredBy, model, options.prices),
    title: options.title ?? `${model} at ${server.host}`,
    async embed(texts, context) {
      const body = {
        model,
        input: texts,
        encoding_format: 'float',
        ...(dimensions !== undefined && { dimensions }),
        ...extra,
      }
      const answer = await server.ask(body, context)
      const { data, usage } = answer
      if (!Array.isArray(data)) throw server.unreadable(answer, 'embeddings')
      const tokens = isObject(usage) ? (usage.prompt_tokens ?? usage.total_tokens) : undefined
      return {
        rows: inOrder(data, texts.length),
        answeredBy: server.answeredBy(answer),
        inputTokens: knownTokens({ input: tokens }).input,
      }
    },
  })
}

/** Servers may answer in another order and say so by an index. */
function inOrder(data: readonly unknown[], texts: number): (readonly number[])[] {
  const rows = data.map((one, i) => {
    const { index, embedding } = isObject(one) ? one : {}
    return { at: typeof index === 'number' ? index : i, row: Array.isArray(embedding) ? (embedding as number[]) : [] }
  })
  if (new Set(rows.map(({ at }) => at)).size < rows.length)
    throw new Fault('invalid-output', 'the server gave two rows for the same text')
  const beyond = rows.find(({ at }) => !(at >= 0 && at < texts))
  if (beyond !== undefined && rows.length <= texts)
    throw new Fault('invalid-output', `the server gave a row for text ${beyond.at}, and there are ${texts}, from 0 on`)
  return rows.sort((a, b) => a.at - b.at).map(({ row }) => row)
}
