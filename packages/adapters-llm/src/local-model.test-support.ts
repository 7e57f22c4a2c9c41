import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { LlamaEngine } from './local.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const entry = path.join(root, '.engines/node-llama-cpp/node_modules/node-llama-cpp/dist/index.js')

/** The small language model that the tests run: `DINRAIL_GGUF`, or where it lies beside a checkout. */
export const gguf = process.env.DINRAIL_GGUF || path.join(root, '../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf')

/** Why the tests of a model in process cannot run here; undefined where they can. */
export const missing = !existsSync(entry)
  ? 'node-llama-cpp is not installed: node scripts/install-local-engine.mjs'
  : existsSync(gguf)
    ? undefined
    : `there is no model at ${gguf}: DINRAIL_GGUF names one`

// Where everything must be there, what is missing is a failure and no reason to skip.
export const canRun = missing === undefined || process.env.DINRAIL_CI !== undefined

export async function localEngine(): Promise<LlamaEngine> {
  return (await import(pathToFileURL(entry).href)) as LlamaEngine
}
