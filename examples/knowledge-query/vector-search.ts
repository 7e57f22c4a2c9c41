import type { EmbeddingModel } from '@dinrail/adapters-llm'
import { defineModel, invoke, type Model } from '@dinrail/core'
import { type Found, lexicalSearch, searchContract } from './lexical-search.ts'
import type { Passage } from './passages.ts'

/**
 * Finds passages by what they mean, for plants that have an embedding model. What a passage covers is still counted by
 * words: a near point is no proof that the answer stands there.
 */
export async function vectorSearch(
  passages: readonly Passage[],
  embedding: EmbeddingModel,
): Promise<Model<{ question: string; top?: number | undefined }, Found>> {
  const texts = passages.map(({ source, text }) => `${source}: ${text}`)
  const { embeddings } = (await invoke(embedding, { texts }, { deadlineMs: 120_000 })).output
  const [, dimensions = 0] = embeddings.shape
  const words = lexicalSearch(passages)
  return defineModel({
    ...searchContract,
    id: 'plant/manual-search',
    version: '1.0.0',
    title: `Search in the manuals by ${embedding.descriptor.id}`,
    task: 'knowledge-query',
    async run({ question, top }, context) {
      const { output } = await context.invoke(embedding, { texts: [question] })
      const counted = await context.invoke(words, { question, top: 20 })
      const covers = new Map(counted.output.passages.map((one) => [one.source, one.covers]))
      const found = passages.map((passage, i) => {
        const row = embeddings.data.subarray(i * dimensions, (i + 1) * dimensions)
        // Rows have the length 1, so that this is their cosine.
        const score = output.embeddings.data.reduce((sum, value, k) => sum + value * row[k]!, 0)
        return { ...passage, score, covers: covers.get(passage.source) ?? 0 }
      })
      return { output: { passages: found.sort((a, b) => b.score - a.score).slice(0, top) } }
    },
  })
}
