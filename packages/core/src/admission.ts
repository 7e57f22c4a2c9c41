import { Fault } from './fault.ts'
import type { Model, RunContext } from './model.ts'

export interface LoadLimit {
  /** How many calls the model works on at the same time. */
  readonly atOnce: number
  /** How many more may wait; 0 unless stated. */
  readonly waiting?: number
}

interface Waiting {
  readonly priority: number
  enter(): void
  refuse(fault: Fault): void
}

/**
 * Bounds how many calls a model works on. Others wait, the highest priority first and equal ones in the order in which they
 * came; when nobody more can wait, the least urgent call ends in `overloaded`. A call that was given up keeps its place until its
 * work has really ended, since that is how long the model is busy.
 */
export function limitLoad<In, Out, Part>(model: Model<In, Out, Part>, limit: LoadLimit): Model<In, Out, Part> {
  const { atOnce, waiting: longest = 0 } = limit
  if (!(Number.isInteger(atOnce) && atOnce > 0 && Number.isInteger(longest) && longest >= 0))
    throw new TypeError(`limitLoad('${model.descriptor.id}'): atOnce is a whole number above 0, waiting one from 0 on`)
  const queue: Waiting[] = []
  let working = 0

  const leave = () => {
    const next = queue.shift()
    if (next === undefined) working -= 1
    else next.enter()
  }
  const overloaded = () =>
    new Fault(
      'overloaded',
      `${model.descriptor.id} works on ${atOnce} calls and ${longest} wait: try again later or with a higher priority`,
    )

  function enter({ priority, signal }: RunContext): void | Promise<void> {
    if (working < atOnce) {
      working += 1
      return
    }
    const last = queue.at(-1)
    if (queue.length >= longest) {
      if (last === undefined || last.priority >= priority) throw overloaded()
      queue.pop()
      last.refuse(overloaded())
    }
    return new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        const at = queue.indexOf(entry)
        if (at >= 0) queue.splice(at, 1)
        reject(signal.reason)
      }
      const entry: Waiting = {
        priority,
        enter() {
          signal.removeEventListener('abort', giveUp)
          resolve()
        },
        refuse(fault) {
          signal.removeEventListener('abort', giveUp)
          reject(fault)
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      const before = queue.findIndex((one) => one.priority < priority)
      queue.splice(before < 0 ? queue.length : before, 0, entry)
    })
  }

  return {
    ...model,
    // It may be a door behind which models are exchanged.
    get descriptor() {
      return model.descriptor
    },
    async admit(context) {
      const innerLeave = await model.admit?.(context)
      try {
        await enter(context)
      } catch (fault) {
        innerLeave?.()
        throw fault
      }
      return () => {
        innerLeave?.()
        leave()
      }
    },
  }
}
