import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conformancePage, proofs } from './conformance-page.ts'
import { closeMedia } from './conformance-subjects.ts'
import { projectRoot } from './run-script.ts'

describe('every package', () => {
  let found: Awaited<ReturnType<typeof proofs>>
  beforeAll(async () => {
    found = await proofs()
  }, 60_000)
  afterAll(closeMedia)

  it('keeps every clause that applies to it', () => {
    for (const { name, report } of [...found.models, ...found.chats, ...found.transports])
      expect(report.text, name).not.toContain('✗')
  })

  it('means the same by a call through every transport', () => {
    for (const { name, report } of found.far) {
      const here = found.models.find((one) => name.startsWith(`${one.name}, through`))
      expect(report.results, name).toEqual(here?.report.results)
    }
  })

  it('is what docs/conformance.md says', () => {
    const page = readFileSync(path.join(projectRoot, 'docs/conformance.md'), 'utf8')
    expect(page, 'write it anew: npx pnpm@12.21.0 run conformance').toBe(conformancePage(found))
  })
})
