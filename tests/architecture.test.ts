import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(path.join(root, 'packages'))
const skipped = new Set(['node_modules', 'dist', '.git', 'coverage', 'journals', 'models'])

function filesUnder(directory: string): string[] {
  return readdirSync(path.join(root, directory)).flatMap((name) => {
    const file = path.join(directory, name)
    if (skipped.has(name)) return []
    return statSync(path.join(root, file)).isDirectory() ? filesUnder(file) : [file]
  })
}

const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const isTest = (file: string) => /\.(test|test-d|bench|test-support)\.ts$/.test(file)
const importsOf = (source: string) =>
  [...source.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gm)].map(
    (match) => (match[1] ?? match[2] ?? match[3])!,
  )
const sources = packages
  .flatMap((name) => filesUnder(`packages/${name}/src`))
  .filter((file) => file.endsWith('.ts') && !isTest(file))

/** A file and all that it reaches by relative imports. */
function reach(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const target of importsOf(read(file)))
    if (target.startsWith('.')) reach(path.join(path.dirname(file), target), seen)
  return seen
}

describe('the house', () => {
  it.each(packages)('lets @dinrail/%s depend on core and on no sibling, so that each can be used alone', (name) => {
    const main = reach('packages/core/src/index.ts')
    for (const file of sources.filter((source) => source.startsWith(`packages/${name}/`)))
      for (const target of importsOf(read(file)))
        if (target.startsWith('@dinrail/'))
          expect(`${file} → ${target}`).toMatch(main.has(file) ? /^never$/ : /→ @dinrail\/core(\/|$)/)
  })

  it('keeps node: out of every entry that browsers and workers use, so that they can', () => {
    const browserEntries = [
      'core/src/index.ts',
      'core/src/json-schema.ts',
      'core/src/conformance.ts',
      'core/src/signature.ts',
      'core/src/opentelemetry.ts',
      'collab/src/index.ts',
      'adapters-llm/src/index.ts',
      'adapters-onnx/src/index.ts',
      'adapters-onnx/src/worker-pool.ts',
      'agent-kit/src/index.ts',
      'transport-mqtt/src/index.ts',
    ]
    for (const entry of browserEntries)
      for (const file of reach(`packages/${entry}`)) {
        const nodeImports = importsOf(read(file)).filter((target) => target.startsWith('node:'))
        expect(nodeImports, file).toEqual([])
      }
  })

  it('keeps core’s main entry free of every library, so that nobody pays for what they do not use', () => {
    for (const file of reach('packages/core/src/index.ts')) {
      const libraries = importsOf(read(file)).filter(
        (target) => !target.startsWith('.') && target !== '@standard-schema/spec',
      )
      expect(libraries, file).toEqual([])
    }
  })

  it('names files after what they hold, so that a newcomer finds the right one', () => {
    const code = [...sources, ...filesUnder('examples'), ...filesUnder('bench')]
    expect(code.filter((file) => /\/_?(utils?|helpers?|common|shared|types|misc)(\/|\.ts)/.test(file))).toEqual([])
  })

  it('exports by name and never everything, so that the public surface is a decision', () => {
    for (const file of sources) expect(read(file), file).not.toMatch(/^export \*|^export default/m)
  })

  it('has no any', () => {
    for (const file of sources)
      expect(read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'|`[^`]*`/gm, ''), file).not.toMatch(
        /: any\b|<any>|as any\b|\bany\[\]/,
      )
  })

  it('keeps the contract to a page', () => {
    expect(read('packages/core/src/model.ts').split('\n').length).toBeLessThanOrEqual(160)
  })

  it.each([
    ['researcher-cascade', 30],
    ['equipment-maker-adapter', 40],
    ['vendor-discovery', 25],
  ])('keeps the script %s under %d lines, since a clumsy script means a wrong design', (name, lines) => {
    expect(read(`examples/${name}.ts`).trimEnd().split('\n').length).toBeLessThan(lines)
  })

  it('names no machine’s paths and no registry’s hosts, so that it is the same everywhere', () => {
    const texts = ['packages', 'examples', 'docs', 'spec', 'tests', 'scripts', 'bench', '.ci'].flatMap(filesUnder)
    const forbidden = new RegExp(
      [
        '/wo' + 'rk/',
        '/ro' + 'ot/',
        '/ho' + 'me/',
        'registry\\.' + 'npmjs',
        'pypi\\.' + 'org',
        'deb\\.' + 'debian',
      ].join('|'),
    )
    for (const file of [...texts, 'README.md', 'CONTRIBUTING.md', 'pnpm-lock.yaml'])
      expect(read(file).match(forbidden)?.[0], file).toBeUndefined()
  })
})
