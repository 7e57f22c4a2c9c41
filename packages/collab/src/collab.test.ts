import { defineModel, Fault, type FaultCode, invoke, type Model } from '@dinrail/core'
import { jsonSchema } from '@dinrail/core/json-schema'
import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { cascade, fallback, pipe } from './index.ts'

const contract = { version: '1.0.0', title: 'Doubles', task: 'process-analysis' }
const schemas = { input: z.object({ n: z.number() }), output: z.object({ n: z.number() }) }
type Doubler = Model<{ n: number }, { n: number }>

const doubling = (name: string, confidence?: number, fault?: FaultCode): Doubler =>
  defineModel({
    ...contract,
    ...schemas,
    id: `lab/${name}`,
    run({ n }) {
      if (fault) throw new Fault(fault, `${name} is out`)
      return { output: { n: 2 * n }, ...(confidence !== undefined && { confidence }), spent: { inputTokens: 1 } }
    },
  })
const call = (model: Doubler, deadlineMs = 1_000) => invoke(model, { n: 21 }, { deadlineMs })

describe('cascade', () => {
  it('stops at the first that is sure', async () => {
    const { output, servedBy, usage } = await call(
      cascade([doubling('small', 0.95), doubling('large', 0.99)], { minimumConfidence: 0.9 }),
    )
    expect(output.n).toBe(42)
    expect(servedBy[0]?.id).toBe('lab/small')
    expect(usage.map(({ model }) => model.id)).not.toContain('lab/large')
  })

  it.each([
    ['is not sure', doubling('small', 0.3)],
    ['does not say how sure it is', doubling('small')],
    ['fails', doubling('small', 0.99, 'unavailable')],
  ])('asks the next when one %s, and says why', async (_, small) => {
    const { servedBy, warnings, usage } = await call(
      cascade([small, doubling('large', 0.5)], { minimumConfidence: 0.9 }),
    )
    expect(servedBy[0]?.id).toBe('lab/large')
    expect(warnings).toMatchObject([{ code: 'escalated', message: expect.stringContaining('lab/small') }])
    expect(usage).toHaveLength(3)
  })

  it('infers exactly over two schema libraries', () => {
    const byTypeBox = defineModel({
      ...contract,
      id: 'lab/box',
      input: jsonSchema(Type.Object({ n: Type.Number() })),
      output: jsonSchema(Type.Object({ n: Type.Number() })),
      run: ({ n }) => ({ output: { n } }),
    })
    expectTypeOf(cascade([doubling('small'), byTypeBox], { minimumConfidence: 0.9 })).toExtend<Doubler>()
    const input = z.object({ n: z.string() })
    const textual = defineModel({ ...contract, ...schemas, input, id: 'lab/x', run: () => ({ output: { n: 1 } }) })
    // @ts-expect-error another contract is no member
    cascade([doubling('small'), textual], { minimumConfidence: 1 })
  })
})

describe('fallback', () => {
  it('gives the first answer and says who failed', async () => {
    const { servedBy, warnings } = await call(fallback([doubling('first', 1, 'unavailable'), doubling('second', 1)]))
    expect(servedBy[0]?.id).toBe('lab/second')
    expect(warnings).toMatchObject([{ code: 'fallback', message: 'lab/first failed with unavailable: first is out' }])
  })

  const wrong = (name: string): Doubler =>
    defineModel({ ...contract, ...schemas, id: `lab/${name}`, run: ({ n }) => ({ output: { n: n + 1 } }) })
  const verify = ({ output }: { output: { n: number } }, { n }: { n: number }) =>
    output.n === 2 * n ? undefined : `${output.n} is not twice ${n}`

  it('never gives an answer that does not hold, asks the next and says so', async () => {
    const { output, servedBy, warnings, usage } = await call(fallback([wrong('first'), doubling('second')], { verify }))
    expect(output.n).toBe(42)
    expect(servedBy[0]?.id).toBe('lab/second')
    expect(warnings).toEqual([
      { code: 'answer-refused', message: 'lab/first gave an answer that does not hold: 22 is not twice 21' },
    ])
    expect(usage).toHaveLength(3)
  })

  it('says of an answer outside its contract that it was refused, not that there was none', async () => {
    const { warnings } = await call(fallback([doubling('first', 1, 'invalid-output'), doubling('second')]))
    expect(warnings.map(({ code }) => code)).toEqual(['answer-refused'])
  })

  it('faults where the last answer does not hold either', async () => {
    await expect(
      call(fallback([doubling('first', 1, 'unavailable'), wrong('second')], { verify })),
    ).rejects.toMatchObject({
      code: 'invalid-output',
      message: /22 is not twice 21/,
    })
  })

  it('does not hide the caller’s own mistake', async () => {
    await expect(call(fallback([doubling('first', 1, 'invalid-input'), doubling('second')]))).rejects.toMatchObject({
      code: 'invalid-input',
    })
  })

  it('leaves time for the next when one hangs', async () => {
    const hung = defineModel({ ...contract, ...schemas, id: 'lab/hung', run: () => new Promise<never>(() => {}) })
    expect((await call(fallback([hung, doubling('second')], { attemptMs: 20 }), 5_000)).output.n).toBe(42)
  })

  it('refuses members whose effect could happen twice', () => {
    const writer = defineModel({
      ...contract,
      ...schemas,
      id: 'lab/writer',
      effect: 'record',
      run: ({ n }) => ({ output: { n } }),
    })
    expect(() => fallback([writer, doubling('second')])).toThrow(/could happen twice/)
  })

  it('conserves what was spent, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), async (fails) => {
        const members = fails.map((fail, i) => doubling(`m${i}`, 1, fail ? 'unavailable' : undefined)) as [
          Doubler,
          ...Doubler[],
        ]
        const asked = fails.indexOf(false) === -1 ? fails.length : fails.indexOf(false) + 1
        const usage = await call(fallback(members)).then(
          (reply) => reply.usage,
          (fault: Fault) => fault.usage ?? [],
        )
        expect(usage.filter(({ model }) => model.id.startsWith('lab/'))).toHaveLength(asked)
      }),
    )
  })
})

describe('pipe', () => {
  it('hands the output on and multiplies confidences', async () => {
    const { output, confidence, servedBy } = await call(pipe(doubling('a', 0.9), doubling('b', 0.5)))
    expect(output.n).toBe(84)
    expect(confidence).toBeCloseTo(0.45)
    expect(servedBy.map(({ id }) => id)).toEqual(['lab/a', 'lab/b'])
  })
})
