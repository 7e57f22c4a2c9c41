import { Fault, type FaultCode } from './fault.ts'
import type { HeldValues } from './held-values.ts'
import type { Quality, Warning } from './model.ts'
import { deepestNesting } from './nesting.ts'
import { isSample, type Sample } from './sample.ts'
import { toPointer } from './schema.ts'
import { arrayOf, isTensor, type Tensor } from './tensor.ts'
import { type Conversion, commensurable, conversion, convert, parseUnit } from './units.ts'
import type { Limits, Member, Range, Rule, TensorSchema } from './vocabulary.ts'

/** What the checks of one value find besides faults. */
export interface Findings {
  /** Good or uncertain: what is bad is refused. */
  inputQuality: Quality
  readonly warnings: Warning[]
}

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
  readonly sample: Sample<unknown> | undefined
  /** In the contract's unit. */
  readonly bare: unknown
}

/** Where a value stands: linked, since most values pass and nobody asks where they were. */
interface Place {
  readonly key: PropertyKey
  readonly above?: Place
  readonly depth: number
}

const roots = { input: { key: 'input', depth: 1 }, output: { key: 'output', depth: 1 } } as const

function within(above: Place, key: PropertyKey): Place {
  return { key, above, depth: above.depth + 1 }
}

function pointerTo({ key, above }: Place): string {
  return (above === undefined ? '' : pointerTo(above)) + toPointer([key])
}

/** Unwraps every sample, converts it to the contract's unit and fills in missing values. The input itself is never changed. */
export function unwrapSamples(rule: Rule, input: unknown, intake: Intake): unknown {
  return unwrap(rule, input, roots.input, intake)
}

function unwrap(rule: Rule, value: unknown, place: Place, intake: Intake): unknown {
  if (rule.leaf) return unwrapLeaf(rule, value, place, intake)
  if (typeof value !== 'object' || value === null) return value
  refuseDepth('invalid-input', place)
  refusePrototype(value)
  let copy: Members | undefined
  const members = membersOf(rule)
  for (let i = 0; i < members.length; i++) {
    const { key, rule: memberRule } = members[i]!
    const member = (value as Record<string, unknown>)[key]
    // A bare number or text has nothing to take apart.
    if (typeof member === 'object' || memberRule.needsVisit)
      copy = withMember(copy, value, memberRule, within(place, key), intake)
  }
  if (hasItems(rule))
    eachItem(rule, value, (key, _, itemRule) => {
      copy = withMember(copy, value, itemRule, within(place, key), intake)
    })
  return copy ?? value
}

type Members = Record<PropertyKey, unknown>

/** A copy of `value` as soon as one of its members is not what it was. */
function withMember(copy: Members | undefined, value: object, rule: Rule, place: Place, intake: Intake) {
  const { key } = place
  const member = (value as Members)[key]
  const bare = unwrap(rule, member, place, intake)
  if (bare === member) return copy
  const changed = copy ?? ((Array.isArray(value) ? [...value] : { ...value }) as Members)
  changed[key] = bare
  return changed
}

/** What the schema names, in its order, whether a value has it or not. */
function membersOf(rule: Rule): readonly Member[] {
  rule.members ??= [...(rule.properties ?? [])].map(([key, member]) => {
    let [least, most] = [-Number.MAX_VALUE, Number.MAX_VALUE]
    for (const { min = least, max = most } of Object.values(member.limits ?? {}) as Range[]) {
      least = Math.max(least, min)
      most = Math.min(most, max)
    }
    return { key, rule: member, least, most }
  })
  return rule.members
}

function hasItems({ items, prefixItems, additional }: Rule): boolean {
  return items !== undefined || prefixItems !== undefined || additional !== undefined
}

/** What the schema does not name: items, and members beyond its properties. Passes over numbers about which nothing is said. */
function eachItem(
  { properties, additional, items, prefixItems }: Rule,
  value: object,
  visit: (key: PropertyKey, member: unknown, memberRule: Rule) => void,
): void {
  const see = (key: PropertyKey, member: unknown, rule: Rule | undefined) => {
    if (rule === undefined || (Number.isFinite(member) && rule.limits === undefined && !rule.needsVisit)) return
    visit(key, member, rule)
  }
  if (Array.isArray(value)) {
    if (items === undefined && prefixItems === undefined) return
    for (let i = 0; i < value.length; i++) see(i, value[i], prefixItems?.[i] ?? items)
  } else if (additional !== undefined) {
    for (const [key, member] of Object.entries(value)) if (!properties?.has(key)) see(key, member, additional)
  }
}

