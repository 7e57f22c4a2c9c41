import type { DataType } from './tensor.ts'
import { isDataType } from './tensor.ts'
import { parseUnit, type Unit } from './units.ts'

/** JSON Schema 2020-12 whose leaves may carry the Dinrail vocabulary. */
export interface JsonSchema extends Vocabulary {
  readonly [keyword: string]: unknown
}

/** What any schema property may say beyond JSON Schema. zod's `.meta({…})` and TypeBox's options both carry it. */
export interface Vocabulary {
  /** UCUM code, such as `mm/s` or `Cel`. */
  readonly unit?: string
  /** Kind of quantity, such as `vibration-velocity`. Of a `temperature-difference` only the size of the degree is converted. */
  readonly quantity?: string
  /** IRIs or IRDIs of what the property means. */
  readonly semantics?: readonly string[]
  /** In the property's own unit. */
  readonly limits?: Limits
  /** Milliseconds since the source time after which a sample is `stale-input`. */
  readonly maxAge?: number
  /**
   * What happens when the value is absent, null in a sample, or bad: `reject` (unless stated); `hold` takes the last value
   * that the same caller sent, while it is younger than `maxAge`; `impute` takes `default`. Both make the reply uncertain.
   */
  readonly missing?: 'reject' | 'hold' | 'impute'
  readonly tensor?: TensorSchema
}

export interface Limits {
  /** What can exist at all: outside is `invalid-input`. */
  readonly physical?: Range
  /** What the equipment may be told: outside is `out-of-limits` for a write. */
  readonly operating?: Range
  /** What the model has learnt: outside is `out-of-limits`, or an uncertain answer where `outsideTraining` says so. */
  readonly training?: Range
}

/** Both ends belong to the range; a missing end is open. */
export interface Range {
  readonly min?: number
  readonly max?: number
}

export interface TensorSchema {
  readonly dtype: DataType
  /** A number is exact, a string names a length that is free. */
  readonly shape: readonly (number | string)[]
  /** A name per axis, such as `time`. */
  readonly axes?: readonly string[]
}

/** What is to be checked at one place of a value and below it. Recursive schemas make cyclic rules. */
export interface Rule {
  leaf: boolean
  unit?: Unit
  /** A difference of temperatures: units convert without their zero. */
  difference?: true
  limits?: Limits
  maxAge?: number
  missing?: { readonly kind: 'hold' } | { readonly kind: 'impute'; readonly value: unknown }
  tensor?: TensorSchema
  /** Set where even an absent or bare value has to be looked at. */
  needsVisit?: true
  /** Of a whole contract: whether any place in it is held; found at the first call. */
  holds?: boolean
  properties?: Map<string, Rule>
  /** The properties as a list, which is walked faster; made at the first walk. */
  members?: readonly Member[]
  items?: Rule
  prefixItems?: Rule[]
  additional?: Rule
}

/** A property of a rule; a number from `least` to `most` keeps all its limits. */
export interface Member {
  readonly key: string
  readonly rule: Rule
  readonly least: number
  readonly most: number
}

/** Whether the contract of a rule holds values that its callers sent before. */
export function holdsValues(rule: Rule): boolean {
  rule.holds ??= someRule(rule, ({ missing }) => missing?.kind === 'hold')
  return rule.holds
}

/** Whether any place of a schema, at any depth, has a rule of some kind. */
export function someRule(rule: Rule, holds: (rule: Rule) => boolean, seen = new Set<Rule>()): boolean {
  if (seen.has(rule)) return false
  seen.add(rule)
  if (holds(rule)) return true
  const below = [...(rule.properties?.values() ?? []), ...(rule.prefixItems ?? []), rule.items, rule.additional]
  return below.some((one) => one !== undefined && someRule(one, holds, seen))
}

const compiled = new WeakMap<object, Rule>()

/** Compiles the vocabulary of a schema once. Throws a `TypeError` that names the place where it makes no sense. */
export function compileVocabulary(schema: JsonSchema): Rule {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const rule = new Compiler(schema).compile(schema, '')
  compiled.set(schema, rule)
  return rule
}

class Compiler {
  private readonly references = new Map<string, Rule>()

  constructor(private readonly root: JsonSchema) {}

