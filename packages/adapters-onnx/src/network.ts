import { Fault } from '@dinrail/core'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'

export type Tensors = Readonly<Record<string, OnnxTensor>>

/** A network that is loaded somewhere. It trusts what it is fed. */
export interface Network {
  readonly inputs: readonly OnnxMetadata[]
  readonly outputs: readonly OnnxMetadata[]
  /** Runs that can go on at the same time. */
  readonly parallel: number
  run(feeds: Tensors, call: NetworkCall): Promise<Tensors>
  /** Lets the runs in flight end first. */
  dispose(): Promise<void>
}

export interface NetworkCall {
  /** Whether nobody waits for the answer any more. */
  readonly isOver: boolean
  /** For those that have to be told when it is over: asking for it makes it, which takes as long as a small network's run. */
  readonly signal: AbortSignal
  /** Absolute, milliseconds since 1970-01-01T00:00Z. */
  readonly deadline: number
  /** When a run that has begun is stopped, where it can be: the deadline, unless stated. */
  readonly stopAt?: number
}

export function overload(id: string, queue: number): Fault {
  const why = queue === 0 ? 'it is at work and no call may wait' : `${queue} calls wait already`
  return new Fault('overloaded', `${id}: ${why}: call again later`)
}

/** A call that waited may have nobody left who wants its answer. */
export function lateFault(id: string, call: NetworkCall): Fault | undefined {
  if (call.deadline <= Date.now())
    return new Fault('deadline-exceeded', `${id}: the deadline passed while the call waited`)
  return call.isOver ? Fault.from(call.signal.reason) : undefined
}
