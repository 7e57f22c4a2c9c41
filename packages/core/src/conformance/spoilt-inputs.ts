import type { Descriptor } from '../descriptor.ts'
import { arrayOf, isTensor, type Tensor } from '../tensor.ts'
import { commensurable, conversion, convert, parseUnit } from '../units.ts'
import { compileVocabulary, type Range, type Rule } from '../vocabulary.ts'

type Path = readonly (string | number)[]

/** A measured value of the input and what the contract says of it. */
interface Leaf {
  readonly path: Path
  readonly rule: Rule
  readonly value: unknown
}

/** An input that a model answers, spoilt in one way at a time. Each member lists the variants; none where nothing applies. */
export interface SpoiltInputs {
  readonly withoutRequired: readonly unknown[]
  readonly notFinite: readonly unknown[]
  readonly textForNumber: readonly unknown[]
  readonly foreignUnit: readonly unknown[]
  readonly otherForm: readonly unknown[]
  readonly beyondPhysical: readonly unknown[]
  readonly beyondOperating: readonly unknown[]
  readonly beyondTraining: readonly unknown[]
  readonly stale: readonly unknown[]
  readonly future: readonly unknown[]
  readonly bad: readonly unknown[]
  /** Right, though stated otherwise. */
  readonly uncertain: readonly unknown[]
  readonly otherUnit: readonly unknown[]
}

export function spoiltInputs(descriptor: Descriptor, input: unknown): SpoiltInputs {
  const leaves = leavesOf(compileVocabulary(descriptor.input), input)
  const numeric = leaves.filter(({ value }) => typeof value === 'number' || isFloatTensor(value))
  const plain = leaves.filter(({ value }) => typeof value === 'number')
  const withUnit = numeric.filter(({ rule }) => rule.unit !== undefined)
  const tensors = leaves.filter(({ rule }) => rule.tensor !== undefined)
  const aged = leaves.filter(({ rule }) => rule.maxAge !== undefined)
  const sampled = leaves.filter(({ rule }) => rule.maxAge === undefined && rule.missing === undefined)
  const put = ({ path }: Leaf, value: unknown) => replaced(input, path, value)
  const beyond = (kind: 'physical' | 'operating' | 'training') =>
    numeric.flatMap((leaf) => {
      const limits = leaf.rule.limits ?? {}
      // What breaks a wider limit is refused for that, so the value has to stay within it.
      const wider =
        kind === 'physical' ? [] : kind === 'operating' ? [limits.physical] : [limits.physical, limits.operating]
      return outside(limits[kind])
        .filter((value) => wider.every((range) => within(range, value)))
        .map((value) => put(leaf, fresh(leaf, spoilt(leaf.value, value))))
    })
  return {
    withoutRequired: requiredMembers(descriptor.input, input).map((key) => without(input, key)),
    notFinite: numeric.flatMap((leaf) =>
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) =>
        put(leaf, fresh(leaf, spoilt(leaf.value, value))),
      ),
    ),
    textForNumber: plain.map((leaf) => put(leaf, fresh(leaf, String(leaf.value)))),
    foreignUnit: withUnit.map((leaf) => put(leaf, { ...sampleOf(leaf), unit: foreignUnit(leaf.rule) })),
    otherForm: tensors.flatMap((leaf) => otherForms(leaf.value as Tensor).map((value) => put(leaf, value))),
    beyondPhysical: beyond('physical'),
    beyondOperating: beyond('operating'),
    beyondTraining: beyond('training'),
    stale: aged.map((leaf) => put(leaf, { ...sampleOf(leaf), sourceTime: ago(leaf.rule.maxAge! * 2 + 1_000) })),
    future: aged.map((leaf) => put(leaf, { ...sampleOf(leaf), sourceTime: ago(-leaf.rule.maxAge! * 2 - 60_000) })),
    bad: leaves
      .filter(({ rule }) => rule.missing === undefined)
      .map((leaf) => put(leaf, { ...sampleOf(leaf), quality: 'bad' })),
    uncertain: sampled.map((leaf) => put(leaf, { ...sampleOf(leaf), quality: 'uncertain' })),
    otherUnit: withUnit
      .filter(({ value, rule }) => typeof value === 'number' && rule.unit !== undefined)
      .map((leaf) => put(leaf, { ...sampleOf(leaf), ...inOtherUnit(leaf) })),
  }
}

