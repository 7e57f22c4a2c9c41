import type { Findings } from './bounds.ts'
import { Fault, isFault } from './fault.ts'
import type { HeldValues } from './held-values.ts'
import { type Position, pointerTo, refuse, refuseDepth, roots, within } from './position.ts'
import { eachItem, hasItems, memberOf, membersOf } from './rule-members.ts'
import { isSample, type Sample } from './sample.ts'
import { isTensor, type Tensor } from './tensor.ts'
import { checkForm } from './tensor-checks.ts'
import { type Conversion, commensurable, conversion, convert, parseUnit } from './units.ts'
import type { Rule } from './vocabulary.ts'

/** The input while it is checked: samples are taken apart before the schema and judged for freshness after it. */
export interface Intake extends Findings {
  readonly now: number
  /** Where values are held for the caller; absent where the contract holds none. */
  held: HeldValues | undefined
  measured: Measured[] | undefined
}

interface Measured {
  readonly pointer: string
  readonly rule: Rule
  readonly quality: Sample<unknown>['quality']
  readonly sourceTime: unknown
  /** In the contract's unit. */
  readonly bare: unknown
}

/** Unwraps every sample, converts it to the contract's unit and fills in missing values. The input itself is never changed. */
export function unwrapSamples(rule: Rule, input: unknown, intake: Intake): unknown {
  try {
    return unwrap(rule, input, roots.input, intake)
  } catch (thrown) {
    // A getter or a proxy of the caller may throw anything.
    throw isFault(thrown) ? thrown : refuse('invalid-input', roots.input, `cannot be read: ${String(thrown)}`)
  }
}

function unwrap(rule: Rule, value: unknown, position: Position, intake: Intake): unknown {
  if (rule.leaf) return unwrapLeaf(rule, value, position, intake)
  if (typeof value !== 'object' || value === null) return value
  refuseDepth('invalid-input', position)
  // As a key it would reach the prototype of whatever copies the value.
  if (Object.hasOwn(value, '__proto__')) throw refuse('invalid-input', position, 'holds __proto__')
  let copy: Members | undefined
  const members = membersOf(rule)
  for (let i = 0; i < members.length; i++) {
    const { key, rule: memberRule } = members[i]!
    const member = memberOf(value, key)
    // A bare number or text has nothing to take apart.
    if (typeof member === 'object' || memberRule.needsVisit)
      copy = withMember(copy, value, member, memberRule, within(position, key), intake)
  }
  if (hasItems(rule)) copy = withItems(copy, rule, value, position, intake)
  return copy ?? value
}

/** By itself: a function that makes another one pays for it even where it does not come so far. */
function withItems(before: Members | undefined, rule: Rule, value: object, position: Position, intake: Intake) {
  let copy = before
  eachItem(rule, value, (key, member, itemRule) => {
    const at = within(position, key)
    // A list may be longer than anyone can walk where it holds nothing.
    if (!(key in value)) throw refuse('invalid-input', at, 'is missing')
    copy = withMember(copy, value, member, itemRule, at, intake)
  })
  return copy
}

type Members = Record<PropertyKey, unknown>

/** A copy of `value` as soon as one of its members is not what it was. */
function withMember(
  copy: Members | undefined,
  value: object,
  member: unknown,
  rule: Rule,
  position: Position,
  intake: Intake,
) {
  const bare = unwrap(rule, member, position, intake)
  if (bare === member) return copy
  const changed = copy ?? ((Array.isArray(value) ? [...value] : { ...value }) as Members)
  changed[position.key] = bare
  return changed
}

function unwrapLeaf(rule: Rule, value: unknown, position: Position, intake: Intake): unknown {
  const sample = isSample(value) ? value : undefined
  const { quality, sourceTime }: Partial<Sample<unknown>> = sample ?? {}
  if (quality !== undefined && !['good', 'uncertain', 'bad'].includes(quality))
    throw refuse('invalid-input', position, `has the quality '${quality}', not good, uncertain or bad`)
  const absent = (sample === undefined ? value : (sample.value ?? undefined)) === undefined
  if (rule.missing !== undefined && (absent || quality === 'bad')) return stoodIn(rule, position, intake)
  if (quality === 'bad') throw refuse('bad-quality', position, 'is bad, says its source')
  if (value === undefined) return undefined
  const bare = sample === undefined ? value : inContractUnit(rule, sample, position)
  if (sample !== undefined || rule.maxAge !== undefined) {
    intake.measured ??= []
    intake.measured.push({ pointer: pointerTo(position), rule, quality, sourceTime, bare })
  }
  if (rule.tensor !== undefined && bare !== undefined) checkForm(rule.tensor, bare, position, 'invalid-input')
  return bare
}

