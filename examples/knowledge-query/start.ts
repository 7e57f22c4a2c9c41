// Answers questions from a plant's manuals, with citations. Offline unless a model is named; see --help.
import { type EmbeddingModel, embeddingModel } from '@dinrail/adapters-llm'
import { Fault, invoke } from '@dinrail/core'
import { largeModelOf } from '../steel-line/large-model.ts'
import { readLargeModel } from '../steel-line/options.ts'
import { citedAnswers } from './cited-answer.ts'
import { lexicalSearch } from './lexical-search.ts'
import { readPassages } from './passages.ts'
import { vectorSearch } from './vector-search.ts'

const help = `Answers questions from the manuals in examples/knowledge-query/manuals, with citations.

  npx pnpm@12.21.0 run knowledge-query                the questions that the example checks itself with
  npx pnpm@12.21.0 run knowledge-query "a question"   yours

By default nothing is asked but this machine: sections are found by their words (BM25), and the sentences that fit best are quoted.
  DINRAIL_GGUF=model.gguf, or DINRAIL_LLM_URL and DINRAIL_LLM_MODEL   a large model words the answer; what it cites is checked
  DINRAIL_EMBEDDING_URL and DINRAIL_EMBEDDING_MODEL                   sections are found by what they mean
`

/** What the manuals say, and where; undefined where they say nothing. */
const known: readonly (readonly [question: string, source: string | undefined, holds: RegExp])[] = [
  [
    'At which bearing temperature must the cooling water pump be stopped?',
    'cooling-water-pump.md#Bearing temperature',
    /90 °C/,
  ],
  ['How much grease do the pump bearings take?', 'cooling-water-pump.md#Greasing', /12 g/],
  ['The pump rattles like gravel, what is it?', 'cooling-water-pump.md#Cavitation', /cavitation/],
  ['How fast may the mill run on a damaged bearing?', 'mill-stand.md#Running on a damaged bearing', /75 %/],
  ['Which torque do the chocks need at a roll change?', 'mill-stand.md#Roll change', /320 N\.m/],
  ['May I bypass the light curtain of the press?', 'hydraulic-press.md#Light curtain', /forbidden/],
  ['Why is there water in the lines of the paint shop?', 'compressed-air.md#Dew point', /drain is stuck/],
  ['Who won the football match yesterday?', undefined, /do not say/],
  ['What is the warranty of the welding robot?', undefined, /do not say/],
]

const { DINRAIL_EMBEDDING_URL: url, DINRAIL_EMBEDDING_MODEL: model, DINRAIL_EMBEDDING_KEY: key } = process.env
const embedding: EmbeddingModel | undefined = url && model ? embeddingModel({ baseUrl: url, model, key }) : undefined
const args = process.argv.slice(2).filter((argument) => argument !== '--')

async function run(): Promise<number> {
  const passages = readPassages()
  const search = embedding ? await vectorSearch(passages, embedding) : lexicalSearch(passages)
  const named = readLargeModel(process.env)
  const large = named && (await largeModelOf(named))
  const knowledge = citedAnswers(search, large)
  const questions = args.length > 0 ? [[args.join(' '), undefined, /./] as const] : known
  console.log(
    `${passages.length} sections; found by ${search.descriptor.title}; worded by ${large?.descriptor.title ?? 'quoting alone, no language model'}`,
  )
  let wrong = 0
  for (const [question, source, holds] of questions) {
    const { output, warnings, servedBy } = await invoke(knowledge, { question }, { deadlineMs: 120_000 })
    console.log(`\n? ${question}\n  ${output.answer}`)
    for (const { source: from, quote } of output.citations) console.log(`  [${from}] “${quote}”`)
    for (const { code, message } of warnings) if (code !== 'playbook') console.log(`  ! ${message}`)
    console.log(`  by ${servedBy.map(({ id }) => id).join(' + ')}`)
    if (args.length > 0) continue
    const said = [output.answer, ...output.citations.map(({ quote }) => quote)].join(' ')
    if (output.citations[0]?.source === source && holds.test(said)) continue
    wrong += 1
    console.log(`  ✗ expected ${source ?? 'no source'} and ${holds}`)
  }
  await large?.dispose?.()
  if (args.length === 0)
    console.log(`\n${questions.length - wrong} of ${questions.length} answers are right and cite the right section`)
  return wrong === 0 ? 0 : 1
}

if (args.includes('--help')) console.log(help)
else
  process.exitCode = await run().catch((thrown: unknown) => {
    const { code, message } = Fault.from(thrown)
    console.error(`${code}: ${message}`)
    return 1
  })
