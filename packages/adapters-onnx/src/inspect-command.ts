#!/usr/bin/env node
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Fault, sha256 } from '@dinrail/core'
import { readArtefact } from './artefact.ts'
import type { EmbeddedContract } from './contract.ts'
import type { ModelFiles } from './definition.ts'
import { type Engine, loadEngine } from './engine.ts'
import { type Inspection, inspect, portText } from './inspection.ts'
import { readModel } from './node.ts'
import type { OnnxRuntime } from './runtime.ts'
import { sampleFeeds } from './sample-feeds.ts'
import { servedModel } from './served-model.ts'
import { embeddedContract } from './stated-contract.ts'
import { trialCall } from './trial.ts'

const usage = `dinrail-onnx inspect FILE.onnx [--json] [--runtime MODULE] [--runs N]

Says what an ONNX file takes and gives, what it costs and what is written into it. Where the runtime is installed
(onnxruntime-web, unless --runtime says another) it is loaded, and runs of made-up numbers are timed: 200, unless --runs
says how many; 0 for none. Exits with 0 where the file can be served, 1 where not, 2 where it could not be read.`

/** How long warm runs take on this machine. */
interface Timing {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly runs: number
  readonly runtime: string
  readonly hardware: string
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      runtime: { type: 'string', default: 'onnxruntime-web' },
      runs: { type: 'string', default: '200' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command, file] = positionals
  if (values.help || command !== 'inspect' || file === undefined) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const runs = Number(values.runs)
  if (!(Number.isInteger(runs) && runs >= 0)) throw new TypeError(`--runs ${values.runs} is no whole number`)
  const source = await readModel(file)
  // Where what stands beside the file cannot be read, loading says so.
  const whole = await readArtefact(file, source).catch(() => undefined)
  const inspection = inspect(source.bytes, whole?.digest ?? (await sha256(source.bytes)))
  const tried = runs > 0 ? await tryOut(source, inspection, values.runtime, runs) : 'not asked for'
  const served = inspection.refusals.length === 0 && (typeof tried !== 'string' || !tried.startsWith('refused'))
  if (values.json)
    console.log(
      JSON.stringify(
        { file, ...inspection, ...(typeof tried === 'string' ? { untimed: tried } : { timing: tried }) },
        null,
        2,
      ),
    )
  else console.log(printable(textOf(file, inspection, tried)))
  return served ? 0 : 1
}

async function tryOut(
  source: ModelFiles,
  { metadata, sha256: digest, refusals }: Inspection,
  name: string,
  runs: number,
): Promise<Timing | string> {
  if (refusals.length > 0) return `refused: ${refusals[0]}`

  const runtime = await runtimeOf(name)
  if (runtime === undefined) return `${name} is not installed here`
  let engine: Engine | undefined
  try {
    engine = await loadEngine({ runtime, ...source, id: 'the file' })
    const problem = await contractProblem(engine, embeddedContract(metadata), digest)
    if (problem !== undefined) return `refused: ${problem}`
    const feeds = sampleFeeds(engine.inputs)
    if (feeds === undefined) return 'the file does not say what its inputs look like'
    const times: number[] = []
    const until = performance.now() + 5_000
    for (let run = -10; run < runs && performance.now() < until; run++) {
      const started = performance.now()
      await engine.run(feeds, trialCall())
      if (run >= 0) times.push(performance.now() - started)
    }
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
    const hardware = `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} threads, Node ${process.version}`
    return { p50Ms: at(0.5), p99Ms: at(0.99), runs: times.length, runtime: name, hardware }
  } catch (problem) {
    const { message } = Fault.from(problem)
    return engine === undefined ? `refused: ${message}` : `it takes no made-up numbers: ${message}`
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

function textOf(file: string, inspection: Inspection, tried: Timing | string): string {
  const { inputs, outputs, operators, opsets, metadata, refusals, warnings } = inspection
  const list = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')
  const timing =
    typeof tried === 'string'
      ? `not timed: ${tried}`
      : `p50 ${tried.p50Ms.toFixed(3)} ms, p99 ${tried.p99Ms.toFixed(3)} ms of ${tried.runs} warm runs by ${tried.runtime} (${tried.hardware})`
  return [
    `${file}: ${inspection.graph}${inspection.producer === '' ? '' : `, by ${inspection.producer}`}`,
    ...(inspection.description === '' ? [] : [`  ${inspection.description}`]),
    'takes',
    ...inputs.map((port) => `  ${portText(port)}`),
    'gives',
    ...outputs.map((port) => `  ${portText(port)}`),
    'costs',
    `  ${inspection.parameters} parameters, ${inspection.bytes} bytes`,
    `  ${timing}`,
    'is made of',
    `  operator sets: ${list(opsets)}; IR version ${inspection.irVersion}`,
    `  operators: ${list(operators)}`,
    `  ${inspection.sha256}`,
    'carries',
    ...(Object.keys(metadata).length === 0
      ? ['  no descriptor and no other words']
      : Object.entries(metadata).map(([key, value]) => `  ${key}: ${wordsOf(value)}`)),
    ...(refusals.length === 0 ? [] : ['cannot be served', ...refusals.map((refusal) => `  ${refusal}`)]),
    ...(warnings.length === 0 ? [] : ['beware', ...warnings.map((warning) => `  ${warning}`)]),
  ].join('\n')
}

/** A card is JSON, which is read in lines; a list of plain values is one. */
function wordsOf(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
      .replace(/\[[^[\]{}]*\]/g, (plain) => plain.replaceAll(/\s*\n\s*/g, ' '))
      .replaceAll('\n', '\n  ')
  } catch {
    return value
  }
}

/** Words of a file come from anybody: a terminal would obey some of their characters. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, (odd) => `\\x${odd.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

main().then(
  (code) => process.exit(code),
  (problem: unknown) => {
    console.error(`dinrail-onnx: ${printable(problem instanceof Error ? problem.message : String(problem))}`)
    process.exit(2)
  },
)
