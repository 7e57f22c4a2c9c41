import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Fault } from '@dinrail/core'

/**
 * What is used of the package `node-llama-cpp` (3.22), which is a peer: `import * as engine from 'node-llama-cpp'`, or
 * leave it out and it is imported when a model is loaded.
 */
export interface LlamaEngine {
  getLlama(options: {
    readonly gpu: false
    readonly build: 'never'
    readonly skipDownload: boolean
    readonly progressLogs: boolean
    readonly maxThreads: number
    readonly logger: (level: unknown, message: string) => void
  }): Promise<Llama>
  readonly LlamaChat: new (options: never) => LlamaChat
}

export interface Llama {
  loadModel(options: { readonly modelPath: string }): Promise<LlamaFile>
  createGrammarForJsonSchema(schema: never): Promise<LlamaGrammar>
  createGrammar(options: {
    readonly grammar: string
    readonly stopGenerationTriggers: readonly string[]
    readonly trimWhitespaceSuffix: boolean
  }): Promise<LlamaGrammar>
  dispose(): Promise<void>
}

export interface LlamaGrammar {
  readonly grammar: string
}

export interface LlamaFile {
  readonly trainContextSize: number
  readonly tokenizer: unknown
  readonly fileInfo: { readonly metadata: { readonly general?: { readonly name?: string | undefined } } }
  createContext(options: {
    readonly contextSize: number
    readonly sequences: number
    readonly batchSize: number
    readonly threads: number
  }): Promise<LlamaContext>
  createEmbeddingContext(options: {
    readonly contextSize: number
    readonly threads: number
  }): Promise<LlamaEmbeddingContext>
  dispose(): Promise<void>
}

export interface LlamaContext {
  readonly contextSize: number
  getSequence(): LlamaSequence
  dispose(): Promise<void>
}

export interface LlamaSequence {
  readonly tokenMeter: { getState(): TokenCount; diff(earlier: TokenCount): TokenCount }
}

interface TokenCount {
  readonly usedInputTokens: number
  readonly usedOutputTokens: number
}

export interface LlamaEmbeddingContext {
  getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>
  calculateInputLength(text: string): number
  dispose(): Promise<void>
}

export type LlamaTurn =
  | { readonly type: 'system' | 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: string[] }

export interface LlamaChat {
  readonly chatWrapper: {
    generateContextState(options: { readonly chatHistory: readonly LlamaTurn[] }): {
      readonly contextText: { tokenize(tokenizer: never): readonly unknown[] }
    }
  }
  generateResponse(
    history: LlamaTurn[],
    options: {
      readonly maxTokens: number
      readonly signal: AbortSignal
      readonly temperature?: number
      readonly seed?: number
      readonly grammar?: never
      readonly customStopTriggers?: readonly string[]
      readonly onResponseChunk?: (chunk: { readonly segmentType: unknown; readonly text: string }) => void
    },
  ): Promise<{
    readonly fullResponse: readonly (string | { readonly text: string })[]
    readonly metadata: { readonly stopReason: string }
  }>
}

export interface GgufOptions {
  /** Path of the model's file. */
  readonly gguf: string
  /** The module `node-llama-cpp`; imported from where the program runs unless given. */
  readonly engine?: LlamaEngine | undefined
  /**
   * How many threads compute: all cores but one unless stated, and never more than there are. Threads wait for each other
   * by spinning, so that one thread too many costs a factor of ten and more where the cores are busy.
   */
  readonly threads?: number | undefined
  /** Hexadecimal digest that the file must have. */
  readonly sha256?: string | undefined
}

export interface LoadedGguf {
  readonly LlamaChat: LlamaEngine['LlamaChat']
  readonly llama: Llama
  readonly file: LlamaFile
  readonly threads: number
  /** The engine's own last words, for the message of a fault. */
  complaint(): string
  dispose(): Promise<void>
}

/** How many threads a model gets on this machine: at least one, and never more than there are cores. */
export function threadsFor(wanted: number | undefined): number {
  const cores = availableParallelism()
  return Math.max(1, Math.min(Math.floor(wanted ?? cores - 1) || 1, cores))
}

/**
 * Loads a file, after it was seen that it is one. Throws `not-found` where there is none, `invalid-input` where it is no
 * GGUF or has another digest, `unavailable` where the engine is not installed or does not run here.
 */
export async function loadGguf(options: GgufOptions): Promise<LoadedGguf> {
  const { gguf, sha256 } = options
  await checkFile(gguf, sha256)
  const engine = options.engine ?? (await importedEngine())
  const threads = threadsFor(options.threads)
  let said = ''
  try {
    const llama = await engine.getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: threads,
      logger: (_, message) => {
        said = message.trim() || said
      },
    })
    try {
      const file = await llama.loadModel({ modelPath: gguf })
      return {
        LlamaChat: engine.LlamaChat,
        llama,
        file,
        threads,
        complaint: () => said,
        async dispose() {
          await file.dispose()
          await llama.dispose()
        },
      }
    } catch (problem) {
      await llama.dispose()
      throw problem
    }
  } catch (problem) {
    throw new Fault('unavailable', `${gguf} could not be loaded: ${(problem as Error).message} ${said}`.trim(), {
      retryable: false,
      cause: problem,
    })
  }
}

async function importedEngine(): Promise<LlamaEngine> {
  // Not a literal: bundlers must leave a peer alone that most programs do not have.
  const peer: string = 'node-llama-cpp'
  try {
    return (await import(peer)) as LlamaEngine
  } catch (problem) {
    throw new Fault(
      'unavailable',
      `a model in process needs the package node-llama-cpp (3.22): install it, or pass it as \`engine\` (${(problem as Error).message})`,
      { retryable: false, cause: problem },
    )
  }
}

async function checkFile(gguf: string, sha256: string | undefined): Promise<void> {
  const start = Buffer.alloc(4)
  try {
    const file = await open(gguf)
    await file.read(start, 0, 4, 0).finally(() => file.close())
  } catch (problem) {
    throw new Fault('not-found', `there is no model to read at ${gguf}: ${(problem as Error).message}`)
  }
  if (start.toString('latin1') !== 'GGUF')
    throw new Fault(
      'invalid-input',
      `${gguf} is no GGUF file: it begins with ${JSON.stringify(start.toString('latin1'))}`,
    )
  if (sha256 === undefined) return
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(gguf)) hash.update(chunk)
  const found = hash.digest('hex')
  if (found !== sha256.toLowerCase())
    throw new Fault('invalid-input', `${gguf} is another file than was pinned: its SHA-256 is ${found}, not ${sha256}`)
}