function unwrapLeaf(rule: Rule, value: unknown, place: Place, intake: Intake): unknown {
  const sample = isSample(value) ? value : undefined
  if (sample?.quality !== undefined && !['good', 'uncertain', 'bad'].includes(sample.quality))
    throw refuse('invalid-input', place, `has the quality '${String(sample.quality)}', not good, uncertain or bad`)
  const absent = sample === undefined ? value === undefined : sample.value === undefined || sample.value === null
  if (rule.missing !== undefined && (absent || sample?.quality === 'bad')) return stoodIn(rule, place, intake)
  if (sample?.quality === 'bad') throw refuse('bad-quality', place, 'is bad, says its source')
  if (value === undefined) return undefined
  const bare = sample === undefined ? value : inContractUnit(rule, sample, place)
  if (sample !== undefined || rule.maxAge !== undefined) {
    intake.measured ??= []
    intake.measured.push({ pointer: pointerTo(place), rule, sample, bare })
  }
  if (rule.tensor !== undefined && bare !== undefined) checkForm(rule.tensor, bare, place, 'invalid-input')
  return bare
}

/** The value that stands in for a missing one. It makes the answer uncertain, and the reply says so. */
function stoodIn(rule: Rule, place: Place, intake: Intake): unknown {
  const field = pointerTo(place)
  intake.inputQuality = 'uncertain'
  if (rule.missing?.kind === 'impute') {
    intake.warnings.push({ code: 'imputed-value', message: `${field} is missing: its default stands in`, field })
    return rule.missing.value
  }
  const last = intake.held?.get(field)
  if (last === undefined)
    throw refuse('invalid-input', place, 'is missing, and no earlier value of this caller is held')
  const age = intake.now - last.time
  if (age > rule.maxAge!)
    throw refuse(
      'stale-input',
      place,
      `is missing, and its last value is ${age} ms old, at most ${rule.maxAge} ms are allowed`,
    )
  intake.warnings.push({
    code: 'held-value',
    message: `${field} is missing: its value of ${age} ms ago is held`,
    field,
  })
  return last.value
}

function inContractUnit(rule: Rule, sample: Sample<unknown>, place: Place): unknown {
  if (sample.unit === undefined) return sample.value
  const to = rule.unit
  if (to === undefined)
    throw refuse('unit-mismatch', place, `has no unit in the contract, the caller states '${sample.unit}'`)
  if (sample.unit === to.code) return sample.value
  const by = conversionTo(rule, sample.unit, place)
  if (typeof sample.value === 'number') return convert(sample.value, by)
  if (isTensor(sample.value)) return convertTensor(sample.value, by, place)
  return sample.value
}

function conversionTo(rule: Rule, stated: string, place: Place): Conversion {
  const to = rule.unit!
  try {
    const from = parseUnit(stated)
    if (commensurable(from, to)) return conversion(from, to, rule.difference && 'difference')
  } catch (problem) {
    throw refuse('unit-mismatch', place, `cannot be read: ${(problem as Error).message}`)
  }
  throw refuse('unit-mismatch', place, `is in '${to.code}', which '${stated}' cannot be converted to`)
}

function convertTensor(tensor: Tensor, by: Conversion, place: Place): Tensor {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64')
    throw refuse('unit-mismatch', place, `is a tensor of ${tensor.dtype}, which cannot be converted without loss`)
  const source = tensor.data as Float32Array | Float64Array
  const data = new arrayOf[tensor.dtype](source.length)
  for (let i = 0; i < source.length; i++) data[i] = convert(source[i]!, by)
  return { dtype: tensor.dtype, shape: tensor.shape, data }
}

/** Refuses stale samples, and holds the values that later calls may fall back on. */
export function checkFreshness(intake: Intake): void {
  for (const { pointer: field, rule, sample, bare } of intake.measured ?? []) {
    if (sample?.quality === 'uncertain') intake.inputQuality = 'uncertain'
    if (rule.maxAge === undefined) continue
    const time = parseSourceTime(sample?.sourceTime)
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

/** Which limits apply to a value, and what breaking them means. */
export interface Purpose {
  readonly root: 'input' | 'output'
  /** A write must keep the operating limits; an inference is only warned. */
  readonly write: boolean
  /** Whether an inference outside the training limits is refused or answered as uncertain. */
  readonly outsideTraining: 'refuse' | 'uncertain'
}

/** Checks every tensor (form, finiteness) and every limit. Throws the first fault. */
export function checkBounds(rule: Rule, value: unknown, purpose: Purpose, findings: Findings): void {
  bound(rule, value, roots[purpose.root], purpose, findings)
}

function bound(rule: Rule, value: unknown, place: Place, purpose: Purpose, findings: Findings): void {
  const invalid: FaultCode = purpose.root === 'input' ? 'invalid-input' : 'invalid-output'
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(invalid, place, `is ${value}`)
    if (rule.limits !== undefined) checkExtent(rule, [value, value], place, purpose, invalid, findings)
  } else if (rule.tensor !== undefined) {
    if (value === undefined) return
    const { data } = checkForm(rule.tensor, value, place, invalid)
    checkFinite(data, place, invalid)
    const extent = rule.limits === undefined ? undefined : extentOf(data)
    if (extent !== undefined) checkExtent(rule, extent, place, purpose, invalid, findings)
  } else if (typeof value === 'object' && value !== null) {
    refuseDepth(invalid, place)
    const members = membersOf(rule)
    for (let i = 0; i < members.length; i++) {
      const { key, rule: memberRule, least, most } = members[i]!
      const member = (value as Record<string, unknown>)[key]
      // Most members are numbers in order; only the others need to know where they are.
      if (typeof member === 'number' && member >= least && member <= most) continue
      if (member !== undefined && typeof member !== 'string')
        bound(memberRule, member, within(place, key), purpose, findings)
    }
    if (hasItems(rule))
      eachItem(rule, value, (key, member, itemRule) => bound(itemRule, member, within(place, key), purpose, findings))
  }
}

function checkForm(schema: TensorSchema, value: unknown, place: Place, invalid: FaultCode): Tensor {
  if (!isTensor(value))
    throw refuse(
      invalid,
      place,
      `must be a tensor of ${schema.dtype}, such as tensor(new ${arrayOf[schema.dtype].name}(…))`,
    )
  if (value.dtype !== schema.dtype)
    throw refuse(invalid, place, `must be a tensor of ${schema.dtype}, not of ${value.dtype}`)
  let fits = value.shape.length === schema.shape.length
  for (let axis = 0; fits && axis < schema.shape.length; axis++) {
    const length = schema.shape[axis]
    fits = typeof length === 'string' || length === value.shape[axis]
  }
  if (!fits)
    throw refuse(invalid, place, `must have the shape [${schema.shape.join(', ')}], not [${value.shape.join(', ')}]`)
  return value
}

function checkFinite(data: Tensor['data'], place: Place, invalid: FaultCode): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return
  let sum = 0
  for (let from = 0; from < data.length; from += stretch) sum += sumOf(data, from)
  if (Number.isFinite(sum)) return
  const at = Array.prototype.findIndex.call(data, (element: number) => !Number.isFinite(element))
  // Large doubles may well overflow a sum.
  if (at >= 0) throw refuse(invalid, place, `holds ${data[at]} at element ${at}`)
}

