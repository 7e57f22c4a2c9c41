import { Fault, isFault } from '@dinrail/core'
import { nextTurn } from './event-loop.ts'
import { lateFault, type Network, type NetworkCall, overload, type Tensors } from './network.ts'
import { joinRows, keepSpare, type SpareArrays, splitRows } from './rows.ts'

/** Calls that go into one run: their tensors differ in the first axis only. */
interface Batch {
  readonly entries: Entry[]
  rows: number
}

interface Entry {
  readonly feeds: Tensors
  readonly call: NetworkCall
  readonly rows: number
  resolve(results: Tensors): void
  reject(problem: unknown): void
}

export interface Window {
  /** Rows in one run at most. */
  readonly maximum: number
  /** Milliseconds to wait for more calls than came in one turn of the event loop. */
  readonly waitMs: number
  /** Calls that wait at most. */
  readonly queue: number
}

/**
 * Joins calls along the first axis of every tensor into one run and splits its answer. Where that run fails, each call is
 * made alone, so that none fails through another.
 */
export function batched(id: string, network: Network, { maximum, waitMs, queue }: Window): Network {
  const names = network.inputs.map(({ name }) => name)
  const open: Batch[] = []
  let scheduled = false
  let running = 0
  let waiting = 0
  const spare: SpareArrays = new Map()
  let disposal: Promise<void> | undefined
  let onIdle: (() => void) | undefined

  /** While all that can run do, calls gather: that makes the next run larger and nobody later. */
  function flush(): void {
    scheduled = false
    while (open.length > 0 && running < network.parallel) start(open.shift()!)
    if (open.length === 0 && running === 0) onIdle?.()
  }

  function start(batch: Batch): void {
    running += 1
    waiting -= batch.entries.length
    runBatch(id, network, names, spare, batch).finally(() => {
      running -= 1
      if (!scheduled) flush()
    })
  }

  function batchFor(feeds: Tensors, rows: number): Batch {
    for (const batch of open)
      if (batch.rows + rows <= maximum && fit(names, batch.entries[0]!.feeds, feeds)) return batch
    const batch = { entries: [], rows: 0 }
    open.push(batch)
    return batch
  }

  return {
    inputs: network.inputs,
    outputs: network.outputs,
    parallel: network.parallel,
    run(feeds, call) {
      if (disposal !== undefined) return Promise.reject(new Fault('unavailable', `${id} was disposed`))
      if (waiting >= queue) return Promise.reject(overload(id, queue))
      return new Promise((resolve, reject) => {
        waiting += 1
        const rows = feeds[names[0]!]!.dims[0]!
        const batch = batchFor(feeds, rows)
        batch.entries.push({ feeds, call, rows, resolve, reject })
        batch.rows += rows
        if (running >= network.parallel) return
        if (batch.rows >= maximum) {
          open.splice(open.indexOf(batch), 1)
          start(batch)
        } else if (!scheduled) {
          scheduled = true
          if (waitMs > 0) setTimeout(flush, waitMs)
          else nextTurn(flush)
        }
      })
    },
    dispose() {
      disposal ??= new Promise<void>((resolve) => {
        onIdle = resolve
        flush()
      }).then(network.dispose)
      return disposal
    },
  }
}

function fit(names: readonly string[], some: Tensors, others: Tensors): boolean {
  for (const name of names) {
    const dims = some[name]!.dims
    const otherDims = others[name]!.dims
    if (dims.length !== otherDims.length) return false
    for (let axis = 1; axis < dims.length; axis++) if (dims[axis] !== otherDims[axis]) return false
  }
  return true
}

const nobodyGivesUp = new AbortController().signal

async function runBatch(
  id: string,
  network: Network,
  names: readonly string[],
  spare: SpareArrays,
  batch: Batch,
): Promise<void> {
  const entries = inTime(id, batch.entries)
  const alone = ({ feeds, call, resolve, reject }: Entry) => network.run(feeds, call).then(resolve, reject)
  if (entries.length === 1) await alone(entries[0]!)
  if (entries.length < 2) return
  const rows = entries.map((entry) => entry.rows)
  const parts = entries.map((entry) => entry.feeds)
  let feeds: Tensors | undefined
  try {
    feeds = joinRows(names, parts, rows, spare)
    const answers = splitRows(await network.run(feeds, sharedCall(entries)), rows)
    for (let index = 0; index < entries.length; index++) entries[index]!.resolve(answers[index]!)
  } catch (problem) {
    if (isFault(problem) && problem.code === 'unavailable') for (const { reject } of entries) reject(problem)
    else await Promise.all(inTime(id, entries).map(alone))
  }
  if (feeds !== undefined) keepSpare(feeds, spare)
}

/** Begun while anybody waits for it; stopped when the first has to be told that it is too late. */
function sharedCall(entries: readonly Entry[]): NetworkCall {
  let deadline = Number.NEGATIVE_INFINITY
  let stopAt = Number.POSITIVE_INFINITY
  for (const { call } of entries) {
    if (call.deadline > deadline) deadline = call.deadline
    if (call.deadline < stopAt) stopAt = call.deadline
  }
  return { deadline, stopAt, isOver: false, signal: nobodyGivesUp }
}

/** Those whose answer is still waited for; the others are told why they get none. */
function inTime(id: string, entries: readonly Entry[]): readonly Entry[] {
  const now = Date.now()
  if (entries.every(({ call }) => call.deadline > now && !call.isOver)) return entries
  return entries.filter(({ call, reject }) => {
    const late = lateFault(id, call)
    if (late !== undefined) reject(late)
    return late === undefined
  })
}
