import { descriptorProblem } from '../descriptor.ts'
import { canonicalJson } from '../digest.ts'
import { Fault, type FaultCode } from '../fault.ts'
import { invoke } from '../invoke.ts'
import type { Model } from '../model.ts'
import { isTensor, type Tensor } from '../tensor.ts'
import { commensurable, parseUnit } from '../units.ts'
import { compileVocabulary, type Rule } from '../vocabulary.ts'
import type { Check } from './report.ts'

export interface ModelUnderTest<In> {
  /** Makes a fresh model for each check. */
  readonly create: () => Model<In, unknown, unknown> | Promise<Model<In, unknown, unknown>>
  /** An input that the model answers. */
  readonly input: In
  /** How long one answer may take, in milliseconds; 5,000 unless stated. */
  readonly deadlineMs?: number
}

type Path = readonly (string | number)[]

/** What every model promises. Skips only by what the descriptor declares. */
export async function modelChecks<In>(subject: ModelUnderTest<In>): Promise<Check[]> {
  const { create, input, deadlineMs = 5_000 } = subject
  const { descriptor } = await withModel(create, async (model) => model)
  const measured = leavesOf(compileVocabulary(descriptor.input), input)
  const numeric = measured.filter(({ value }) => typeof value === 'number' || isFloatTensor(value))
  const withUnit = measured.filter(({ rule }) => rule.unit !== undefined)
  const withPhysical = numeric.filter(({ rule }) => rule.limits?.physical?.max !== undefined)
  const required = requiredMembers(descriptor.input, input)

  const refuses = (variants: readonly unknown[], code: FaultCode) =>
    withModel(create, async (model) => {
      for (const variant of variants) await expectFault(invoke(model, variant as In, { deadlineMs }), code)
    })

  return [
    {
      id: 'descriptor-form',
      clause: '2.1',
      title: 'the descriptor has every required member in its form',
      async run() {
        const problem = descriptorProblem(descriptor)
        if (problem !== undefined) throw new Error(problem)
      },
    },
    {
      id: 'descriptor-json',
      clause: '2.2',
      title: 'the descriptor is plain JSON and survives a round trip',
      async run() {
        const text = canonicalJson(descriptor)
        if (canonicalJson(JSON.parse(text)) !== text) throw new Error('its canonical form changes in a round trip')
      },
    },
    {
      id: 'answers',
      clause: '5.1',
      title: 'a valid input is answered within the contract',
      run: () => withModel(create, async (model) => void (await invoke(model, input as never, { deadlineMs }))),
    },
    {
      id: 'input-untouched',
      clause: '5.2',
      title: 'the caller’s input is never changed',
      run: () =>
        withModel(create, async (model) => {
          const before = snapshot(input)
          await invoke(model, input as never, { deadlineMs }).catch(() => {})
          if (snapshot(input) !== before) throw new Error('the input was changed by the call')
        }),
    },
    {
      id: 'missing-refused',
      clause: '4.1',
      title: 'a missing required member is invalid-input',
      ...(required.length === 0 && { skip: 'the input schema requires no member' }),
      run: () =>
        refuses(
          required.map((key) => without(input, key)),
          'invalid-input',
        ),
    },
    {
      id: 'non-finite-refused',
      clause: '4.2',
      title: 'NaN and infinities are invalid-input wherever a number stands',
      ...(numeric.length === 0 && { skip: 'the input has no number' }),
      run: () =>
        refuses(
          numeric.flatMap(({ path, value }) =>
            [Number.NaN, Number.POSITIVE_INFINITY].map((bad) => replaced(input, path, spoilt(value, bad))),
          ),
          'invalid-input',
        ),
    },
    {
      id: 'unit-refused',
      clause: '4.3',
      title: 'a unit that cannot be converted is unit-mismatch',
      ...(withUnit.length === 0 && { skip: 'the input states no unit' }),
      run: () =>
        refuses(
          withUnit.map(({ path, rule, value }) => replaced(input, path, { value, unit: foreignUnit(rule) })),
          'unit-mismatch',
        ),
    },
    {
      id: 'physical-refused',
      clause: '4.4',
      title: 'what breaks physical limits is invalid-input',
      ...(withPhysical.length === 0 && { skip: 'the input states no physical maximum' }),
      run: () =>
        refuses(
          withPhysical.map(({ path, rule, value }) =>
            replaced(input, path, spoilt(value, Math.abs(rule.limits!.physical!.max!) * 2 + 1)),
          ),
          'invalid-input',
        ),
    },
    {
      id: 'stream-declared',
      clause: '6.1',
      title: 'supports.stream and stream agree',
      run: () =>
        withModel(create, async (model) => {
          if ((model.descriptor.supports.stream === true) !== (model.stream !== undefined))
            throw new Error(model.stream ? 'stream is there, but not declared' : 'stream is declared, but not there')
        }),
    },
    {
      id: 'cancel-heeded',
      clause: '5.4',
      title: 'a call that is cancelled ends as cancelled',
      run: () =>
        withModel(create, async (model) => {
          const controller = new AbortController()
          controller.abort()
          await expectFault(invoke(model, input as never, { deadlineMs, signal: controller.signal }), 'cancelled')
        }),
    },
  ]
}