/** Elements that are summed in one go: the compiler does better with a short function called often than with one long loop. */
const stretch = 1024

/** In fours, whose sums need not wait for each other. */
function sumOf(data: Float32Array | Float64Array, from: number): number {
  const end = Math.min(from + stretch, data.length)
  let sum = 0
  let i = from
  for (; i + 3 < end; i += 4) sum += data[i]! + data[i + 1]! + (data[i + 2]! + data[i + 3]!)
  for (; i < end; i++) sum += data[i]!
  return sum
}

/** Smallest and largest element; undefined for an empty tensor. 64-bit integers are rounded to doubles. */
function extentOf(data: Tensor['data']): [number, number] | undefined {
  if (data.length === 0) return undefined
  let min = data[0]!
  let max = min
  for (let i = 1; i < data.length; i++) {
    const element = data[i]!
    if (element < min) min = element
    else if (element > max) max = element
  }
  return [Number(min), Number(max)]
}

function checkExtent(
  rule: Rule,
  extent: readonly [number, number],
  place: Place,
  { root, write, outsideTraining }: Purpose,
  invalid: FaultCode,
  findings: Findings,
): void {
  const { physical, training, operating } = rule.limits as Limits
  const impossible = broken(physical, extent, rule)
  if (impossible !== undefined) throw refuse(invalid, place, `breaks its physical limits: ${impossible}`)
  if (root === 'output') return
  const warn = (code: string, problem: string) => {
    const field = pointerTo(place)
    findings.warnings.push({ code, message: `${field}: ${problem}`, field })
  }
  const unsafe = broken(operating, extent, rule)
  if (unsafe !== undefined && write) throw refuse('out-of-limits', place, `breaks its operating limits: ${unsafe}`)
  if (unsafe !== undefined) warn('outside-operating-limits', unsafe)
  const unknown = broken(training, extent, rule)
  if (unknown === undefined) return
  if (write || outsideTraining === 'refuse')
    throw refuse('out-of-limits', place, `is outside what the model was trained on: ${unknown}`)
  findings.inputQuality = 'uncertain'
  warn('outside-training-limits', unknown)
}

function broken(range: Range | undefined, [least, most]: readonly [number, number], rule: Rule): string | undefined {
  if (range === undefined) return undefined
  const unit = rule.unit === undefined ? '' : ` ${rule.unit.code}`
  if (range.min !== undefined && least < range.min) return `${least}${unit} is below ${range.min}${unit}`
  if (range.max !== undefined && most > range.max) return `${most}${unit} is above ${range.max}${unit}`
  return undefined
}

function refuseDepth(invalid: FaultCode, place: Place): void {
  if (place.depth > deepestNesting)
    throw new Fault(invalid, `the ${invalid.slice('invalid-'.length)} is nested more than ${deepestNesting} deep`)
}

function refusePrototype(value: object): void {
  // As a key it would reach the prototype of whatever copies the value.
  if (Object.hasOwn(value, '__proto__')) throw new Fault('invalid-input', 'no member may be named __proto__')
}

function refuse(code: FaultCode, place: Place, problem: string): Fault {
  const field = pointerTo(place)
  return new Fault(code, `${field} ${problem}`, { field })
}
