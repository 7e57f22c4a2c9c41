import { Fault, type Model, type Reply, type Warning } from '@dinrail/core'
import { type CompositeOptions, composite, refuseEffects } from './composite.ts'
import { passOn } from './pass-on.ts'

export interface CascadeOptions extends CompositeOptions {
  /** In [0, 1]: a reply of at least this confidence and of good quality is taken. */
  readonly minimumConfidence: number
}

/**
 * Asks the models in order, from cheap to dear, and takes the first reply that is sure enough; the last one answers
 * whatever is left. A model that states no confidence is never sure. A fault of one is a reason to ask the next.
 */
export function cascade<In, Out>(
  models: readonly [Model<In, Out>, ...Model<In, Out>[]],
  options: CascadeOptions,
): Model<In, Out> {
  const { minimumConfidence } = options
  if (!(minimumConfidence >= 0 && minimumConfidence <= 1))
    throw new TypeError(`cascade: minimumConfidence ${minimumConfidence} is not in [0, 1]`)
  refuseEffects('cascade', models)
  const last = models[models.length - 1]
  return composite('cascade', models, options, async (context) => {
    const reasons: string[] = []
    for (const model of models) {
      const { id } = model.descriptor
      try {
        const reply = await context.invoke(model, context.statedInput as In)
        if (model === last || isSure(reply, minimumConfidence)) return passOn(reply, escalated(reasons))
        reasons.push(`${id} was not sure (confidence ${reply.confidence ?? 'unknown'}, quality ${reply.quality})`)
      } catch (thrown) {
        if (model === last) throw thrown
        reasons.push(`${id} failed: ${Fault.from(thrown).message}`)
      }
    }
    throw new TypeError('cascade: the last model always ends it')
  })
}

function escalated(reasons: readonly string[]): Warning[] {
  return reasons.length === 0 ? [] : [{ code: 'escalated', message: reasons.join('; ') }]
}

function isSure({ confidence, quality }: Reply<unknown>, minimum: number): boolean {
  return quality === 'good' && confidence !== undefined && confidence >= minimum
}
