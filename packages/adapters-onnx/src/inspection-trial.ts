import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Fault } from '@dinrail/core'
import type { EmbeddedContract } from './contract.ts'
import { type Engine, loadEngine } from './engine.ts'
import { readModelFile } from './model-file.ts'
import { readModel } from './node.ts'
import type { OnnxRuntime } from './runtime.ts'
import { sampleFeeds } from './sample-feeds.ts'
import { servedModel } from './served-model.ts'
import { embeddedContract } from './stated-contract.ts'
import { trialCall } from './trial.ts'

/** What became of trying a file out. */
export interface Tried {
  /** Whether nothing was found that keeps it from being served. */
  readonly served: boolean
  readonly timing?: Timing
  /** Why it was not timed. */
  readonly untimed?: string
}

/** How long warm runs take on this machine. */
export interface Timing {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly runs: number
  readonly runtime: string
  readonly hardware: string
}

export interface TrialDefinition {
  readonly file: string
  /** Of all its weights, for the descriptor. */
  readonly sha256: string
  /** The runtime's module. */
  readonly runtime: string
  /** How many runs to time. */
  readonly runs: number
}

/** What a trial is at, in words for people: each may take for ever. */
export type TrialStep = 'loading it' | 'asking its golden questions' | 'a run of made-up numbers'

export const refused = (why: string): Tried => ({ served: false, untimed: `refused: ${why}` })

/** No run after this is begun. */
const longestTimingMs = 5_000

/** Loads a file, holds it against the contract inside and times runs of made-up numbers. Blocks this thread. */
export async function tryOut(
  { file, sha256, runtime: name, runs }: TrialDefinition,
  begins: (step: TrialStep) => Promise<unknown>,
): Promise<Tried> {
  await begins('loading it')
  const runtime = await runtimeOf(name)
  if (runtime === undefined) return { served: true, untimed: `${name} is not installed here` }
  const source = await readModel(file)
  let engine: Engine | undefined
  try {
    engine = await loadEngine({ runtime, ...source, id: 'the file' })
    await begins('asking its golden questions')
    const problem = await contractProblem(engine, embeddedContract(readModelFile(source.bytes).metadata), sha256)
    if (problem !== undefined) return refused(problem)
    const feeds = sampleFeeds(engine.inputs)
    if (feeds === undefined) return { served: true, untimed: 'the file does not say what its inputs look like' }
    await begins('a run of made-up numbers')
    const times: number[] = []
    const until = performance.now() + longestTimingMs
    for (let run = -10; run < runs && performance.now() < until; run++) {
      const started = performance.now()
      await engine.run(feeds, trialCall())
      if (run >= 0) times.push(performance.now() - started)
    }
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
    const hardware = `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} threads, Node ${process.version}`
    return { served: true, timing: { p50Ms: at(0.5), p99Ms: at(0.99), runs: times.length, runtime: name, hardware } }
  } catch (problem) {
    const { message } = Fault.from(problem)
    return engine === undefined
      ? refused(message)
      : { served: true, untimed: `it takes no made-up numbers: ${message}` }
  } finally {
    await engine?.dispose()
  }
}

/** Why the file is not what the contract inside says; nothing where it is, or where the contract leaves a part to its author. */
async function contractProblem(
  engine: Engine,
  contract: EmbeddedContract,
  digest: string,
): Promise<string | undefined> {
  const { id, version, title, task } = contract
  if ([id, version, title, task].includes(undefined)) return undefined
  try {
    await servedModel(engine, contract, digest).prove()
    return undefined
  } catch (problem) {
    return Fault.from(problem).message
  }
}

/** The runtime as the folder in which the command is run has it, else as this package does. */
async function runtimeOf(name: string): Promise<OnnxRuntime | undefined> {
  const here = createRequire(path.join(process.cwd(), 'index.js'))
  for (const find of [() => pathToFileURL(here.resolve(name)).href, () => name])
    try {
      const module = await import(find())
      const runtime = module.InferenceSession === undefined ? module.default : module
      // Two threads gain on idle cores and lose on busy ones.
      if (runtime.env?.wasm !== undefined) runtime.env.wasm.numThreads = 1
      return runtime
    } catch (problem) {
      if (!/MODULE_NOT_FOUND/.test((problem as NodeJS.ErrnoException).code ?? '')) throw problem
    }
  return undefined
}
