import { compareDescriptors, Fault, type Model } from '@dinrail/core'
import type { OnnxModel } from './definition.ts'

/** A model whose implementation can be exchanged while it is called. */
export interface SwappableModel<In, Out> extends Model<In, Out, never> {
  /**
   * Lets all later calls go to `next`, and disposes of the one before once its calls have ended, which is when it settles.
   * Throws `contract-changed` where `next` would break what callers were promised, and `unavailable` once the door or `next` is
   * disposed; then nothing has changed, and `next` is still its owner's.
   */
  swap(next: Model<In, Out, never>): Promise<void>
}

/**
 * Puts a model behind a door at which it can be exchanged. The descriptor stays that of the model which answers; where it is
 * served, calls end in `contract-changed` from then on, until whoever serves it serves it again and so announces the new one.
 */
export function swappable<In, Out>(first: Model<In, Out, never>): SwappableModel<In, Out> {
  let current = openDoor(first)
  const leaving = new Set<Promise<void>>()
  /** Each is disposed of once its calls have ended, whatever it says of itself until then. */
  const exchanged = new WeakSet<object>()
  let disposal: Promise<unknown> | undefined
  const disposed = () => new Fault('unavailable', `${current.model.descriptor.id} was disposed`, { retryable: false })

  return {
    get descriptor() {
      return current.model.descriptor
    },
    // The model that answers checks the input itself, so that no exchange comes between check and run.
    inputChecks: 'where-it-runs',
    async run(input, context) {
      if (disposal !== undefined) throw disposed()
      return current.pass(async (model) => {
        const { usage: _, elapsedMs: __, ...answered } = await context.invoke(model, input)
        return answered
      })
    },
    async swap(next) {
      if (disposal !== undefined) throw disposed()
      if (next === current.model) return
      const { changes, verdict } = compareDescriptors(current.model.descriptor, next.descriptor)
      const broken = changes.find((change) => change.verdict === 'breaking')
      if (verdict === 'breaking')
        throw new Fault(
          'contract-changed',
          `${next.descriptor.id} ${next.descriptor.version} cannot take over: ${broken?.message}`,
          { details: { changes } },
        )
      // The version before a swap, for one, is disposed: whoever rolls back has to load it again.
      const { state = 'ready' } = (next as Partial<OnnxModel<In, Out>>).health?.() ?? {}
      if (state !== 'ready' || exchanged.has(next))
        throw new Fault(
          'unavailable',
          `${next.descriptor.id} ${next.descriptor.version} is ${state === 'ready' ? 'leaving' : state}: load it again`,
          { retryable: false },
        )
      exchanged.add(current.model)
      const drained = current.close()
      current = openDoor(next)
      leaving.add(drained)
      await drained.finally(() => leaving.delete(drained))
    },
    async dispose() {
      disposal ??= Promise.all([current.close(), ...leaving])
      await disposal
    },
  }
}

/** Counts who is inside. */
function openDoor<In, Out>(model: Model<In, Out, never>) {
  let inside = 0
  let left: (() => void) | undefined
  let closing: Promise<void> | undefined
  return {
    model,
    async pass<T>(work: (model: Model<In, Out, never>) => Promise<T>): Promise<T> {
      inside += 1
      try {
        return await work(model)
      } finally {
        inside -= 1
        if (inside === 0) left?.()
      }
    },
    close(): Promise<void> {
      closing ??= (async () => {
        if (inside > 0)
          await new Promise<void>((resolve) => {
            left = resolve
          })
        await model.dispose?.()
      })()
      return closing
    },
  }
}
