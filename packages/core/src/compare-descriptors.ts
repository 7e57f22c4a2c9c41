import { authorities, type Descriptor } from './descriptor.ts'
import { canonicalJson } from './digest.ts'
import { toPointer } from './schema.ts'
import { isObject } from './vocabulary.ts'

/** What a new descriptor means for those who planned against the old one. */
export interface Comparison {
  /** The worst of the changes. */
  readonly verdict: ChangeVerdict | 'same'
  readonly changes: readonly Change[]
}

/**
 * `compatible`: no caller notices. `widened`: every old call still works, more is possible. `breaking`: what was accepted may be
 * refused, what was promised may not be kept, or the same value means something else.
 */
export type ChangeVerdict = 'compatible' | 'widened' | 'breaking'

export interface Change {
  /** JSON Pointer into the descriptor, such as `/input/properties/speed/limits/operating/max`. */
  readonly field: string
  readonly verdict: ChangeVerdict
  readonly message: string
}

/** How the set of values that a schema allows has changed; `incomparable` where that cannot be said. */
type Direction = 'narrower' | 'wider' | 'equal' | 'incomparable'
type Json = Readonly<Record<string, unknown>>
type Path = readonly string[]

/** Compares two descriptors field by field: inputs may only widen, outputs only narrow. */
export function compareDescriptors(older: Descriptor, newer: Descriptor): Comparison {
  const [before, after] = [ownMembers(older), ownMembers(newer)]
  const changes: Change[] = []
  compareMembers(before, after, changes)
  compareSchemas(before.input, after.input, ['input'], sides.input, changes)
  compareSchemas(before.output, after.output, ['output'], sides.output, changes)
  const rank = ['compatible', 'widened', 'breaking'] as const
  const worst = Math.max(-1, ...changes.map(({ verdict }) => rank.indexOf(verdict)))
  return { verdict: rank[worst] ?? 'same', changes }
}

/** What a caller notices when the values that a side allows become fewer or more. */
type Side = Readonly<Record<Exclude<Direction, 'equal'>, ChangeVerdict>>

const sides: Readonly<Record<'input' | 'output', Side>> = {
  input: { narrower: 'breaking', wider: 'widened', incomparable: 'breaking' },
  output: { narrower: 'compatible', wider: 'breaking', incomparable: 'breaking' },
}

const breakingMembers = new Set(['specVersion', 'id', 'effect'])

function compareMembers(before: Json, after: Json, changes: Change[]): void {
  for (const key of namesOf(before, after)) {
    if (key === 'input' || key === 'output' || key === '~types' || isEqual(before[key], after[key])) continue
    if (key === 'supports' || key === 'chat') compareCapabilities(key, before[key], after[key], changes)
    else if (key === 'safety') compareSafety(before[key], after[key], changes)
    else {
      const refuses = key === 'outsideTraining' && (after[key] ?? 'refuse') === 'refuse'
      const verdict =
        key === 'outsideTraining'
          ? refuses
            ? 'breaking'
            : 'widened'
          : breakingMembers.has(key)
            ? 'breaking'
            : 'compatible'
      changes.push(changeOf([key], verdict, before[key], after[key]))
    }
  }
}

/** A capability that goes breaks whoever used it; one that comes breaks nobody. */
function compareCapabilities(key: string, before: unknown, after: unknown, changes: Change[]): void {
  if (!isObject(before) || !isObject(after)) {
    changes.push(changeOf([key], before === undefined ? 'widened' : 'breaking', before, after))
    return
  }
  for (const name of namesOf(before, after)) {
    const [was, is] = [before[name], after[name]]
    if (isEqual(was, is)) continue
    changes.push(changeOf([key, name], isMore(was, is) ? 'widened' : 'breaking', was, is))
  }
}

function isMore(was: unknown, is: unknown): boolean {
  if (was === undefined || was === false || was === 'none') return true
  if (typeof was === 'number' && typeof is === 'number') return is > was
  return Array.isArray(was) && Array.isArray(is) && was.every((member) => is.includes(member))
}

