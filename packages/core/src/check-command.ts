#!/usr/bin/env node
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import {
  type ChatUnderTest,
  type Check,
  chatChecks,
  type ModelUnderTest,
  modelChecks,
  type TransportUnderTest,
  throughTransport,
  toJUnit,
  toReport,
  transportChecks,
} from './conformance.ts'

/** What a file under test exports: at least one of the first three. */
interface UnderTest {
  readonly model?: ModelUnderTest<unknown>
  readonly chat?: ChatUnderTest
  readonly transport?: TransportUnderTest
  /** Failures that are excused, by the check's id, each with its reason. */
  readonly known?: Readonly<Record<string, string>>
}

const usage = `dinrail-check FILE [--format text|json|junit]

Proves what a model or a transport promises, by clause of the specification. FILE is a JavaScript module that exports

  model      { create: () => model, input: an input that it answers, caller?, deadlineMs? }
  chat       { create: () => model, input, calling?, structured?: conversations that it answers }
  transport  { create: async () => ({ one, other }): two sides of one medium, patienceMs? }
  known      { 'check-id': 'why it fails for now' }

A model is checked here and again through a transport (its own file's, or the one in process), with the same result.
Exits with 0 where everything holds, 1 where something does not, 2 where it could not be tried.`

interface Section {
  readonly name: string
  readonly checks: readonly Check[]
}

async function sectionsOf({ model, chat, transport }: UnderTest): Promise<Section[]> {
  const sections: Section[] = []
  if (transport !== undefined) sections.push({ name: 'transport', checks: transportChecks(transport) })
  if (chat !== undefined) sections.push({ name: 'chat model', checks: await chatChecks(chat) })
  if (model !== undefined) {
    sections.push({ name: 'model', checks: await modelChecks(model) })
    sections.push({
      name: transport === undefined ? 'model through the in-process transport' : 'model through the transport',
      checks: await modelChecks(throughTransport(model, transport)),
    })
  }
  return sections
}

/** An excuse counts in the sections that have its check; one that no section has is reported by the first. */
function excusesOf(
  checks: readonly Check[],
  sections: readonly Section[],
  known: UnderTest['known'] = {},
): Record<string, string> {
  const has = (some: readonly Check[], excused: string) => some.some(({ id }) => id === excused)
  const isFirst = checks === sections[0]?.checks
  return Object.fromEntries(
    Object.entries(known).filter(
      ([id]) => has(checks, id) || (isFirst && !sections.some((section) => has(section.checks, id))),
    ),
  )
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      format: { type: 'string', default: 'text' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [file] = positionals
  if (values.help || file === undefined) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const format = values.format ?? 'text'
  if (!['text', 'json', 'junit'].includes(format)) throw new TypeError(`--format ${format} is not text, json or junit`)
  const tested = (await import(pathToFileURL(path.resolve(file)).href)) as UnderTest
  const sections = await sectionsOf(tested)
  if (sections.length === 0) throw new TypeError(`${file} exports neither model, chat nor transport; see --help`)
  const reports = []
  for (const { name, checks } of sections)
    reports.push({ name, ...(await toReport(checks, excusesOf(checks, sections, tested.known))) })
  if (format === 'json')
    console.log(
      JSON.stringify(
        reports.map(({ text: _, ...report }) => report),
        null,
        2,
      ),
    )
  if (format === 'junit') console.log(toJUnit(reports))
  if (format === 'text')
    for (const { name, text, results } of reports) {
      const passed = results.filter(({ outcome }) => outcome === 'passed').length
      const skipped = results.filter(({ outcome }) => outcome === 'skipped').length
      console.log(`${name}\n${text}\n${passed} of ${results.length - skipped} hold, ${skipped} do not apply\n`)
    }
  return reports.every(({ conforms }) => conforms) ? 0 : 1
}

main().then(
  (code) => process.exit(code),
  (problem: unknown) => {
    console.error(`dinrail-check: ${problem instanceof Error ? problem.message : String(problem)}`)
    process.exit(2)
  },
)
