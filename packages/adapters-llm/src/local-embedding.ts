import { Fault } from '@dinrail/core'
import { defineEmbeddingModel, type EmbeddingBounds, type EmbeddingModel } from './embedding.ts'
import { type GgufOptions, loadGguf } from './local-engine.ts'
import { slug } from './slug.ts'

export interface LocalEmbeddingOptions extends GgufOptions, Pick<EmbeddingBounds, 'mostTexts' | 'normalise'> {
  /** How long one text may be, in tokens; what the model was made for, at most 2048, unless stated. */
  readonly contextTokens?: number | undefined
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
}

/**
 * Embeddings in this process, of a GGUF file. A file that was made for embeddings gives good ones; of a chat model they are
 * poor, and say so by nothing. Texts are computed one after another; one that is too long is `invalid-input`.
 */
export async function localEmbedding(
  options: LocalEmbeddingOptions,
): Promise<EmbeddingModel & { dispose(): Promise<void> }> {
  const { file, threads, ...loaded } = await loadGguf(options)
  const contextTokens = Math.min(options.contextTokens ?? 2_048, file.trainContextSize)
  const context = await file
    .createEmbeddingContext({ contextSize: contextTokens, threads })
    .catch(async (problem: unknown) => {
      await loaded.dispose()
      throw new Fault('unavailable', `${options.gguf} gives no embeddings: ${(problem as Error).message}`, {
        retryable: false,
        cause: problem,
      })
    })
  const name = file.fileInfo.metadata.general?.name ?? 'model'
  const id = options.id ?? `local/${slug(name.slice(0, 48))}-embedding`
  let last: Promise<unknown> = Promise.resolve()
  let closed = false

  const model = defineEmbeddingModel({
    ...options,
    id,
    version: options.version ?? '1.0.0',
    title: options.title ?? `Embeddings of ${name}, in process`,
    batch: 1,
    ...(options.sha256 !== undefined && { provenance: { artefact: `sha256:${options.sha256.toLowerCase()}` } }),
    async embed([text = ''], { signal }) {
      if (closed) throw new Fault('unavailable', `${id} was disposed of`, { retryable: false })
      const inputTokens = context.calculateInputLength(text)
      if (inputTokens > contextTokens)
        throw new Fault('invalid-input', `a text has ${inputTokens} tokens, ${id} takes ${contextTokens}: cut it up`, {
          field: '/input/texts',
        })
      const work = last.then(() => {
        signal.throwIfAborted()
        return context.getEmbeddingFor(text)
      })
      last = work.catch(() => {})
      const { vector } = await work
      return { rows: [vector], answeredBy: name, inputTokens }
    },
  })
  return {
    ...model,
    async dispose() {
      if (closed) return
      closed = true
      await last
      await context.dispose()
      await loaded.dispose()
    },
  }
}
