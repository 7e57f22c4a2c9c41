import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { playbook } from '@dinrail/adapters-llm'
import { type Descriptor, defineModel, inProcessTransport } from '@dinrail/core'
import { chatChecks, modelChecks, transportChecks } from '@dinrail/core/conformance'
import { jsonSchema } from '@dinrail/core/json-schema'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { projectRoot } from './run-script.ts'

const read = (file: string) => readFileSync(path.join(projectRoot, 'spec', file), 'utf8')
const json = (file: string) => JSON.parse(read(file))
const files = (folder: string) => readdirSync(path.join(projectRoot, 'spec', folder))

interface Clause {
  readonly number: string
  readonly marks: string
  readonly text: string
}
const clauses: Clause[] = [
  ...read('spec.md').matchAll(/^- \*\*(\d+\.\d+)\*\* ([✓◆○]*)([\s\S]*?)(?=^- \*\*|^#|^\||(?![\s\S]))/gm),
].map(([, number = '', marks = '', text = '']) => ({ number, marks, text }))
const unproven: Record<string, string> = json('unproven.json')

const any = defineModel({
  id: 'spec/any',
  version: '1.0.0',
  title: 'Any',
  task: 'process-analysis',
  input: jsonSchema({ type: 'object' }),
  output: jsonSchema({ type: 'object' }),
  run: () => ({ output: {} }),
})
const create = async () => {
  const transport = inProcessTransport()
  return { one: transport, other: transport }
}
const chat = { create: () => playbook({ rules: [] }), input: { messages: [] } }
const checks = [
  ...(await modelChecks({ create: () => any, input: {} })),
  ...(await chatChecks(chat)),
  ...transportChecks({ create }),
]
const checked = new Set(checks.map(({ clause }) => clause))
const inVectors = new Set(
  files('vectors').flatMap((file) => json(`vectors/${file}`).vectors.map(({ clause }: { clause: string }) => clause)),
)

describe('the specification', () => {
  it('numbers its clauses without a gap and never twice', () => {
    expect(new Set(clauses.map(({ number }) => number)).size).toBe(clauses.length)
    expect(clauses.length).toBeGreaterThan(80)
    const lastOf = new Map<string, number>()
    for (const { number } of clauses) {
      const [chapter = '', clause] = number.split('.')
      expect(Number(clause), number).toBe((lastOf.get(chapter) ?? 0) + 1)
      lastOf.set(chapter, Number(clause))
    }
  })

  it.each(clauses.map(({ number, marks, text }) => [number, marks, text] as const))(
    '%s (%s) is proven as its marks say',
    (number, marks, text) => {
      expect(marks.includes('✓'), 'a check of the kit').toBe(checked.has(number))
      expect(marks.includes('◆'), 'a vector').toBe(inVectors.has(number))
      expect(marks.includes('○'), 'a reason in unproven.json').toBe(number in unproven)
      expect(marks.includes('○') && marks.length > 1, 'a reason although it is proven').toBe(false)
      if (/\bMUST\b/.test(text)) expect(marks, 'a clause that demands something').not.toBe('')
    },
  )

  it('is cited by checks, vectors and reasons only where it has a clause', () => {
    const numbers = new Set(clauses.map(({ number }) => number))
    for (const cited of [...checked, ...inVectors, ...Object.keys(unproven)]) expect(numbers, cited).toContain(cited)
  })
})

describe('the schemas of the specification', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  for (const file of files('schema')) ajv.addSchema(json(`schema/${file}`))
  const accepts = (name: string, value: unknown) => {
    const validate = ajv.getSchema(`urn:dinrail:0.1:${name}`)
    return validate?.(value) ? 'accepted' : JSON.stringify(validate?.errors?.[0] ?? 'no such schema')
  }
  const vectors = (file: string): Record<string, never>[] => json(`vectors/${file}.json`).vectors

  it('take every valid descriptor of the vectors', () => {
    for (const { descriptor } of vectors('descriptors.valid'))
      expect(accepts('descriptor', descriptor)).toBe('accepted')
  })

  it('refuse every invalid one whose mistake a schema can see', () => {
    const unseen = /unit that nobody knows|alias that nobody knows|upside down|\$ref|with an effect/
    for (const { title, descriptor } of vectors('descriptors.invalid') as unknown as {
      title: string
      descriptor: Descriptor
    }[])
      if (!unseen.test(title)) expect(accepts('descriptor', descriptor), title).not.toBe('accepted')
  })

  it('take the headers of frames, faults, journals and conversations of the vectors', () => {
    for (const { frame, title } of vectors('frames.valid'))
      if (!/tensor/.test(title ?? '')) expect(accepts('frame', frame)).toBe('accepted')
    for (const { entries } of vectors('journal.valid'))
      for (const entry of entries ?? []) expect(accepts('journal-entry', entry)).toBe('accepted')
    for (const { input } of vectors('chat.valid')) expect(accepts('chat#/$defs/input', input)).toBe('accepted')
  })
})