  compile(schema: JsonSchema, at: string): Rule {
    if (at.length > 4096) throw new TypeError('the schema is nested too deeply')
    const rule: Rule = { leaf: isLeaf(schema) }
    this.readKeywords(rule, schema, at)
    if (isObject(schema.properties)) {
      rule.properties = new Map()
      for (const [key, member] of Object.entries(schema.properties)) {
        // Reading a member of this name would read the prototype of every value.
        if (key === '__proto__') throw new TypeError(`a property at ${at} is named __proto__`)
        if (isObject(member)) rule.properties.set(key, this.compile(member, `${at}/properties/${key}`))
      }
    }
    if (isObject(schema.items)) rule.items = this.compile(schema.items, `${at}/items`)
    if (isObject(schema.additionalProperties))
      rule.additional = this.compile(schema.additionalProperties, `${at}/additionalProperties`)
    if (Array.isArray(schema.prefixItems))
      rule.prefixItems = schema.prefixItems.map((item, i) => this.compile(item as JsonSchema, `${at}/prefixItems/${i}`))
    if (typeof schema.$ref === 'string') merge(rule, this.follow(schema.$ref, at), at)
    for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
      const branches = schema[keyword]
      if (!Array.isArray(branches)) continue
      const rules = branches
        .filter((branch) => isObject(branch) && branch.type !== 'null')
        .map((branch, i) => this.compile(branch as JsonSchema, `${at}/${keyword}/${i}`))
      if (rules.length > 0 && rules.every((branch) => branch.leaf)) rule.leaf = true
      for (const branch of rules) merge(rule, branch, at)
    }
    return rule
  }

  private readKeywords(rule: Rule, schema: JsonSchema, at: string): void {
    if (schema.unit !== undefined) rule.unit = parseUnit(schema.unit)
    if (schema.limits !== undefined) rule.limits = checkLimits(schema.limits, at)
    if (schema.maxAge !== undefined) {
      if (!(schema.maxAge >= 0)) throw new TypeError(`maxAge at ${at} is not a number of milliseconds`)
      rule.maxAge = schema.maxAge
    }
    if (schema.quantity === 'temperature-difference') rule.difference = true
    if (schema.missing !== undefined) readMissing(rule, schema, at)
    if (schema.tensor !== undefined) {
      if (!isDataType(schema.tensor.dtype) || !Array.isArray(schema.tensor.shape))
        throw new TypeError(`tensor at ${at} needs a dtype and a shape`)
      rule.tensor = schema.tensor
    }
    if (schema.maxAge !== undefined || rule.missing || rule.tensor) rule.needsVisit = true
  }

  private follow(reference: string, at: string): Rule {
    if (!reference.startsWith('#'))
      throw new TypeError(`$ref ${reference} at ${at} is remote: schemas must stand alone`)
    const known = this.references.get(reference)
    if (known !== undefined) return known
    const placeholder: Rule = { leaf: false }
    this.references.set(reference, placeholder)
    let target: unknown = this.root
    for (const step of reference.split('/').slice(1))
      target = isObject(target)
        ? target[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
        : undefined
    if (!isObject(target)) throw new TypeError(`$ref ${reference} at ${at} leads nowhere`)
    return Object.assign(placeholder, this.compile(target as JsonSchema, reference))
  }
}

export function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readMissing(rule: Rule, { missing, maxAge, default: value }: JsonSchema, at: string): void {
  if (missing === 'hold') {
    // Without an end a value could be held for ever.
    if (maxAge === undefined) throw new TypeError(`missing: 'hold' at ${at} needs maxAge: how old may it be?`)
    rule.missing = { kind: missing }
  } else if (missing === 'impute') {
    if (value === undefined) throw new TypeError(`missing: 'impute' at ${at} needs a default to take`)
    rule.missing = { kind: missing, value }
  } else if (missing !== 'reject') {
    throw new TypeError(`missing at ${at} is ${JSON.stringify(missing)}: use reject, hold or impute`)
  }
}

const leafTypes = new Set(['number', 'integer', 'string', 'boolean', 'null'])

function isLeaf(schema: JsonSchema): boolean {
  if (schema.tensor !== undefined || schema.unit !== undefined) return true
  if (Array.isArray(schema.type)) return schema.type.every((type) => leafTypes.has(type))
  if (schema.type !== undefined) return leafTypes.has(schema.type as string)
  if (Array.isArray(schema.enum)) return schema.enum.every((member) => typeof member !== 'object')
  return schema.const !== undefined && typeof schema.const !== 'object'
}

const limitKinds = ['physical', 'operating', 'training']

function checkLimits(limits: Limits, at: string): Limits {
  for (const [name, range] of Object.entries(limits)) {
    if (!limitKinds.includes(name))
      throw new TypeError(`limits at ${at} have no kind '${name}': use ${limitKinds.join(', ')}`)
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range as Range
    if (!(min <= max)) throw new TypeError(`${name} limits at ${at}: min ${min} is not at most max ${max}`)
  }
  return limits
}

/** Units are compared by what they mean, everything else by how it is written. */
function isSame(one: unknown, other: unknown): boolean {
  const written = (_: string, member: unknown) => (typeof member === 'bigint' ? String(member) : member)
  return JSON.stringify(one, written) === JSON.stringify(other, written)
}

/** Alternatives may repeat a rule but not differ in it, since nobody could say which one a value has to keep. */
function merge(into: Rule, from: Rule, at: string): void {
  if (from.leaf) into.leaf = true
  for (const key of ['unit', 'difference', 'limits', 'maxAge', 'missing', 'needsVisit', 'tensor'] as const) {
    if (from[key] === undefined) continue
    if (into[key] !== undefined && !isSame(into[key], from[key]))
      throw new TypeError(`alternatives at ${at || 'the root'} differ in ${key}: state it once, on the property itself`)
    Object.assign(into, { [key]: from[key] })
  }
  for (const key of ['items', 'additional', 'prefixItems'] as const)
    if (from[key] !== undefined && into[key] === undefined) Object.assign(into, { [key]: from[key] })
  for (const [key, member] of from.properties ?? []) {
    into.properties ??= new Map()
    const present = into.properties.get(key)
    if (present === undefined) into.properties.set(key, member)
    else if (present !== member) merge(present, member, `${at}/${key}`)
  }
}