/**
 * The input with fresh samples where its contract states an age, so that they are accepted. A copy each time: a model that changes what
 * it is given must not spoil the checks that follow.
 */
export function freshInput<In>(descriptor: Descriptor, input: In): In {
  let result: unknown = structuredClone(input)
  for (const leaf of leavesOf(compileVocabulary(descriptor.input), input))
    if (leaf.rule.maxAge !== undefined) result = replaced(result, leaf.path, sampleOf(leaf))
  return result as In
}

function sampleOf({ rule, value }: Leaf): { readonly value: unknown; readonly sourceTime?: string } {
  const bare = typeof value === 'object' && value !== null && 'value' in value ? value.value : value
  return { value: bare, ...(rule.maxAge !== undefined && { sourceTime: ago(0) }) }
}

/** A spoilt value must be refused for what is spoilt, and not for its age. */
function fresh({ rule }: Leaf, value: unknown): unknown {
  return rule.maxAge === undefined ? value : { value, sourceTime: ago(0) }
}

function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toISOString()
}

function leavesOf(rule: Rule, value: unknown, path: Path = []): Leaf[] {
  if (rule.leaf) return value === undefined || value === null ? [] : [{ path, rule, value: bareOf(value) }]
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

function bareOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}

function requiredMembers(schema: { readonly [keyword: string]: unknown }, input: unknown): string[] {
  if (typeof input !== 'object' || input === null || !Array.isArray(schema.required)) return []
  const filledIn = (key: string) => {
    const { missing, default: standIn } =
      (schema.properties as Record<string, { missing?: string; default?: unknown }>)[key] ?? {}
    return standIn !== undefined || (missing !== undefined && missing !== 'reject')
  }
  return schema.required.filter(
    (key): key is string => typeof key === 'string' && Object.hasOwn(input, key) && !filledIn(key),
  )
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

/** Another element type, one axis more, and no tensor at all: none is what the contract asks for. */
function otherForms({ dtype, shape, data }: Tensor): unknown[] {
  const other = dtype === 'uint8' ? 'int8' : 'uint8'
  return [
    { dtype: other, shape, data: new arrayOf[other](data.length) } as Tensor,
    { dtype, shape: [...shape, 1], data } as Tensor,
    0,
    '0',
  ]
}

function outside(range: Range | undefined): number[] {
  const { min, max } = range ?? {}
  return [
    ...(max === undefined ? [] : [max + Math.abs(max) * 1e-3 + 1e-3, max + Math.abs(max) + 1]),
    ...(min === undefined ? [] : [min - Math.abs(min) * 1e-3 - 1e-3, min - Math.abs(min) - 1]),
  ]
}

function within(range: Range | undefined, value: number): boolean {
  return value >= (range?.min ?? Number.NEGATIVE_INFINITY) && value <= (range?.max ?? Number.POSITIVE_INFINITY)
}

/** Luminous intensity or, where that is what is asked for, amount of substance. */
function foreignUnit({ unit }: Rule): string {
  return commensurable(unit!, parseUnit('cd')) ? 'mol' : 'cd'
}

/** The same quantity in a unit a thousand times as large; temperatures in kelvin. */
function inOtherUnit({ rule, value }: Leaf): { readonly value: number; readonly unit: string } {
  const { code, offset } = rule.unit!
  const unit = offset === undefined ? `10*3.${code}` : 'K'
  const by = conversion(rule.unit!, parseUnit(unit), rule.difference && 'difference')
  return { value: convert(value as number, by), unit }
}