function compareSafety(before: unknown, after: unknown, changes: Change[]): void {
  if (!isObject(before) || !isObject(after)) {
    changes.push(changeOf(['safety'], after === undefined ? 'widened' : 'breaking', before, after))
    return
  }
  for (const name of namesOf(before, after)) {
    const [was, is] = [before[name], after[name]]
    if (isEqual(was, is)) continue
    const ranks: readonly unknown[] = authorities
    const stricter =
      name === 'authority'
        ? ranks.indexOf(is) < ranks.indexOf(was)
        : name === 'interlocks' && Array.isArray(was) && Array.isArray(is) && is.some((one) => !was.includes(one))
    const noticed = name === 'authority' || name === 'interlocks'
    changes.push(changeOf(['safety', name], stricter ? 'breaking' : noticed ? 'widened' : 'compatible', was, is))
  }
}

/** Deeper schemas are compared whole: equal or not. */
const deepest = 64
const annotations = new Set([
  'title',
  'description',
  'examples',
  '$comment',
  'deprecated',
  'semantics',
  '$schema',
  '$id',
])
/** The same bare value means something else as soon as one of these changes. */
const meanings = new Set(['unit', 'quantity'])
const lowerBounds = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'min'])
const upperBounds = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'max', 'maxAge'])
/** Their presence restricts, but two different ones cannot be ordered. */
const restrictions = new Set(['pattern', 'format', 'multipleOf', 'uniqueItems', 'const', 'contains', 'not'])

function compareSchemas(before: unknown, after: unknown, path: Path, side: Side, changes: Change[]): void {
  if (isEqual(before, after)) return
  if (!isObject(before) || !isObject(after) || path.length > deepest) {
    const direction =
      before === false || after === true ? 'wider' : before === true || after === false ? 'narrower' : 'incomparable'
    changes.push(changeOf(path, side[direction], before, after))
    return
  }
  for (const keyword of namesOf(before, after)) {
    const [was, is] = [before[keyword], after[keyword]]
    const at = [...path, keyword]
    if (isEqual(was, is)) continue
    if (keyword === 'properties') compareProperties(before, after, at, side, changes)
    else if (keyword === 'limits') compareLimits(was, is, at, side, changes)
    else if (keyword === 'items' || keyword === 'additionalProperties')
      compareSchemas(was ?? true, is ?? true, at, side, changes)
    else if (keyword === 'prefixItems' && Array.isArray(was) && Array.isArray(is) && was.length === is.length)
      for (const [i, item] of was.entries()) compareSchemas(item, is[i], [...at, String(i)], side, changes)
    else if (keyword === 'default') changes.push(changeOf(at, defaultVerdict(was, side), was, is))
    else if (annotations.has(keyword)) changes.push(changeOf(at, 'compatible', was, is))
    else {
      const direction = directionOf(keyword, was, is)
      if (direction !== 'equal') changes.push(changeOf(at, side[direction], was, is))
    }
  }
}

/** Who left the member out got the old default; who could not leave it out before loses nothing. */
function defaultVerdict(was: unknown, side: Side): ChangeVerdict {
  if (side === sides.output) return 'compatible'
  return was === undefined ? 'widened' : 'breaking'
}

function directionOf(keyword: string, was: unknown, is: unknown): Direction {
  if (meanings.has(keyword)) return 'incomparable'
  if (lowerBounds.has(keyword)) return boundDirection(is, was, Number.NEGATIVE_INFINITY)
  if (upperBounds.has(keyword)) return boundDirection(was, is, Number.POSITIVE_INFINITY)
  if (keyword === 'type') return setDirection(typesOf(was), typesOf(is))
  if (keyword === 'enum') return setDirection(was, is)
  if (keyword === 'required') return reversed(setDirection(was ?? [], is ?? []))
  if (keyword === 'missing') return missingDirection(was, is)
  if (keyword === 'tensor') return tensorDirection(was, is)
  if (restrictions.has(keyword)) return was === undefined ? 'narrower' : is === undefined ? 'wider' : 'incomparable'
  return 'incomparable'
}

/** Growing from `low` to `high` allows more. */
function boundDirection(low: unknown, high: unknown, open: number): Direction {
  const [a, b] = [low ?? open, high ?? open]
  if (typeof a !== 'number' || typeof b !== 'number') return 'incomparable'
  return a === b ? 'equal' : a < b ? 'wider' : 'narrower'
}

