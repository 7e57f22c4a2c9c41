// Installs `node-llama-cpp` beside the project, for what runs a model in this process: its tests, and the steel line with
// DINRAIL_GGUF. It is no dependency, since its own install brings variants for every graphics card; this brings the one
// for the processor (85 MB), in the ignored folder `.engines`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '3.22.1'
const variants = {
  'linux x64': 'linux-x64',
  'linux arm64': 'linux-arm64',
  'darwin arm64': 'mac-arm64-metal',
  'darwin x64': 'mac-x64',
  'win32 x64': 'win-x64',
}
const variant = variants[`${process.platform} ${process.arch}`]
if (variant === undefined) {
  console.error(`node-llama-cpp has no prebuilt engine for ${process.platform} ${process.arch}`)
  process.exit(1)
}
const folder = fileURLToPath(new URL('../.engines/node-llama-cpp', import.meta.url))
if (existsSync(path.join(folder, 'node_modules/@node-llama-cpp', variant))) {
  console.log(`node-llama-cpp is already in ${folder}`)
  process.exit(0)
}
mkdirSync(folder, { recursive: true })
writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n')
const { status } = spawnSync(
  'npm',
  [
    ...['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'],
    ...[`node-llama-cpp@${version}`, `@node-llama-cpp/${variant}@${version}`],
  ],
  { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' },
)
process.exit(status ?? 1)
