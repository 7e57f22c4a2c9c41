import { defineModel, type Model } from '@dinrail/core'
import { z } from 'zod'
import type { Passage } from './passages.ts'

/** How strongly a passage's length and a word's repetition count, as is usual for BM25. */
const repetition = 1.2
const length = 0.75

const emptyWords = new Set(
  'a an and are as at be but by can do does for from how i if in is it its me much many must no not of on or our shall should than that the their then there they this to was we what when where which who why will with you your'.split(
    ' ',
  ),
)

/** The words of a text that carry meaning, without their commonest endings. */
export function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+(?:[.-][\p{L}\p{N}]+)*/gu) ?? [])
    .filter((word) => !emptyWords.has(word))
    .map(stem)
}

function stem(word: string): string {
  const bare = word.replace(/ies$/, 'y').replace(/(?<=\w{3})(?:ing|ed|es|(?<!s)s)$/, '')
  return bare.replace(/(?<=\w{3})e$/, '').replace(/([bdgmnprt])\1$/, '$1')
}

export const searchContract = {
  input: z.object({ question: z.string().min(1).max(2_000), top: z.number().int().min(1).max(20).default(3) }),
  output: z.object({
    passages: z.array(
      z.object({
        source: z.string(),
        text: z.string(),
        score: z.number().describe('larger is better, on a scale of this search'),
        covers: z.number().min(0).max(1).describe('share of what the question asks for that stands in the passage'),
      }),
    ),
  }),
}
export type Found = z.infer<typeof searchContract.output>
type Question = z.input<typeof searchContract.input>

/** Finds passages by their words (BM25): no model, no weights, the same answer every time. */
export function lexicalSearch(passages: readonly Passage[]): Model<Question, Found> {
  const documents = passages.map(({ source, text }) => wordsOf(`${source.replace(/\.md#|-/g, ' ')} ${text}`))
  const mean = documents.reduce((sum, words) => sum + words.length, 0) / documents.length
  const weightOf = (word: string) => {
    const having = documents.filter((words) => words.includes(word)).length
    return Math.log(1 + (documents.length - having + 0.5) / (having + 0.5))
  }
  return defineModel({
    ...searchContract,
    id: 'plant/manual-search',
    version: '1.0.0',
    title: 'Search in the manuals',
    description: 'Finds sections of the manuals by the words of a question (BM25). Deterministic; no language model.',
    task: 'knowledge-query',
    run: ({ question, top }) => {
      const asked = [...new Set(wordsOf(question))].map((word) => ({ word, weight: weightOf(word) }))
      const whole = asked.reduce((sum, { weight }) => sum + weight, 0)
      const found = documents.map((words, i) => {
        let score = 0
        let covered = 0
        for (const { word, weight } of asked) {
          const times = words.filter((one) => one === word).length
          if (times > 0) covered += weight
          score +=
            (weight * times * (repetition + 1)) / (times + repetition * (1 - length + (length * words.length) / mean))
        }
        return { ...passages[i]!, score, covers: whole === 0 ? 0 : covered / whole }
      })
      return {
        output: {
          passages: found
            .filter(({ score }) => score > 0)
            .sort((a, b) => b.score - a.score)
            .slice(0, top),
        },
      }
    },
  })
}
