import { Fault, type FaultCode } from './fault.ts'
import type { HeldValues } from './held-values.ts'
import type { Quality, Warning } from './model.ts'
import { deepestNesting } from './nesting.ts'
import { worseQuality } from './quality.ts'
import { isSample, type Sample } from './sample.ts'
import { toPointer } from './schema.ts'
import { arrayOf, isTensor, type Tensor } from './tensor.ts'
import { type Conversion, commensurable, conversion, convert, parseUnit } from './units.ts'
import type { Limits, Member, Range, Rule, TensorSchema } from './vocabulary.ts'

/** What the checks of one value find besides faults. */
export interface Findings {
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

type Path = PropertyKey[]

/** Unwraps every sample, converts it to the contract's unit and fills in missing values. The input itself is never changed. */
export function unwrapSamples(rule: Rule, input: unknown, intake: Intake): unknown {
  return unwrap(rule, input, ['input'], intake)
}

function unwrap(rule: Rule, value: unknown, path: Path, intake: Intake): unknown {
  if (rule.leaf) return unwrapLeaf(rule, value, path, intake)
  if (typeof value !== 'object' || value === null) return value
  refuseDepth('invalid-input', path)
  refusePrototype(value)
  let copy: Record<PropertyKey, unknown> | undefined
  const take = (key: PropertyKey, member: unknown, memberRule: Rule) => {
    path.push(key)
    const bare = unwrap(memberRule, member, path, intake)
    path.pop()
    if (bare === member) return
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<PropertyKey, unknown>
    copy[key] = bare
  }
  const members = membersOf(rule)
  for (let i = 0; i < members.length; i++) {
    const { key, rule: memberRule } = members[i]!
    const member = (value as Record<string, unknown>)[key]
    // A bare number or text has nothing to take apart.
    if (typeof member === 'object' || memberRule.needsVisit) take(key, member, memberRule)
  }
  if (hasItems(rule)) eachItem(rule, value, take)
  return copy ?? value
}

const noMembers: readonly Member[] = []

/** What the schema names, in its order, whether a value has it or not. */
function membersOf(rule: Rule): readonly Member[] {
  if (rule.properties === undefined) return noMembers
  rule.members ??= [...rule.properties].map(([key, member]) => {
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

/** What the schema does not name: items, and members beyond its properties. */
function eachItem(
  { properties, additional, items, prefixItems }: Rule,
  value: object,
  visit: (key: PropertyKey, member: unknown, memberRule: Rule) => void,
): void {
  if (Array.isArray(value)) {
    if (items === undefined && prefixItems === undefined) return
    for (let i = 0; i < value.length; i++) {
      const item = prefixItems?.[i] ?? items
      if (item !== undefined) visit(i, value[i], item)
    }
  } else if (additional !== undefined) {
    for (const [key, member] of Object.entries(value)) if (!properties?.has(key)) visit(key, member, additional)
  }
}

function unwrapLeaf(rule: Rule, value: unknown, path: Path, intake: Intake): unknown {
  const sample = isSample(value) ? value : undefined
  if (sample?.quality !== undefined && !['good', 'uncertain', 'bad'].includes(sample.quality))
    throw refuse('invalid-input', path, `has the quality '${String(sample.quality)}', not good, uncertain or bad`)
  const absent = sample === undefined ? value === undefined : sample.value === undefined || sample.value === null
  if (rule.missing !== undefined && (absent || sample?.quality === 'bad')) return stoodIn(rule, path, intake)
  if (sample?.quality === 'bad') throw refuse('bad-quality', path, 'is bad, says its source')
  if (value === undefined) return undefined
  const bare = sample === undefined ? value : inContractUnit(rule, sample, path)
  if (sample !== undefined || rule.maxAge !== undefined) {
    intake.measured ??= []
    intake.measured.push({ pointer: toPointer(path), rule, sample, bare })
  }
  if (rule.tensor !== undefined && bare !== undefined) checkForm(rule.tensor, bare, path, 'invalid-input')
  return bare
}

/** The value that stands in for a missing one. It makes the answer uncertain, and the reply says so. */
function stoodIn(rule: Rule, path: Path, intake: Intake): unknown {
  const field = toPointer(path)
  intake.inputQuality = worseQuality(intake.inputQuality, 'uncertain')
  if (rule.missing?.kind === 'impute') {
    intake.warnings.push({ code: 'imputed-value', message: `${field} is missing: its default stands in`, field })
    return rule.missing.value
  }
  const last = intake.held?.get(field)
  if (last === undefined) throw refuse('invalid-input', path, 'is missing, and no earlier value of this caller is held')
  const age = intake.now - last.time
  if (age > rule.maxAge!)
    throw refuse(
      'stale-input',
      path,
      `is missing, and its last value is ${age} ms old, at most ${rule.maxAge} ms are allowed`,
    )
  intake.warnings.push({
    code: 'held-value',
    message: `${field} is missing: its value of ${age} ms ago is held`,
    field,
  })
  return last.value
}

function inContractUnit(rule: Rule, sample: Sample<unknown>, path: Path): unknown {
  if (sample.unit === undefined) return sample.value
  const to = rule.unit
  if (to === undefined)
    throw refuse('unit-mismatch', path, `has no unit in the contract, the caller states '${sample.unit}'`)
  if (sample.unit === to.code) return sample.value
  const by = conversionTo(rule, sample.unit, path)
  if (typeof sample.value === 'number') return convert(sample.value, by)
  if (isTensor(sample.value)) return convertTensor(sample.value, by, path)
  return sample.value
}

function conversionTo(rule: Rule, stated: string, path: Path): Conversion {
  const to = rule.unit!
  try {
    const from = parseUnit(stated)
    if (commensurable(from, to)) return conversion(from, to, rule.difference && 'difference')
  } catch (problem) {
    throw refuse('unit-mismatch', path, `cannot be read: ${(problem as Error).message}`)
  }
  throw refuse('unit-mismatch', path, `is in '${to.code}', which '${stated}' cannot be converted to`)
}

function convertTensor(tensor: Tensor, by: Conversion, path: Path): Tensor {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64')
    throw refuse('unit-mismatch', path, `is a tensor of ${tensor.dtype}, which cannot be converted without loss`)
  const source = tensor.data as Float32Array | Float64Array
  const data = new arrayOf[tensor.dtype](source.length)
  for (let i = 0; i < source.length; i++) data[i] = convert(source[i]!, by)
  return { dtype: tensor.dtype, shape: tensor.shape, data }
}

/** Refuses stale samples, and holds the values that later calls may fall back on. */
export function checkFreshness(intake: Intake): void {
  for (const { pointer: field, rule, sample, bare } of intake.measured ?? []) {
    if (sample?.quality === 'uncertain') intake.inputQuality = worseQuality(intake.inputQuality, 'uncertain')
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
  bound(rule, value, [purpose.root], purpose, findings)
}

function bound(rule: Rule, value: unknown, path: Path, purpose: Purpose, findings: Findings): void {
  const invalid: FaultCode = purpose.root === 'input' ? 'invalid-input' : 'invalid-output'
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(invalid, path, `is ${value}`)
    if (rule.limits !== undefined) checkExtent(rule, [value, value], path, purpose, invalid, findings)
  } else if (rule.tensor !== undefined) {
    if (value === undefined) return
    const { data } = checkForm(rule.tensor, value, path, invalid)
    checkFinite(data, path, invalid)
    const extent = rule.limits === undefined ? undefined : extentOf(data)
    if (extent !== undefined) checkExtent(rule, extent, path, purpose, invalid, findings)
  } else if (typeof value === 'object' && value !== null) {
    refuseDepth(invalid, path)
    const members = membersOf(rule)
    for (let i = 0; i < members.length; i++) {
      const { key, rule: memberRule, least, most } = members[i]!
      const member = (value as Record<string, unknown>)[key]
      // Most members are numbers in order; only the others need to know where they are.
      if (typeof member === 'number' && member >= least && member <= most) continue
      if (member !== undefined && typeof member !== 'string')
        boundMember(memberRule, key, member, path, purpose, findings)
    }
    if (hasItems(rule))
      eachItem(rule, value, (key, member, itemRule) => boundMember(itemRule, key, member, path, purpose, findings))
  }
}

function boundMember(
  rule: Rule,
  key: PropertyKey,
  member: unknown,
  path: Path,
  purpose: Purpose,
  findings: Findings,
): void {
  // So are most items.
  if (typeof member === 'number' && rule.limits === undefined && Number.isFinite(member)) return
  path.push(key)
  bound(rule, member, path, purpose, findings)
  path.pop()
}

function checkForm(schema: TensorSchema, value: unknown, path: Path, invalid: FaultCode): Tensor {
  if (!isTensor(value))
    throw refuse(
      invalid,
      path,
      `must be a tensor of ${schema.dtype}, such as tensor(new ${arrayOf[schema.dtype].name}(…))`,
    )
  if (value.dtype !== schema.dtype)
    throw refuse(invalid, path, `must be a tensor of ${schema.dtype}, not of ${value.dtype}`)
  const fits =
    value.shape.length === schema.shape.length &&
    schema.shape.every((length, axis) => typeof length === 'string' || length === value.shape[axis])
  if (!fits)
    throw refuse(invalid, path, `must have the shape [${schema.shape.join(', ')}], not [${value.shape.join(', ')}]`)
  return value
}

function checkFinite(data: Tensor['data'], path: Path, invalid: FaultCode): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return
  // A finite number times zero is zero, anything else NaN: one sum finds both in one pass, and cannot overflow.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]! * 0
  if (sum === 0) return
  const at = Array.prototype.findIndex.call(data, (element: number) => !Number.isFinite(element))
  throw refuse(invalid, path, `holds ${data[at]} at element ${at}`)
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
  path: Path,
  { root, write, outsideTraining }: Purpose,
  invalid: FaultCode,
  findings: Findings,
): void {
  const { physical, training, operating } = rule.limits as Limits
  const impossible = broken(physical, extent, rule)
  if (impossible !== undefined) throw refuse(invalid, path, `breaks its physical limits: ${impossible}`)
  if (root === 'output') return
  const warn = (code: string, problem: string) => {
    const field = toPointer(path)
    findings.warnings.push({ code, message: `${field}: ${problem}`, field })
  }
  const unsafe = broken(operating, extent, rule)
  if (unsafe !== undefined && write) throw refuse('out-of-limits', path, `breaks its operating limits: ${unsafe}`)
  if (unsafe !== undefined) warn('outside-operating-limits', unsafe)
  const unknown = broken(training, extent, rule)
  if (unknown === undefined) return
  if (write || outsideTraining === 'refuse')
    throw refuse('out-of-limits', path, `is outside what the model was trained on: ${unknown}`)
  findings.inputQuality = worseQuality(findings.inputQuality, 'uncertain')
  warn('outside-training-limits', unknown)
}

function broken(range: Range | undefined, [least, most]: readonly [number, number], rule: Rule): string | undefined {
  if (range === undefined) return undefined
  const unit = rule.unit === undefined ? '' : ` ${rule.unit.code}`
  if (range.min !== undefined && least < range.min) return `${least}${unit} is below ${range.min}${unit}`
  if (range.max !== undefined && most > range.max) return `${most}${unit} is above ${range.max}${unit}`
  return undefined
}

function refuseDepth(invalid: FaultCode, path: Path): void {
  if (path.length > deepestNesting)
    throw new Fault(invalid, `the ${String(path[0])} is nested more than ${deepestNesting} deep`)
}

function refusePrototype(value: object): void {
  // As a key it would reach the prototype of whatever copies the value.
  if (Object.hasOwn(value, '__proto__')) throw new Fault('invalid-input', 'no member may be named __proto__')
}

function refuse(code: FaultCode, path: Path, problem: string): Fault {
  const field = toPointer(path)
  return new Fault(code, `${field} ${problem}`, { field })
}
