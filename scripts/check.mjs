// Everything that must hold before a change lands, in the order in which it fails fastest. `npm test` runs it.
import { spawnSync } from 'node:child_process'

const steps = [
  ['format and lint', 'biome', ['ci', '.']],
  ['types', 'tsc', ['--noEmit']],
  ['build', 'pnpm', ['run', '--silent', 'build']],
  ['unit, conformance and architecture tests', 'vitest', ['run']],
  ['unused code and dependencies', 'knip', []],
  ['published packages', 'node', ['scripts/pack-check.mjs']],
  ['size', 'size-limit', []],
  ['reference pages', 'typedoc', ['--emit', 'none']],
]

const failed = []
for (const [title, command, args] of steps) {
  console.log(`\n── ${title}`)
  const started = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`── ${title}: ${status === 0 ? 'ok' : 'FAILED'} after ${seconds} s`)
  if (status !== 0) failed.push(title)
}
console.log(`\n${failed.length === 0 ? 'all checks hold' : `failed: ${failed.join(', ')}`}`)
console.log(`${steps.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length === 0 ? 0 : 1)
