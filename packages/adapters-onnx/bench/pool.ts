// What a pool keeps free: this thread while a large network runs without pause, and the caller of a run that never ends.
import { onnxModel } from '@dinrail/adapters-onnx'
import { workerPool } from '@dinrail/adapters-onnx/worker-pool'
import { invoke, isFault, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { against } from '../../../bench/measure.ts'
import { counter } from '../src/networks.test-support.ts'
import { type Served, samplesOf, served, subjects } from './models.ts'

const runtime = import.meta.resolve('onnxruntime-web')
const pooled = () => ({ where: 'pool', pool: workerPool({ runtime }) }) as const

export async function freeThread(seconds = 10): Promise<void> {
  const rows = 8
  const subject = { ...subjects.cnn, shape: [rows, 3, 128, 128] }
  const model = await served(subject, pooled())
  const [data] = samplesOf(subject, 1) as [Float32Array<ArrayBuffer>]
  const delays: number[] = []
  let running = true
  let runs = 0
  const work = (async () => {
    while (running) {
      await invoke(model, { picture: tensor(data, subject.shape) }, { deadlineMs: 60_000 })
      runs += 1
    }
  })()
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    const due = performance.now() + 1
    await new Promise((resolve) => setTimeout(resolve, 1))
    delays.push(performance.now() - due)
  }
  running = false
  await work
  await model.dispose()
  const p99 = quantile(delays, 0.99)
  console.log(`\nThis thread, while the CNN runs at batch ${rows} in the pool: ${runs} runs in ${seconds} s`)
  console.log(`  delay of a timer: p50 ${quantile(delays, 0.5).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`)
  against('p99 at most 10 ms', `p99 ${p99.toFixed(2)} ms`, p99 <= 10)
}

export async function hungRun(rounds = 10): Promise<void> {
  const model: Served = (await onnxModel({
    runtime: ort,
    model: counter(),
    id: 'bench/counter',
    version: '1.0.0',
    title: 'Counts as far as it is told',
    task: 'process-analysis',
    inputs: { x: { tensor: { unit: '1' } }, trips: { tensor: {} } },
    execution: pooled(),
  })) as unknown as Served
  const ask = (trips: bigint, deadlineMs: number) =>
    invoke(model, { x: tensor(Float32Array.of(1), [1]), trips: tensor(BigInt64Array.of(trips), []) }, { deadlineMs })
  await ask(3n, 10_000)
  let [latest, latestTimer, unanswered] = [0, 0, 0]
  const recoveries: number[] = []
  for (let round = 0; round < rounds; round++) {
    const deadlineMs = 100
    const began = performance.now()
    // What the machine's load alone makes late.
    const timer = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs)).then(() => {
      latestTimer = Math.max(latestTimer, performance.now() - began - deadlineMs)
    })
    await ask(2n ** 62n, deadlineMs).catch((fault) => {
      if (!isFault(fault) || fault.code !== 'deadline-exceeded') throw fault
    })
    const settled = performance.now()
    latest = Math.max(latest, settled - began - deadlineMs)
    await timer
    await ask(3n, 10_000).catch(() => {
      unanswered += 1
    })
    recoveries.push(performance.now() - settled)
  }
  await model.dispose()
  console.log(`\nA run that never ends, ${rounds} times`)
  against(
    'within 50 ms of its deadline',
    `settled ${latest.toFixed(1)} ms after it at the latest, a bare timer ${latestTimer.toFixed(1)} ms`,
    latest <= 50,
  )
  const next = `${unanswered} of the calls after it failed; they took ${quantile(recoveries, 0.5).toFixed(0)} ms`
  against('none', next, unanswered === 0)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
