#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { sha256 } from '@dinrail/core'
import { readArtefact } from './artefact.ts'
import { longestDelayMs } from './event-loop.ts'
import { type Inspection, inspect, portText } from './inspection.ts'
import { refused, type Tried } from './inspection-trial.ts'
import { readModel } from './node.ts'
import { trialCommand, triedApart, tryForParent } from './trial-process.ts'

const usage = `dinrail-onnx inspect FILE.onnx [--json] [--runtime MODULE] [--runs N] [--limit SECONDS]

Says what an ONNX file takes and gives, what it costs and what is written into it. Where the runtime is installed
(onnxruntime-web, unless --runtime says another) it is loaded, and runs of made-up numbers are timed: 200, unless --runs
says how many; 0 for none. Loading, the golden questions and a run are given up after 60 seconds each, unless --limit says
otherwise. Exits with 0 where the file can be served, 1 where not or where a run does not end, 2 where it could not be read.`

async function main(): Promise<number> {
  if (process.argv[2] === trialCommand && process.send !== undefined) {
    await tryForParent(process.argv[3] ?? '')
    return 0
  }
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      runtime: { type: 'string', default: 'onnxruntime-web' },
      runs: { type: 'string', default: '200' },
      limit: { type: 'string', default: '60' },
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
  const limitMs = Number(values.limit) * 1_000
  if (!(limitMs > 0 && limitMs <= longestDelayMs))
    throw new TypeError(`--limit ${values.limit} is no number of seconds above 0`)
  const source = await readModel(file)
  // Where what stands beside the file cannot be read, loading says so.
  const whole = await readArtefact(file, source).catch(() => undefined)
  const inspection = inspect(source.bytes, whole?.digest ?? (await sha256(source.bytes)))
  const tried =
    runs === 0
      ? { served: true, untimed: 'not asked for' }
      : inspection.refusals[0] !== undefined
        ? refused(inspection.refusals[0])
        : await triedApart({ file, sha256: inspection.sha256, runtime: values.runtime, runs }, limitMs)
  const { served, ...costs } = tried
  if (values.json) console.log(JSON.stringify({ file, ...inspection, ...costs }, null, 2))
  else console.log(printable(textOf(file, inspection, tried)))
  return served && inspection.refusals.length === 0 ? 0 : 1
}

function textOf(file: string, inspection: Inspection, { timing, untimed }: Tried): string {
  const { inputs, outputs, operators, opsets, metadata, refusals, warnings } = inspection
  const list = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')
  const cost =
    timing === undefined
      ? `not timed: ${untimed}`
      : `p50 ${timing.p50Ms.toFixed(3)} ms, p99 ${timing.p99Ms.toFixed(3)} ms of ${timing.runs} warm runs by ${timing.runtime} (${timing.hardware})`
  return [
    `${file}: ${inspection.graph}${inspection.producer === '' ? '' : `, by ${inspection.producer}`}`,
    ...(inspection.description === '' ? [] : [`  ${inspection.description}`]),
    'takes',
    ...inputs.map((port) => `  ${portText(port)}`),
    'gives',
    ...outputs.map((port) => `  ${portText(port)}`),
    'costs',
    `  ${inspection.parameters} parameters, ${inspection.bytes} bytes`,
    `  ${cost}`,
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
