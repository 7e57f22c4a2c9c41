// Builds the packages' code, without types, when a source is newer than the last build: what `npm start` needs, in seconds.

import { spawnSync } from 'node:child_process'
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = path.join(root, 'packages')
const stamp = path.join(root, 'node_modules', '.dinrail-built')

const newestSource = Math.max(
  ...readdirSync(packages, { recursive: true })
    .filter((file) => /^[^/]+\/(src\/.*\.ts|package\.json|tsup\.config\.ts)$/.test(file.replaceAll('\\', '/')))
    .map((file) => statSync(path.join(packages, file)).mtimeMs),
)
const builtAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
const complete = readdirSync(packages).every((name) =>
  statSync(path.join(packages, name, 'dist/index.js'), { throwIfNoEntry: false }),
)

if (!complete || builtAt < newestSource) {
  process.stderr.write('building the packages …\n')
  const started = new Date()
  // Whoever runs a script by npm has no pnpm.
  const build = spawnSync(
    'npx',
    ['--yes', 'pnpm@12.21.0', '-r', '--silent', '--filter', './packages/*', 'run', 'build'],
    {
      cwd: root,
      env: { ...process.env, DINRAIL_BUILD: 'code' },
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    },
  )
  if (build.status !== 0) {
    process.stderr.write('the packages could not be built; `npx pnpm@12.21.0 run build` shows why\n')
    process.exit(1)
  }
  writeFileSync(stamp, '')
  utimesSync(stamp, started, started)
}