/** The value that stands in for a missing one. It makes the answer uncertain, and the reply says so. */
function stoodIn(rule: Rule, position: Position, intake: Intake): unknown {
  const field = pointerTo(position)
  intake.inputQuality = 'uncertain'
  if (rule.missing?.kind === 'impute') {
    intake.warnings.push({ code: 'imputed-value', message: `${field} is missing: its default stands in`, field })
    return rule.missing.value
  }
  const last = intake.held?.get(field)
  if (last === undefined) throw refuse('invalid-input', position, 'is missing, and no earlier value is held')
  const age = intake.now - last.time
  if (age > rule.maxAge!)
    throw refuse(
      'stale-input',
      position,
      `is missing, and its last value is ${age} ms old, at most ${rule.maxAge} ms are allowed`,
    )
  intake.warnings.push({
    code: 'held-value',
    message: `${field} is missing: its value of ${age} ms ago is held`,
    field,
  })
  return last.value
}

function inContractUnit(rule: Rule, sample: Sample<unknown>, position: Position): unknown {
  if (sample.unit === undefined) return sample.value
  const to = rule.unit
  if (to === undefined)
    throw refuse('unit-mismatch', position, `has no unit in the contract, the caller states '${sample.unit}'`)
  if (sample.unit === to.code) return sample.value
  const by = conversionTo(rule, sample.unit, position)
  if (typeof sample.value === 'number') return convert(sample.value, by)
  if (isTensor(sample.value)) return convertTensor(sample.value, by, position)
  return sample.value
}

function conversionTo(rule: Rule, stated: string, position: Position): Conversion {
  const to = rule.unit!
  try {
    const from = parseUnit(stated)
    if (commensurable(from, to)) return conversion(from, to, rule.difference && 'difference')
  } catch (problem) {
    throw refuse('unit-mismatch', position, `cannot be read: ${(problem as Error).message}`)
  }
  throw refuse('unit-mismatch', position, `is in '${to.code}', which '${stated}' cannot be converted to`)
}

function convertTensor(tensor: Tensor, by: Conversion, position: Position): Tensor {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64')
    throw refuse('unit-mismatch', position, `is a tensor of ${tensor.dtype}, which cannot be converted without loss`)
  const data = (tensor.data as Float32Array).map((one) => convert(one, by))
  return { dtype: tensor.dtype, shape: tensor.shape, data }
}

/** Refuses stale samples, and holds the values that later calls may fall back on. */
export function checkFreshness(intake: Intake): void {
  for (const { pointer: field, rule, quality, sourceTime, bare } of intake.measured ?? []) {
    if (quality === 'uncertain') intake.inputQuality = 'uncertain'
    if (rule.maxAge === undefined) continue
    const time = parseSourceTime(sourceTime)
    const age = intake.now - time
    const stale = (problem: string) => new Fault('stale-input', `${field} ${problem}`, { field })
    if (Number.isNaN(time))
      throw stale('must say when it was measured, such as { value, sourceTime: "2026-06-01T08:00:00Z" }')
    if (age > rule.maxAge) throw stale(`is ${age} ms old, at most ${rule.maxAge} ms are allowed`)
    if (age < -rule.maxAge) throw stale(`comes ${-age} ms from the future: check the source's clock`)
    if (rule.missing?.kind === 'hold') intake.held?.set(field, { value: bare, time })
  }
}

const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** RFC 3339 with an offset: without one the same text means another moment on another machine. */
function parseSourceTime(text: unknown): number {
  return typeof text === 'string' && timePattern.test(text) ? Date.parse(text) : Number.NaN
}
