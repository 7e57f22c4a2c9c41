import { Fault, type FaultCode, isCallersOwn, type Model } from '@dinrail/core'
import { type CompositeOptions, composite, refuseEffects } from './composite.ts'
import { passOn } from './pass-on.ts'

export interface FallbackOptions extends CompositeOptions {
  /** How long one attempt may take, in milliseconds, so that a model that hangs leaves time for the next. */
  readonly attemptMs?: number
  /** Which faults are a reason to ask the next model; all but the caller's own mistakes unless stated. */
  readonly on?: readonly FaultCode[]
}

/** Asks the models in order and gives the first answer. Who failed and why is a warning of the reply. */
export function fallback<In, Out>(
  models: readonly [Model<In, Out>, ...Model<In, Out>[]],
  options: FallbackOptions = {},
): Model<In, Out> {
  refuseEffects('fallback', models)
  const { attemptMs, on } = options
  const last = models[models.length - 1]
  const next = (fault: Fault) => (on === undefined ? !isCallersOwn(fault) : on.includes(fault.code))
  return composite('fallback', models, options, async (context) => {
    const reasons: string[] = []
    for (const model of models) {
      try {
        // The last one gets all the time that is left.
        const bound = attemptMs === undefined || model === last ? {} : { deadlineMs: attemptMs }
        return passOn(await context.invoke(model, context.statedInput as In, bound), 'fallback', reasons)
      } catch (thrown) {
        const fault = Fault.from(thrown)
        if (model === last || !next(fault)) throw fault
        reasons.push(`${model.descriptor.id} failed with ${fault.code}: ${fault.message}`)
      }
    }
    throw new TypeError('fallback: the last model always ends it')
  })
}
