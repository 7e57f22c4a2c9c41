import { Fault } from '@dinrail/core'
import { lateFault, type Network, type NetworkCall, overload, type Tensors } from './network.ts'
import { enterRealm, insideRealm, isRealmBusy, leaveRealm } from './realm.ts'
import type {
  OnnxMetadata,
  OnnxRuntime,
  OnnxSession,
  OnnxSessionOptions,
  OnnxTensor,
  OnnxType,
  OnnxValue,
} from './runtime.ts'

/** A network in this thread: one run at a time in the whole realm, each blocking the thread until it ends. */
export async function sessionHere(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  id: string,
  { queue, ...options }: OnnxSessionOptions & { readonly queue: number },
): Promise<Network> {
  const session = await insideRealm(() => open(runtime, bytes, id, options))
  let closing: Promise<void> | undefined
  let waiting = 0
  // The stated overload is one of those that both runtimes have for all types.
  const OnnxTensorClass = runtime.Tensor as unknown as new (
    type: OnnxType,
    data: OnnxTensor['data'],
    dims: readonly number[],
  ) => OnnxValue

  const leave = (results: Readonly<Record<string, OnnxValue>>): Tensors => {
    leaveRealm()
    // What the runtime gives back has the members of a tensor.
    return results as Tensors
  }
  const fail = (problem: unknown): never => {
    leaveRealm()
    throw runFault(id, problem)
  }

  /** Inside the realm. Without a function that awaits: each costs a small network a noticeable part of its run. */
  function begin(feeds: Tensors): Promise<Tensors> {
    try {
      const values: Record<string, OnnxValue> = {}
      for (const name in feeds) {
        const { type, data, dims } = feeds[name]!
        values[name] = new OnnxTensorClass(type, data, dims)
      }
      return session.run(values).then(leave, fail)
    } catch (problem) {
      return Promise.reject(problem).catch(fail)
    }
  }

  async function inTurn(turn: Promise<void>, feeds: Tensors, call: NetworkCall, isBehind: boolean): Promise<Tensors> {
    if (isBehind) waiting += 1
    await turn
    if (isBehind) waiting -= 1
    const late = lateFault(id, call)
    if (late === undefined) return begin(feeds)
    leaveRealm()
    throw late
  }

  return {
    inputs: session.inputMetadata.map(normalised),
    outputs: session.outputMetadata.map(normalised),
    parallel: 1,
    run(feeds, call) {
      if (closing !== undefined) return Promise.reject(new Fault('unavailable', `${id} was disposed`))
      // Whoever only lets timers have their turn waits for no other call.
      const isBehind = isRealmBusy()
      if (isBehind && waiting >= queue) return Promise.reject(overload(id, queue))
      const turn = enterRealm()
      return turn === undefined ? begin(feeds) : inTurn(turn, feeds, call, isBehind)
    },
    dispose() {
      closing ??= insideRealm(() => session.release())
      return closing
    },
  }
}

async function open(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  id: string,
  options?: OnnxSessionOptions,
): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(bytes, options)
  } catch (problem) {
    throw loadFault(id, problem)
  }
}

const unknownOperator = /No Op registered|not a registered function|Could not find an implementation|NOT_IMPLEMENTED/

const newerFormat = /Unsupported model IR version|official(?:ly)? released onnx opset/

export function loadFault(id: string, problem: unknown): Fault {
  const { message } = Fault.from(problem)
  if (unknownOperator.test(message))
    return new Fault(
      'unsupported',
      `${id}: this runtime lacks an operator of the network: ${message}. Export with another operator set, or pass a runtime that has it`,
      { field: '/model', cause: problem },
    )
  if (newerFormat.test(message))
    return new Fault(
      'unsupported',
      `${id}: the file is newer than this runtime: ${message}. Export with an older operator set or IR version, or pass a newer runtime`,
      { field: '/model', cause: problem },
    )
  // It is not the file: a provider that was asked for is unknown, or could not be started.
  if (/no available backend found/.test(message))
    return new Fault(
      /backend not found/.test(message) ? 'unsupported' : 'unavailable',
      `${id}: this runtime has none of the providers that were asked for, or could not start it: ${message}`,
      { cause: problem },
    )
  return new Fault('invalid-input', `${id}: no ONNX model that this runtime can load: ${message}`, {
    field: '/model',
    cause: problem,
  })
}

/** The runtimes' errors carry no code of their own; what is the caller's fault is in their words. */
export function runFault(id: string, problem: unknown): Fault {
  const fault = Fault.from(problem)
  if (fault === problem) return fault
  const callers = /INVALID_ARGUMENT|ERROR_CODE: 2\b/.test(fault.message)
  return new Fault(callers ? 'invalid-input' : 'internal', `${id}: the runtime gave up: ${fault.message}`, {
    ...(callers && { field: '/input' }),
    cause: problem,
  })
}

/** The web runtime reads a length that the file leaves open as the largest 32-bit number. */
export function normalised({ name, isTensor, type, shape }: OnnxMetadata): OnnxMetadata {
  return {
    name,
    isTensor,
    ...(type !== undefined && { type }),
    ...(shape !== undefined && {
      shape: shape.map((length) => (length === 0xffff_ffff || length === '' ? -1 : length)),
    }),
  }
}
