// Runs the benchmarks that are named, or all of them; each in a process of its own, so that none disturbs another's memory.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { batching256 } from './batching.ts'
import { loadsAndReleases, millionCalls } from './endurance.ts'
import { overhead } from './overhead.ts'
import { freeThread, hungRun } from './pool.ts'

const benches: Readonly<Record<string, () => Promise<void>>> = {
  overhead,
  batching: batching256,
  pool: () => freeThread(),
  hung: () => hungRun(),
  releases: () => loadsAndReleases(),
  million: () => millionCalls(),
}

const [only, ...more] = process.argv.slice(2).filter((name) => name !== '--')
if (only !== undefined && more.length === 0) {
  const bench = benches[only]
  if (bench === undefined) throw new TypeError(`there is no benchmark ${only}: ${Object.keys(benches).join(', ')}`)
  await bench()
  process.exit(0)
}
for (const name of only === undefined ? Object.keys(benches) : [only, ...more])
  spawnSync(process.execPath, ['--expose-gc', ...process.execArgv, fileURLToPath(import.meta.url), name], {
    stdio: 'inherit',
  })
