import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineModel, type Fault, invoke, limitLoad } from './index.ts'

/** Answers only when told to. */
function slowModel() {
  const started: string[] = []
  const waiting = new Map<string, () => void>()
  const model = defineModel({
    id: 'acme/slow',
    version: '1.0.0',
    title: 'Slow',
    task: 'scheduling',
    input: z.object({ name: z.string() }),
    output: z.object({ name: z.string() }),
    run: async ({ name }) => {
      started.push(name)
      await new Promise<void>((resolve) => waiting.set(name, resolve))
      return { output: { name } }
    },
  })
  const finish = async (name: string) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    waiting.get(name)?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { model, started, finish }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (fault: Fault) => fault.code,
  )

describe('a limited load', () => {
  it('works on so many calls, lets so many wait, and refuses the rest as overloaded', async () => {
    const { model, started, finish } = slowModel()
    const limited = limitLoad(model, { atOnce: 2, waiting: 1 })
    const ends = ['a', 'b', 'c', 'd'].map((name) => codeOf(invoke(limited, { name }, { deadlineMs: 1_000 })))
    expect(await ends[3]).toBe('overloaded')
    expect(started).toEqual(['a', 'b'])
    await finish('a')
    expect(started).toEqual(['a', 'b', 'c'])
    await finish('b')
    await finish('c')
    expect(await Promise.all(ends)).toEqual(['ok', 'ok', 'ok', 'overloaded'])
  })

  it('serves the urgent first and equals in order; an urgent one takes the place of the least urgent', async () => {
    const { model, started, finish } = slowModel()
    const limited = limitLoad(model, { atOnce: 1, waiting: 3 })
    const call = (name: string, priority: number) => codeOf(invoke(limited, { name }, { deadlineMs: 1_000, priority }))
    const ends = [call('first', 5), call('later', 5), call('low', 1), call('also later', 5), call('alarm', 9)]
    expect(await ends[2]).toBe('overloaded')
    for (const name of ['first', 'alarm', 'later', 'also later']) await finish(name)
    expect(started).toEqual(['first', 'alarm', 'later', 'also later'])
    expect(await Promise.all(ends)).toEqual(['ok', 'ok', 'overloaded', 'ok', 'ok'])
  })

  it('lets whoever gives up leave the queue', async () => {
    const { model, started, finish } = slowModel()
    const limited = limitLoad(model, { atOnce: 1, waiting: 1 })
    const first = codeOf(invoke(limited, { name: 'first' }, { deadlineMs: 1_000 }))
    expect(await codeOf(invoke(limited, { name: 'impatient' }, { deadlineMs: 20 }))).toBe('deadline-exceeded')
    const next = codeOf(invoke(limited, { name: 'next' }, { deadlineMs: 1_000 }))
    await finish('first')
    await finish('next')
    expect([await first, await next]).toEqual(['ok', 'ok'])
    expect(started).toEqual(['first', 'next'])
  })

  it('counts a call that missed its deadline until its work has ended, since the model is busy so long', async () => {
    const { model, finish } = slowModel()
    const limited = limitLoad(model, { atOnce: 1 })
    expect(await codeOf(invoke(limited, { name: 'hung' }, { deadlineMs: 20 }))).toBe('deadline-exceeded')
    expect(await codeOf(invoke(limited, { name: 'next' }, { deadlineMs: 20 }))).toBe('overloaded')
    await finish('hung')
    const later = codeOf(invoke(limited, { name: 'later' }, { deadlineMs: 1_000 }))
    await finish('later')
    expect(await later).toBe('ok')
  })

  it('refuses a limit that makes no sense', () => {
    expect(() => limitLoad(slowModel().model, { atOnce: 0 })).toThrow(TypeError)
  })
})