async function withModel<In, Result>(
  create: ModelUnderTest<In>['create'],
  use: (model: Model<In, unknown, unknown>) => Promise<Result>,
): Promise<Result> {
  const model = await create()
  try {
    return await use(model)
  } finally {
    await model.dispose?.()
  }
}

async function expectFault(call: Promise<unknown>, code: FaultCode): Promise<void> {
  const fault = await call.then(
    () => undefined,
    (thrown: unknown) => Fault.from(thrown),
  )
  if (fault === undefined) throw new Error(`was answered, should be refused with ${code}`)
  if (fault.code !== code) throw new Error(`was refused with ${fault.code} (${fault.message}), should be ${code}`)
}

interface Leaf {
  readonly path: Path
  readonly rule: Rule
  readonly value: unknown
}

function leavesOf(rule: Rule, value: unknown, path: Path = []): Leaf[] {
  if (rule.leaf) return value === undefined || value === null ? [] : [{ path, rule, value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const memberRule = Array.isArray(value)
      ? (rule.prefixItems?.[Number(key)] ?? rule.items)
      : (rule.properties?.get(key) ?? rule.additional)
    return memberRule === undefined
      ? []
      : leavesOf(memberRule, member, [...path, Array.isArray(value) ? Number(key) : key])
  })
}

function requiredMembers(schema: { readonly [keyword: string]: unknown }, input: unknown): string[] {
  if (typeof input !== 'object' || input === null || !Array.isArray(schema.required)) return []
  return schema.required.filter((key): key is string => typeof key === 'string' && Object.hasOwn(input, key))
}

function without(input: unknown, key: string): unknown {
  const { [key]: _, ...rest } = input as Record<string, unknown>
  return rest
}

function replaced(input: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  const copy = (Array.isArray(input) ? [...input] : { ...(input as object) }) as Record<string | number, unknown>
  copy[step] = replaced(copy[step], rest, value)
  return copy
}

function isFloatTensor(value: unknown): value is Tensor<'float32' | 'float64'> {
  return isTensor(value) && (value.dtype === 'float32' || value.dtype === 'float64') && value.data.length > 0
}

function spoilt(value: unknown, bad: number): unknown {
  if (!isFloatTensor(value)) return bad
  const data = value.data.slice()
  data[data.length - 1] = bad
  return { ...value, data }
}

/** Luminous intensity or, where that is what is asked for, amount of substance. */
function foreignUnit({ unit }: Rule): string {
  return commensurable(unit!, parseUnit('cd')) ? 'mol' : 'cd'
}

function snapshot(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    ArrayBuffer.isView(member) ? Array.from(member as Float32Array, String) : member,
  )
}