function setDirection(was: unknown, is: unknown): Direction {
  if (was === undefined) return 'narrower'
  if (is === undefined) return 'wider'
  if (!Array.isArray(was) || !Array.isArray(is)) return 'incomparable'
  const holds = (set: readonly unknown[], member: unknown) => set.some((one) => isEqual(one, member))
  const grown = was.every((member) => holds(is, member))
  const shrunk = is.every((member) => holds(was, member))
  return grown && shrunk ? 'equal' : grown ? 'wider' : shrunk ? 'narrower' : 'incomparable'
}

function reversed(direction: Direction): Direction {
  return direction === 'wider' ? 'narrower' : direction === 'narrower' ? 'wider' : direction
}

/** Every integer is a number. */
function typesOf(type: unknown): unknown {
  const types = typeof type === 'string' ? [type] : type
  return Array.isArray(types) && types.includes('number') ? [...types, 'integer'] : types
}

function missingDirection(was: unknown, is: unknown): Direction {
  if ((was ?? 'reject') === (is ?? 'reject')) return 'equal'
  if ((was ?? 'reject') === 'reject') return 'wider'
  return (is ?? 'reject') === 'reject' ? 'narrower' : 'incomparable'
}

function tensorDirection(was: unknown, is: unknown): Direction {
  if (!isObject(was) || !isObject(is) || was.dtype !== is.dtype) return 'incomparable'
  const [a, b] = [was.shape, is.shape]
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return 'incomparable'
  const directions = a.map((length, axis): Direction => {
    const [freeBefore, freeAfter] = [typeof length === 'string', typeof b[axis] === 'string']
    if (freeBefore && freeAfter) return 'equal'
    return freeAfter ? 'wider' : freeBefore ? 'narrower' : length === b[axis] ? 'equal' : 'incomparable'
  })
  const moved = new Set(directions.filter((direction) => direction !== 'equal'))
  return moved.size === 0 ? 'equal' : moved.size === 1 ? [...moved][0]! : 'incomparable'
}

function compareProperties(before: Json, after: Json, path: Path, side: Side, changes: Change[]): void {
  const was = isObject(before.properties) ? before.properties : nothing
  const is = isObject(after.properties) ? after.properties : nothing
  for (const name of namesOf(was, is)) {
    const at = [...path, name]
    if (was[name] !== undefined && is[name] !== undefined) compareSchemas(was[name], is[name], at, side, changes)
    // What a schema does not name it may still allow, as an extra of any kind: callers are taken not to have sent that.
    else if (is[name] !== undefined)
      changes.push(changeOf(at, side === sides.input ? 'widened' : 'compatible', undefined, is[name]))
    else changes.push(changeOf(at, 'breaking', was[name], undefined))
  }
}

function compareLimits(was: unknown, is: unknown, path: Path, side: Side, changes: Change[]): void {
  const [before, after] = [isObject(was) ? was : nothing, isObject(is) ? is : nothing]
  for (const kind of namesOf(before, after)) {
    const [old, now] = [before[kind] ?? nothing, after[kind] ?? nothing]
    if (!isObject(old) || !isObject(now)) continue
    for (const end of ['min', 'max']) {
      const direction = directionOf(end, old[end], now[end])
      if (direction !== 'equal') changes.push(changeOf([...path, kind, end], side[direction], old[end], now[end]))
    }
  }
}

function changeOf(path: Path, verdict: ChangeVerdict, was: unknown, is: unknown): Change {
  const field = toPointer(path)
  if (was === undefined) return { field, verdict, message: `${field} is new: ${shown(is)}` }
  if (is === undefined) return { field, verdict, message: `${field} is gone: it was ${shown(was)}` }
  return { field, verdict, message: `${field} was ${shown(was)} and is ${shown(is)}` }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function namesOf(before: Json, after: Json): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
}

/** An object without members, its prototype's included. */
const nothing: Json = Object.create(null)

/** A copy without prototypes: a schema may name a member as a prototype names one, such as `toString`. */
function ownMembers(descriptor: Descriptor): Json {
  return JSON.parse(canonicalJson(descriptor), (_, value) =>
    isObject(value) ? Object.assign(Object.create(null), value) : value,
  )
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b
  return canonicalJson(a) === canonicalJson(b)
}
