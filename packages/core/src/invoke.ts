import { Call } from './call.ts'
import { checkInput, checkResult } from './contract-checks.ts'
import { Fault } from './fault.ts'
import type { Final, InvokeOptions, Model, Reply, ReplyStream, RunContext, RunResult } from './model.ts'
import type { Stated } from './sample.ts'

/**
 * Calls a model: deadline → admission → schema and units → freshness and quality → limits → run → output → reply. Settles by the
 * deadline whatever the model does, with a `Reply` or by throwing a `Fault`.
 */
export function invoke<In, Out, Part>(
  model: Model<In, Out, Part>,
  input: NoInfer<In | Stated<In>>,
  options: InvokeOptions,
): Promise<Reply<Out>> {
  if (!isBounded(options)) return Promise.reject(new TypeError(unbounded))
  return settle(model, new UserCall(model, input, options))
}

/**
 * Calls a model that answers in parts: `for await (const part of stream(…))`, then `finish()` for the reply. Leaving the loop
 * cancels the call. Throws `unsupported` where the descriptor does not say `supports.stream`.
 */
export function stream<In, Out, Part>(
  model: Model<In, Out, Part>,
  input: NoInfer<In | Stated<In>>,
  options: InvokeOptions,
): ReplyStream<Out, Part> {
  if (!isBounded(options)) throw new TypeError(unbounded)
  return replyStream(settleInParts(model, new UserCall(model, input, options)))
}

// A text would be written behind the time of day, and no clock ever comes to infinity: neither bounds a call.
const isBounded = ({ deadlineMs }: Partial<InvokeOptions> = {}) => deadlineMs! > 0 && Number.isFinite(deadlineMs)
const unbounded = 'a call needs deadlineMs: milliseconds from now, above 0'

/** A call that can make calls of its own: they end with it, at the latest, and their usage is counted in it. */
class UserCall extends Call implements RunContext {
  /** Made when asked for, so that it may be taken apart from the context: `({ invoke }) => invoke(…)`. */
  get invoke(): RunContext['invoke'] {
    return (model, input, options) => {
      const child = new UserCall(model, input, options, this)
      return settle(model, child).finally(() => this.add(child.usage))
    }
  }

  get stream(): RunContext['stream'] {
    return (model, input, options) => {
      const child = new UserCall(model, input, options, this)
      return replyStream(settleInParts(model, child, () => this.add(child.usage)))
    }
  }
}

/** Settles with the end of the work, or with the deadline or the caller's end where they come first. */
function settle<In, Out, Part>(model: Model<In, Out, Part>, call: UserCall): Promise<Reply<Out>> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown) => {
      if (call.end()) call.fault(thrown).then(reject, reject)
    }
    const succeed = (result: RunResult<Out>) => {
      // What comes after the end is nobody's answer any more.
      if (call.isOver) return
      try {
        const checked = checkResult(model, call, result)
        if (checked instanceof Promise) checked.then((late) => answer(call, late, resolve)).catch(fail)
        else answer(call, checked, resolve)
      } catch (thrown) {
        fail(thrown)
      }
    }
    try {
      call.begin(fail)
      Promise.resolve(run(model, call)).then(succeed, fail)
    } catch (thrown) {
      fail(thrown)
    }
  })
}

function answer<Out>(call: Call, result: RunResult<Out>, resolve: (reply: Reply<Out>) => void): void {
  const reply = call.reply(result)
  if (call.end()) resolve(reply)
}

function run<In, Out, Part>(model: Model<In, Out, Part>, call: UserCall): Promise<RunResult<Out>> {
  if (model.admit !== undefined) return runAdmitted(model, call)
  const input = checkInput(model, call)
  return input instanceof Promise ? input.then((checked) => model.run(checked, call)) : model.run(input, call)
}

async function runAdmitted<In, Out, Part>(model: Model<In, Out, Part>, call: UserCall): Promise<RunResult<Out>> {
  const leave = await model.admit?.(call)
  try {
    return await model.run(await checkInput(model, call), call)
  } finally {
    leave?.()
  }
}

const leftEarly = () => new Fault('cancelled', 'the caller left the stream before its end')

async function* settleInParts<In, Out, Part>(
  model: Model<In, Out, Part>,
  call: UserCall,
  ended?: () => void,
): AsyncGenerator<Part, Reply<Out>> {
  let hasEnded = false
  let fault: unknown
  const parts = answerInParts(model, call)
  try {
    call.begin()
    for (;;) {
      const next = await call.unlessInterrupted(parts.next())
      if (next.done) {
        hasEnded = true
        return call.reply(next.value)
      }
      yield next.value
    }
  } catch (thrown) {
    hasEnded = true
    fault = thrown
    throw await call.fault(thrown)
  } finally {
    if (!hasEnded) fault = leftEarly()
    if (fault !== undefined) {
      call.abort(Fault.from(fault))
      // The model may be stuck in a part; whoever reads must not be.
      parts.return(undefined as never).catch(() => {})
    }
    if (!hasEnded) await call.fault(fault)
    call.end()
    ended?.()
  }
}

async function* answerInParts<In, Out, Part>(
  model: Model<In, Out, Part>,
  call: UserCall,
): AsyncGenerator<Part, RunResult<Out>> {
  const { id, supports } = model.descriptor
  if (supports.stream !== true || model.stream === undefined)
    throw new Fault('unsupported', `${id} does not answer in parts: use invoke`)
  const leave = await model.admit?.(call)
  try {
    const input = await checkInput(model, call)
    let final: Final<Out> | undefined
    for await (const item of model.stream(input, call)) {
      if (final !== undefined) throw new Fault('invalid-output', `${id} gave more after its final`)
      if (isFinal(item)) final = item
      else yield item
    }
    if (final === undefined) throw new Fault('invalid-output', `${id} ended without its final: the answer is not whole`)
    return await checkResult(model, call, final)
  } finally {
    leave?.()
  }
}

function isFinal<Out, Part>(item: Part | Final<Out>): item is Final<Out> {
  return (item as Partial<Final<Out>> | null | undefined)?.final === true
}

function replyStream<Out, Part>(parts: AsyncGenerator<Part, Reply<Out>>): ReplyStream<Out, Part> {
  let end: Promise<Reply<Out>> | undefined
  const next = async (): Promise<IteratorResult<Part, undefined>> => {
    const item = await parts.next()
    if (!item.done) return item
    if (item.value !== undefined) end ??= Promise.resolve(item.value)
    return { done: true, value: undefined }
  }
  const drain = async (): Promise<Reply<Out>> => {
    for (;;) {
      const item = await parts.next()
      if (!item.done) continue
      if (item.value !== undefined) return item.value
      throw leftEarly()
    }
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        await parts.return(undefined as never)
        return { done: true, value: undefined }
      },
    }),
    finish() {
      end ??= drain()
      return end
    },
  }
}
