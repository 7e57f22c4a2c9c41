import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chatModel } from '@dinrail/adapters-llm'
import { type LlamaEngine, localChat } from '@dinrail/adapters-llm/local'
import type { ChatModel } from '@dinrail/core'
import type { LargeModel } from './options.ts'

/** How long one answer of a model in this process may get, in tokens: a report is shorter. */
const longestAnswer = 400

/** Where `node scripts/install-local-engine.mjs` puts the engine. */
const engineApart = fileURLToPath(
  new URL('../../.engines/node-llama-cpp/node_modules/node-llama-cpp/dist/index.js', import.meta.url),
)

/** The large model that the environment names: behind an endpoint, or in this process. */
export async function largeModelOf(named: LargeModel): Promise<ChatModel> {
  if ('url' in named) return chatModel({ baseUrl: named.url, model: named.model, key: named.key })
  return localChat({ gguf: named.gguf, engine: await installedEngine(), maxOutputTokens: longestAnswer })
}

/** The engine that was installed apart; where there is none, the package that the program itself has. */
async function installedEngine(): Promise<LlamaEngine | undefined> {
  if (!existsSync(engineApart)) return undefined
  return (await import(pathToFileURL(engineApart).href)) as LlamaEngine
}
