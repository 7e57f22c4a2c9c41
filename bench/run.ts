// Runs benchmarks one after another, each in a process of its own: all of them, or those that are named.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const benchmarks = ['invoke', 'frames', 'deadlines', 'distance', 'brokers']
const named = process.argv.slice(2)
const unknown = named.filter((name) => !benchmarks.includes(name))
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(', ')}; there are ${benchmarks.join(', ')}`)
  process.exit(2)
}
let failed = false
for (const name of named.length > 0 ? named : benchmarks) {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const { status } = spawnSync(process.execPath, [...process.execArgv, file], { stdio: 'inherit' })
  failed ||= status !== 0
}
process.exit(failed ? 1 : 0)
