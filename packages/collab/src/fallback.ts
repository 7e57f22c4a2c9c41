import { Fault, type FaultCode, isCallersOwn, type Model, type Reply, type Warning } from '@dinrail/core'
import { type CompositeOptions, composite, refuseEffects } from './composite.ts'
import { passOn } from './pass-on.ts'

export interface FallbackOptions<In = unknown, Out = unknown> extends CompositeOptions {
  /** How long one attempt may take, in milliseconds, so that a model that hangs leaves time for the next. */
  readonly attemptMs?: number
  /** Which faults are a reason to ask the next model; all but the caller's own mistakes unless stated. */
  readonly on?: readonly FaultCode[]
  /**
   * What is wrong with an answer, in words, or nothing where it holds. An answer that does not hold is never given: the next
   * model is asked, and the reply warns with the code `answer-refused`, as it does of an answer outside its contract; a model
   * that gave no answer is warned of as `fallback`. From the last model it ends in `invalid-output`.
   */
  readonly verify?: (reply: Reply<Out>, input: In) => string | undefined | Promise<string | undefined>
}

/** Asks the models in order and gives the first answer that holds. Who failed and why is a warning of the reply. */
export function fallback<In, Out>(
  models: readonly [Model<In, Out>, ...Model<In, Out>[]],
  options: FallbackOptions<In, Out> = {},
): Model<In, Out> {
  refuseEffects('fallback', models)
  const { attemptMs, on, verify } = options
  const last = models[models.length - 1]
  const next = (fault: Fault) =>
    on === undefined ? !isCallersOwn(fault) || isKeyRefused(fault) : on.includes(fault.code)
  return composite('fallback', models, options, async (context) => {
    const input = context.statedInput as In
    const reasons: Warning[] = []
    for (const model of models) {
      const { id } = model.descriptor
      try {
        // The last one gets all the time that is left.
        const bound = attemptMs === undefined || model === last ? {} : { deadlineMs: attemptMs }
        const reply = await context.invoke(model, input as never, bound)
        const problem = await verify?.(reply, input)
        if (problem === undefined) return passOn(reply, reasons)
        if (model === last) throw new Fault('invalid-output', `${id} gave an answer that does not hold: ${problem}`)
        reasons.push({ code: 'answer-refused', message: `${id} gave an answer that does not hold: ${problem}` })
      } catch (thrown) {
        const fault = Fault.from(thrown)
        if (model === last || !next(fault)) throw fault
        const code = fault.code === 'invalid-output' ? 'answer-refused' : 'fallback'
        reasons.push({ code, message: `${id} failed with ${fault.code}: ${fault.message}` })
      }
    }
    throw new TypeError('fallback: the last model always ends it')
  })
}

/** A key that a model's own server refuses, with a status of HTTP, is that model's trouble and not the caller's. */
function isKeyRefused({ code, details }: Fault): boolean {
  return code === 'denied' && typeof (details as { readonly status?: unknown } | undefined)?.status === 'number'
}
