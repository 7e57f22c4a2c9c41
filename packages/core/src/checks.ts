import { Fault, type FaultCode } from './fault.ts'
import type { Quality, Warning } from './model.ts'
import { deepestNesting } from './nesting.ts'
import { isSample, type Sample } from './sample.ts'
import { toPointer } from './schema.ts'
import { arrayOf, isTensor, type Tensor } from './tensor.ts'
import { commensurable, conversion, parseUnit, type Unit } from './units.ts'
import type { Limits, Range, Rule, TensorSchema } from './vocabulary.ts'

/** A sample that stood in the input, kept for the checks of freshness and quality that come after the schema's. */
interface Measured {
  readonly pointer: string
  readonly rule: Rule
  readonly sample: Sample<unknown> | undefined
}

/** Unwraps every sample and converts it to the contract's unit. The input itself is never changed. */
export function unwrapSamples(rule: Rule, input: unknown): { value: unknown; measured: Measured[] } {
  const measured: Measured[] = []
  const value = unwrap(rule, input, ['input'], measured)
  return { value, measured }
}

function unwrap(rule: Rule, value: unknown, path: PropertyKey[], measured: Measured[]): unknown {
  if (path.length > deepestNesting)
    throw new Fault('invalid-input', `the input is nested more than ${deepestNesting} deep`)
  if (rule.leaf) {
    const sample = isSample(value) ? value : undefined
    if (sample !== undefined || rule.maxAge !== undefined) measured.push({ pointer: toPointer(path), rule, sample })
    const bare = sample === undefined ? value : inContractUnit(rule, sample, path)
    if (rule.tensor !== undefined && bare !== undefined) checkForm(rule.tensor, bare, path, 'invalid-input')
    return bare
  }
  if (typeof value !== 'object' || value === null) return value
  let copy: Record<PropertyKey, unknown> | undefined
  for (const [key, member, memberRule] of membersOf(rule, value)) {
    const bare = unwrap(memberRule, member, [...path, key], measured)
    if (bare === member) continue
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<PropertyKey, unknown>
    copy[key] = bare
  }
  return copy ?? value
}

function* membersOf(rule: Rule, value: object): Generator<[PropertyKey, unknown, Rule]> {
  if (Array.isArray(value)) {
    if (rule.items === undefined && rule.prefixItems === undefined) return
    for (let i = 0; i < value.length; i++) {
      const item = rule.prefixItems?.[i] ?? rule.items
      if (item !== undefined) yield [i, value[i], item]
    }
    return
  }
  for (const [key, member] of Object.entries(value)) {
    const memberRule = rule.properties?.get(key) ?? rule.additional
    if (memberRule === undefined) continue
    // As a key it would reach the prototype of whatever copies the value.
    if (key === '__proto__') throw new Fault('invalid-input', 'a member named __proto__ is not accepted')
    yield [key, member, memberRule]
  }
}

function inContractUnit(rule: Rule, sample: Sample<unknown>, path: PropertyKey[]): unknown {
  if (sample.unit === undefined) return sample.value
  const field = toPointer(path)
  const to = rule.unit
  if (to === undefined)
    throw new Fault('unit-mismatch', `${field} has no unit in the contract, the caller states '${sample.unit}'`, {
      field,
    })
  let from: Unit
  try {
    from = parseUnit(sample.unit)
  } catch (problem) {
    throw new Fault('unit-mismatch', `${field}: ${(problem as Error).message}`, { field })
  }
  if (from.code === to.code) return sample.value
  if (!commensurable(from, to))
    throw new Fault('unit-mismatch', `${field} is in '${to.code}', which '${from.code}' cannot be converted to`, {
      field,
    })
  const { scale, shift } = conversion(from, to)
  if (typeof sample.value === 'number') return sample.value * scale + shift
  if (isTensor(sample.value)) return convertTensor(sample.value, scale, shift, field)
  return sample.value
}

function convertTensor(tensor: Tensor, scale: number, shift: number, field: string): Tensor {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64')
    throw new Fault('unit-mismatch', `${field}: a tensor of ${tensor.dtype} cannot be converted without loss`, {
      field,
    })
  const source = tensor.data as Float32Array | Float64Array
  const data = new arrayOf[tensor.dtype](source.length)
  for (let i = 0; i < source.length; i++) data[i] = source[i]! * scale + shift
  return { dtype: tensor.dtype, shape: tensor.shape, data }
}

