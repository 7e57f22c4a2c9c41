import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  type Boundary,
  type ChatCard,
  canonicalJson,
  compareDescriptors,
  type Descriptor,
  decodeFrames,
  defineChatModel,
  defineModel,
  descriptorDigest,
  encodeFrame,
  Fault,
  type Final,
  type Frame,
  guard,
  inProcessTransport,
  invoke,
  type JournalEntry,
  type JournalHead,
  type Model,
  memoryJournal,
  parseDescriptor,
  parseJson,
  readFault,
  serve,
  type Tensor,
  verifyJournal,
} from '@dinrail/core'
import { jsonSchema } from '@dinrail/core/json-schema'
import { verifyDescriptor } from '@dinrail/core/signature'
import { describe, expect, it } from 'vitest'
import { commensurable, conversion, convert, parseUnit } from '../packages/core/src/units.ts'
import { projectRoot } from './run-script.ts'

interface Vector {
  readonly clause: string
  readonly title: string
}
const folder = path.join(projectRoot, 'spec/vectors')
const vectorsOf = <V>(file: string) =>
  (JSON.parse(readFileSync(path.join(folder, `${file}.json`), 'utf8')) as { vectors: (V & Vector)[] }).vectors

/** Runs a test for each vector of a file, named by its clause. */
const each = <V>(file: string, test: (vector: V & Vector) => unknown) =>
  it.each(vectorsOf<V>(file).map((vector) => [vector.clause, vector.title, vector] as const))(
    `${file} %s: %s`,
    async (_clause, _title, vector) => {
      await test(vector)
    },
  )

const codeOf = (problem: unknown) => Fault.from(problem).code
const refusalOf = (action: () => unknown): string => {
  try {
    action()
  } catch (problem) {
    return problem instanceof Fault ? problem.code : 'invalid-input'
  }
  return 'accepted'
}

/** What JSON cannot say is written as an object with one member that begins with `$`. */
function real(written: unknown): unknown {
  if (typeof written !== 'object' || written === null) return written
  if (Array.isArray(written)) return written.map(real)
  const [[name, about] = ['', undefined]] = Object.entries(written) as [string, unknown][]
  switch (name) {
    case '$number':
      return Number(about)
    case '$time':
      return new Date(Date.now() + Number(about)).toISOString()
    case '$deadline':
      return Date.now() + Number(about)
    case '$repeat':
      return Array.from({ length: (about as [number, unknown])[0] }, () => (about as [number, unknown])[1])
    case '$nested':
      return Array.from({ length: Number(about) }).reduce((inner) => [inner], 1 as unknown)
    case '$members':
      return Object.fromEntries(about as [string, unknown][])
    case '$tensor':
      return tensorOf(about as WrittenTensor)
    default:
      return Object.fromEntries(Object.entries(written).map(([key, member]) => [key, real(member)]))
  }
}

interface WrittenTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly values: readonly (number | string)[]
}
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const
function tensorOf({ dtype, shape, values }: WrittenTensor): Tensor {
  const data =
    dtype === 'int64'
      ? BigInt64Array.from(values.map(BigInt))
      : new arrays[dtype as keyof typeof arrays](values.map(Number))
  return { dtype, shape, data } as Tensor
}

const about = { id: 'spec/vector', version: '1.0.0', title: 'Vector', task: 'process-analysis' }
const bounds = { deadlineMs: 5_000, caller: { id: 'tester' } }

/** A model whose input has one member `v` of this schema, and which remembers what it was given. */
function taking(property: object, more: Partial<Descriptor> = {}, required = true) {
  const seen: { value?: unknown } = {}
  const model = defineModel({
    ...about,
    ...more,
    input: jsonSchema({ type: 'object', properties: { v: property }, ...(required && { required: ['v'] }) }),
    output: jsonSchema({ type: 'object' }),
    run: (input) => {
      seen.value = (input as { v: unknown }).v
      return { output: {} }
    },
  }) as Model<object>
  return { model, seen }
}

