// What npm would publish: publint reads each package as a registry does, attw as TypeScript in every module mode does.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

let failures = 0
for (const name of readdirSync('packages')) {
  for (const [command, args] of [
    ['publint', ['run', `packages/${name}`, '--strict', '--pack', 'pnpm']],
    ['attw', ['--pack', `packages/${name}`, '--profile', 'node16', '--format', 'ascii', '--quiet', '--no-emoji']],
  ]) {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${command} @dinrail/${name}`)
    if (status === 0) continue
    failures += 1
    console.log(stdout, stderr)
  }
}
process.exit(failures === 0 ? 0 : 1)
