// Runs benchmarks one after another, each in a process of its own: those that are named, or all that need nothing but the project.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const own = ['invoke', 'frames', 'deadlines', 'distance', 'brokers']
/** Installs half a gigabyte of other libraries. */
const againstOthers = ['llm']
const named = process.argv.slice(2)
const unknown = named.filter((name) => ![...own, ...againstOthers].includes(name))
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(', ')}; there are ${[...own, ...againstOthers].join(', ')}`)
  process.exit(2)
}
let failed = false
for (const name of named.length > 0 ? named : own) {
  const file = fileURLToPath(
    new URL(againstOthers.includes(name) ? `./${name}/run.ts` : `./${name}.ts`, import.meta.url),
  )
  const { status } = spawnSync(process.execPath, [...process.execArgv, file], { stdio: 'inherit' })
  failed ||= status !== 0
}
process.exit(failed ? 1 : 0)
