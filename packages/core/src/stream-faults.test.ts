import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { defineModel, stream } from './index.ts'

const made = vi.hoisted(() => [] as string[])
vi.mock('./fault.ts', async (original) => {
  const real = await original<typeof import('./fault.ts')>()
  class Fault extends real.Fault {
    constructor(...about: ConstructorParameters<typeof real.Fault>) {
      super(...about)
      made.push(about[1])
    }
  }
  return { ...real, Fault }
})

const counter = defineModel({
  id: 'acme/counter',
  version: '1.0.0',
  title: 'Counter',
  task: 'process-analysis',
  input: z.object({ to: z.number() }),
  output: z.object({ sum: z.number() }),
  run: () => ({ output: { sum: 0 } }),
  async *stream({ to }) {
    for (let step = 0; step < to; step++) yield step
    yield { final: true, output: { sum: to } } as const
  },
})

it('a stream pays for a fault, whose stack is dear, only where it ends in one', async () => {
  const read = async (until: number) => {
    for await (const step of stream(counter, { to: 3 }, { deadlineMs: 1_000 })) if (step === until) break
  }
  await read(3)
  expect(made).toEqual([])
  await read(1)
  expect(made).toEqual(['the caller left the stream before its end'])
})