/** Refuses stale and bad samples; answers with the worst quality that is left. */
export function checkFreshness(measured: readonly Measured[], now: number): Quality {
  let worst: Quality = 'good'
  for (const { pointer: field, rule, sample } of measured) {
    if (sample?.quality === 'bad')
      throw new Fault('bad-quality', `${field}: its source says that the value is bad`, { field })
    if (sample?.quality === 'uncertain') worst = 'uncertain'
    if (sample?.quality !== undefined && !['good', 'uncertain'].includes(sample.quality))
      throw new Fault('invalid-input', `${field}: quality '${String(sample.quality)}' is not good, uncertain or bad`, {
        field,
      })
    if (rule.maxAge === undefined) continue
    const time = Date.parse(sample?.sourceTime ?? '')
    if (Number.isNaN(time))
      throw new Fault('stale-input', `${field} must say when it was measured: send { value, sourceTime }`, { field })
    const age = now - time
    if (age > rule.maxAge)
      throw new Fault('stale-input', `${field} is ${age} ms old, at most ${rule.maxAge} ms are allowed`, { field })
    if (age < -rule.maxAge)
      throw new Fault('stale-input', `${field} comes ${-age} ms from the future: check the source's clock`, { field })
  }
  return worst
}

/** Which limits apply to a value, and what breaking them means. */
export interface Purpose {
  readonly root: 'input' | 'output'
  /** A write must keep the operating limits; an inference is only warned. */
  readonly write: boolean
}

/** Checks every tensor (form, finiteness) and every limit. Throws the first fault; answers with warnings. */
export function checkBounds(rule: Rule, value: unknown, purpose: Purpose): Warning[] {
  const warnings: Warning[] = []
  bound(rule, value, [purpose.root], purpose, warnings)
  return warnings
}

function bound(rule: Rule, value: unknown, path: PropertyKey[], purpose: Purpose, warnings: Warning[]): void {
  const invalid: FaultCode = purpose.root === 'input' ? 'invalid-input' : 'invalid-output'
  if (path.length > deepestNesting)
    throw new Fault(invalid, `the ${purpose.root} is nested more than ${deepestNesting} deep`)
  if (rule.tensor !== undefined) {
    if (value === undefined) return
    const extent = checkElements(checkForm(rule.tensor, value, path, invalid), path, invalid)
    if (rule.limits !== undefined && extent !== undefined) checkExtent(rule, extent, path, purpose, invalid, warnings)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(invalid, path, `is ${value}`)
    if (rule.limits !== undefined) checkExtent(rule, [value, value], path, purpose, invalid, warnings)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member, memberRule] of membersOf(rule, value))
      bound(memberRule, member, [...path, key], purpose, warnings)
  }
}

function checkForm(schema: TensorSchema, value: unknown, path: PropertyKey[], invalid: FaultCode): Tensor {
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

/** Smallest and largest element; undefined for an empty tensor or one of 64-bit integers. */
function checkElements({ data }: Tensor, path: PropertyKey[], invalid: FaultCode): [number, number] | undefined {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array || data.length === 0) return undefined
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  // One pass: a sum turns NaN as soon as one element is NaN or infinities cancel, so finiteness costs one addition each.
  let sum = 0
  for (let i = 0; i < data.length; i++) {
    const element = data[i]!
    sum += element
    if (element < min) min = element
    if (element > max) max = element
  }
  if (Number.isNaN(sum) || !Number.isFinite(min) || !Number.isFinite(max)) {
    const at = Array.prototype.findIndex.call(data, (element: number) => !Number.isFinite(element))
    throw refuse(invalid, path, `holds ${data[at]} at element ${at}`)
  }
  return [min, max]
}

function checkExtent(
  rule: Rule,
  extent: readonly [number, number],
  path: PropertyKey[],
  purpose: Purpose,
  invalid: FaultCode,
  warnings: Warning[],
): void {
  const { physical, training, operating } = rule.limits as Limits
  const unit = rule.unit === undefined ? '' : ` ${rule.unit.code}`
  const broken = (range: Range | undefined): string | undefined => {
    if (range?.min !== undefined && extent[0] < range.min) return `${extent[0]}${unit} is below ${range.min}${unit}`
    if (range?.max !== undefined && extent[1] > range.max) return `${extent[1]}${unit} is above ${range.max}${unit}`
    return undefined
  }
  const impossible = broken(physical)
  if (impossible !== undefined) throw refuse(invalid, path, `breaks its physical limits: ${impossible}`)
  if (purpose.root === 'output') return
  const unsafe = broken(operating)
  if (unsafe !== undefined && purpose.write)
    throw refuse('out-of-limits', path, `breaks its operating limits: ${unsafe}`)
  if (unsafe !== undefined)
    warnings.push({
      code: 'outside-operating-limits',
      message: `${toPointer(path)}: ${unsafe}`,
      field: toPointer(path),
    })
  const unknown = broken(training)
  if (unknown !== undefined) throw refuse('out-of-limits', path, `is outside what the model was trained on: ${unknown}`)
}

function refuse(code: FaultCode, path: PropertyKey[], problem: string): Fault {
  const field = toPointer(path)
  return new Fault(code, `${field} ${problem}`, { field })
}
