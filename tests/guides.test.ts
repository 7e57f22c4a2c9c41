import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from './run-script.ts'

const read = (file: string) => readFileSync(path.join(projectRoot, file), 'utf8')

/** Each guide's code stands in a file that the tests run, so that what a reader copies works. */
const guides: Readonly<Record<string, string>> = {
  'docs/write-an-adapter.md': 'examples/write-an-adapter/spindle.mjs',
  'docs/write-a-transport.md': 'examples/write-a-transport/broadcast.mjs',
  'docs/onnx-recipes.md': 'examples/onnx-recipes.ts',
  'packages/adapters-onnx/README.md': 'examples/onboard-an-onnx-file.ts',
}
/** What a guide shows that no file of its own can hold. */
const elsewhere = [/^export const known = /]

describe('the guides', () => {
  it.each(Object.entries(guides))('%s shows only what stands in %s', (guide, example) => {
    const blocks = [...read(guide).matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '')
    expect(blocks.length).toBeGreaterThan(1)
    for (const block of blocks) if (!elsewhere.some((one) => one.test(block))) expect(read(example)).toContain(block)
  })

  it('lead only to files that there are', () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      ...readdirSync(path.join(projectRoot, 'docs')).map((name) => `docs/${name}`),
    ]
    for (const page of pages.filter((name) => name.endsWith('.md')))
      for (const [, link] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g))
        expect(existsSync(path.resolve(projectRoot, path.dirname(page), link ?? '')), `${page}: ${link}`).toBe(true)
  })
})