describe('the vectors of the specification', () => {
  it('are all used here', () => {
    const source = readFileSync(path.join(projectRoot, 'tests/spec-vectors.test.ts'), 'utf8')
    for (const file of readdirSync(folder)) expect(source).toContain(`'${file.replace('.json', '')}'`)
  })

  each<{ descriptor: Descriptor; canonical: string; digest: string }>('descriptors.valid', async (vector) => {
    expect(parseDescriptor(JSON.stringify(vector.descriptor))).toEqual(vector.descriptor)
    expect(canonicalJson(vector.descriptor)).toBe(vector.canonical)
    expect(await descriptorDigest(vector.descriptor)).toBe(vector.digest)
  })
  each<{ descriptor: unknown }>('descriptors.invalid', ({ descriptor }) => {
    expect(refusalOf(() => parseDescriptor(JSON.stringify(descriptor)))).toBe('invalid-input')
  })
  each<{ before: Descriptor; after: Descriptor; verdict: string; fields: string[] }>('comparisons.valid', (vector) => {
    const { verdict, changes } = compareDescriptors(vector.before, vector.after)
    expect({ verdict, fields: changes.map(({ field }) => field) }).toEqual({
      verdict: vector.verdict,
      fields: vector.fields,
    })
  })
  interface SignatureVector {
    readonly descriptor: Descriptor
    readonly signature: string
    readonly keys: Parameters<typeof verifyDescriptor>[2]
  }
  each<SignatureVector & { signer: string }>('signatures.valid', async ({ descriptor, signature, keys, signer }) => {
    expect(await verifyDescriptor(descriptor, signature, keys)).toBe(signer)
  })
  each<SignatureVector>('signatures.invalid', async ({ descriptor, signature, keys }) => {
    expect(codeOf(await verifyDescriptor(descriptor, signature, keys).catch(Fault.from))).toBe('denied')
  })
  each<{ text: string; canonical: string }>('json.valid', ({ text, canonical }) => {
    expect(canonicalJson(parseJson(text))).toBe(canonical)
  })
  each<{ text: string | { repeat: [number, string, string] } }>('json.invalid', ({ text }) => {
    const whole =
      typeof text === 'string' ? text : text.repeat[1].repeat(text.repeat[0]) + text.repeat[2].repeat(text.repeat[0])
    expect(refusalOf(() => parseJson(whole))).toBe('invalid-input')
  })

  interface ValueVector {
    readonly property: object
    readonly value: unknown
    readonly before?: unknown
    readonly waitMs?: number
  }
  const asked = async (model: Model<object>, { value, before, waitMs }: ValueVector) => {
    if (before !== undefined) await invoke(model, { v: real(before) }, bounds)
    if (waitMs !== undefined) await new Promise((resolve) => setTimeout(resolve, waitMs))
    const isAbsent = typeof value === 'object' && value !== null && '$absent' in value
    return invoke(model, isAbsent ? {} : { v: real(value) }, bounds)
  }
  each<ValueVector & { received: unknown; quality?: string; warnings?: string[] }>('values.valid', async (vector) => {
    const { model, seen } = taking(vector.property)
    const reply = await asked(model, vector)
    // −0 may be passed on as it is: it equals 0.
    expect(Object.is(seen.value, -0) ? 0 : seen.value).toEqual(real(vector.received))
    expect(reply.quality).toBe(vector.quality ?? 'good')
    expect(reply.warnings.map(({ code }) => code)).toEqual(vector.warnings ?? [])
  })
  each<ValueVector & { code: string; field?: string | null }>('values.invalid', async (vector) => {
    const fault = await asked(taking(vector.property).model, vector).catch(Fault.from)
    expect(fault).toMatchObject({
      code: vector.code,
      ...(vector.field !== null && { field: vector.field ?? '/input/v' }),
    })
  })

  interface TensorVector {
    readonly property: object
    readonly tensor: WrittenTensor
    readonly unit?: string
  }
  const stated = ({ tensor: written, unit }: TensorVector) => {
    const value = tensorOf(written)
    return { v: unit === undefined ? value : { value, unit } }
  }
  each<TensorVector & { received?: number[] }>('tensors.valid', async (vector) => {
    const { model, seen } = taking(vector.property)
    await invoke(model, stated(vector), bounds)
    expect(Array.from((seen.value as Tensor).data as Float32Array, String)).toEqual(
      (vector.received ?? vector.tensor.values).map(String),
    )
  })
  each<TensorVector & { code: string }>('tensors.invalid', async (vector) => {
    const fault = await invoke(taking(vector.property).model, stated(vector), bounds).catch(Fault.from)
    expect(fault).toMatchObject({ code: vector.code })
  })

  interface UnitVector {
    readonly from: string
    readonly to: string
  }
  each<UnitVector & { value: number; result: number; quantity?: string }>('units.valid', (vector) => {
    const kind = vector.quantity === 'temperature-difference' ? 'difference' : undefined
    const converted = convert(vector.value, conversion(parseUnit(vector.from), parseUnit(vector.to), kind))
    expect(Math.abs(converted - vector.result)).toBeLessThanOrEqual(Math.abs(vector.result) * 1e-12)
  })
  each<UnitVector>('units.invalid', async ({ from, to }) => {
    const known = (() => {
      try {
        return commensurable(parseUnit(from), parseUnit(to))
      } catch {
        return false
      }
    })()
    expect(known).toBe(false)
    const { model } = taking({ type: 'number', unit: to })
    expect(codeOf(await invoke(model, { v: { value: 1, unit: from } }, bounds).catch(Fault.from))).toBe('unit-mismatch')
  })

  interface LimitVector {
    readonly limits: object
    readonly value: number
    readonly effect?: 'none' | 'record'
    readonly outsideTraining?: 'refuse' | 'uncertain'
  }
  const limited = ({ limits, value, effect = 'none', outsideTraining = 'refuse' }: LimitVector) =>
    invoke(taking({ type: 'number', limits }, { effect, outsideTraining }).model, { v: value }, bounds)
  each<LimitVector & { quality?: string; warnings?: string[] }>('limits.valid', async (vector) => {
    const reply = await limited(vector)
    expect(reply.quality).toBe(vector.quality ?? 'good')
    expect(reply.warnings.map(({ code }) => code)).toEqual(vector.warnings ?? [])
  })
  each<LimitVector & { code: string }>('limits.invalid', async (vector) => {
    expect(codeOf(await limited(vector).catch(Fault.from))).toBe(vector.code)
  })

  each<{ hex: string; frame: Frame }>('frames.valid', ({ hex, frame }) => {
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
    expect([...decodeFrames(bytes)]).toEqual([real(frame)])
    expect(Buffer.from(encodeFrame(real(frame) as Frame)).toString('hex')).toBe(hex)
    for (let cut = 1; cut < bytes.length; cut++)
      expect(
        refusalOf(() => [...decodeFrames(bytes.subarray(0, cut))]),
        `cut at ${cut}`,
      ).toBe('invalid-input')
  })
  each<{ hex: string; code: string }>('frames.invalid', ({ hex, code }) => {
    expect(refusalOf(() => [...decodeFrames(new Uint8Array(Buffer.from(hex, 'hex')))])).toBe(code)
  })

  each<{ record: object; code?: string; retryable?: boolean }>('faults.valid', ({ record, code, retryable }) => {
    const fault = readFault(record)
    const { origin: _, ...kept } = record as { origin?: string }
    expect(fault.toJSON()).toMatchObject({ ...kept, origin: 'remote', ...(code && { code }) })
    if (retryable !== undefined) expect(fault.retryable).toBe(retryable)
  })

  interface GuardVector {
    readonly boundary: {
      readonly authority: Boundary<unknown>['authority']
      readonly allow: Boundary<unknown>['allow']
      readonly interlocks?: Readonly<Record<string, unknown>>
      readonly rate?: { readonly current: number | string; readonly atMost: number; readonly withinMs: number }
      readonly approvals?: readonly { granted: boolean; approver: string; afterMs?: number }[]
      readonly people?: number
      readonly validMs?: number
      readonly write?: 'fails'
      readonly readBack?: boolean
    }
    readonly calls: readonly { caller: { id: string }; to: unknown; key?: string; ends: string }[]
    readonly journal: readonly string[]
  }
  async function guarded({ boundary, calls, journal: expected }: GuardVector) {
    const journal = memoryJournal()
    const { interlocks = {}, rate, people = 1, validMs = 1_000 } = boundary
    const approvals = [...(boundary.approvals ?? [])]
    const mover = defineModel({
      ...about,
      effect: 'actuate',
      input: jsonSchema({
        type: 'object',
        properties: {
          to: {
            type: 'number',
            unit: 'mm',
            limits: { physical: { min: 0, max: 100 }, operating: { min: 10, max: 90 } },
          },
        },
        required: ['to'],
      }),
      output: jsonSchema({ type: 'object' }),
      run: () => {
        if (boundary.write === 'fails') throw new Error('the drive does not answer')
        return { output: {} }
      },
    }) as Model<{ to: number }>
    const model = guard(mover, {
      authority: boundary.authority,
      allow: boundary.allow,
      interlocks: Object.entries(interlocks).map(([name, holds]) => ({
        name,
        holds: () => {
          if (holds === 'fails') throw new Error('not readable')
          return holds as boolean
        },
      })),
      ...(rate && {
        rates: [
          {
            name: 'position',
            unit: 'mm',
            target: ({ to }: { to: number }) => to,
            current: () => Number(rate.current),
            ...{ atMost: rate.atMost, withinMs: rate.withinMs },
          },
        ],
      }),
      ...(boundary.approvals && {
        approval: {
          people: () => people,
          validMs,
          async ask() {
            const { afterMs = 0, ...decision } = approvals.shift()!
            await new Promise((resolve) => setTimeout(resolve, afterMs))
            return decision
          },
        },
      }),
      readBack: () => boundary.readBack ?? true,
      journal,
    })
    for (const { caller, to, key, ends } of calls) {
      const options = { ...bounds, caller, ...(key && { idempotencyKey: key }) }
      const end = await invoke(model, { to: to as number }, options).then(() => 'done', codeOf)
      expect(end).toBe(ends)
    }
    const kinds: string[] = []
    for await (const { kind } of journal.entries()) kinds.push(kind)
    expect(kinds).toEqual(expected)
  }
  each<GuardVector>('guard.valid', guarded)
  each<GuardVector>('guard.invalid', guarded)

  each<{ entries: JournalEntry[]; head: JournalHead }>('journal.valid', async ({ entries, head }) => {
    expect(await verifyJournal(entries, head)).toMatchObject({ ok: true, ...head })
  })
  each<{ entries: JournalEntry[]; head?: JournalHead }>('journal.invalid', async ({ entries, head }) => {
    expect((await verifyJournal(entries, head)).ok).toBe(false)
  })

  interface MessageVector {
    readonly effect: 'none' | 'record'
    readonly streams?: false
    readonly exchange: readonly { readonly send: object; readonly receive: readonly object[] }[]
  }
  async function exchanged({ effect, streams, exchange }: MessageVector) {
    let run = 0
    const answer = (x: number) => ({ output: { y: 2 * x, run: ++run } })
    const model = defineModel({
      ...about,
      id: 'spec/double',
      effect,
      input: jsonSchema({ type: 'object', properties: { x: { type: 'number' } }, required: ['x'] }),
      output: jsonSchema({ type: 'object' }),
      run: ({ x }) => answer(x),
      ...(streams !== false && {
        async *stream({ x }: { x: number }): AsyncIterable<number | Final<object>> {
          for (const part of [0, 1, 2]) yield part
          yield { final: true, ...answer(x) }
        },
      }),
    })
    const transport = inProcessTransport()
    const { address } = await serve(model, transport)
    const digest = await descriptorDigest(model.descriptor)
    const received: Frame[] = []
    let arrived = () => {}
    await transport.listen('replies/vector', (bytes) => {
      received.push(...decodeFrames(bytes))
      arrived()
    })
    const expected: object[] = []
    for (const { send, receive } of exchange) {
      const { digest: planned, ...rest } = real(send) as { digest?: unknown }
      const frame = {
        ...rest,
        ...(planned !== undefined && { digest: typeof planned === 'string' ? planned : digest }),
      }
      await transport.send(address, encodeFrame(frame as Frame), 1_000)
      expected.push(...receive)
      while (received.length < expected.length)
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
    }
    // Whatever comes beyond what is expected comes now.
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(received).toMatchObject(expected)
    expect(received).toHaveLength(expected.length)
  }
  each<MessageVector>('messages.valid', exchanged)
  each<MessageVector>('messages.invalid', exchanged)

  type ChatVector = Partial<ChatCard> & { input: never; answer?: string; structured?: object; code?: string }
  const chat = ({ answer = 'hello', ...card }: ChatVector) =>
    defineChatModel({
      id: 'spec/chat',
      version: '1.0.0',
      title: 'Chat',
      chat: {
        tools: card.tools ?? true,
        structuredOutput: card.structuredOutput ?? 'native',
        modalities: card.modalities ?? ['text', 'image', 'document'],
      },
      run: async () => ({
        output: { content: [{ kind: 'text', text: answer }], finishReason: 'stop', answeredBy: 'spec', tokens: {} },
      }),
    })
  each<ChatVector>('chat.valid', async (vector) => {
    expect((await invoke(chat(vector), vector.input, bounds)).output.structured).toEqual(vector.structured)
  })
  each<ChatVector>('chat.invalid', async (vector) => {
    expect(codeOf(await invoke(chat(vector), vector.input, bounds).catch(Fault.from))).toBe(
      vector.code ?? 'invalid-input',
    )
  })
})
