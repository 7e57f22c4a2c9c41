import { canonicalJson } from './digest.ts'
import { Fault } from './fault.ts'
import { deepestNesting } from './nesting.ts'
import { isObject, type JsonSchema } from './vocabulary.ts'

/** Says why a value breaks the schema, as a sentence with the place; undefined where it keeps it. */
export type AnswerCheck = (value: unknown) => string | undefined

/**
 * Holds values against the schema that a caller asked an answer to keep (JSON Schema 2020-12). Such a schema comes from
 * strangers: nothing of it is compiled or run, every walk is bounded, and `pattern` and `format` assert nothing, since a
 * pattern can be made to run for ever. Throws `unsupported` for a schema that cannot be checked like this.
 */
export function answerCheck(schema: JsonSchema): AnswerCheck {
  const known = checks.get(schema)
  if (known !== undefined) return known
  refuseUncheckable(schema, schema, 0)
  const check: AnswerCheck = (value) => {
    let steps = 0
    return problemOf({ root: schema, step: () => ++steps > mostSteps }, schema, value, '', 0)
  }
  checks.set(schema, check)
  return check
}

const checks = new WeakMap<object, AnswerCheck>()
/** References can make a small schema branch for ever: no honest answer needs as many steps. */
const mostSteps = 1_000_000

type Json = Readonly<Record<string, unknown>>

const uncheckable = ['unevaluatedProperties', 'unevaluatedItems', 'patternProperties', '$dynamicRef', '$recursiveRef']
const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
const oneSchema = ['items', 'additionalProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else']
const listOfSchemas = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const namedSchemas = ['properties', '$defs', 'definitions', 'dependentSchemas']

function refuseUncheckable(root: JsonSchema, schema: unknown, depth: number): void {
  if (!isObject(schema)) return
  if (depth > deepestNesting) throw unsupported(`it is nested more than ${deepestNesting} deep`)
  const found = uncheckable.find((keyword) => Object.hasOwn(schema, keyword))
  if (found !== undefined) throw unsupported(`'${found}' cannot be checked here`)
  const wrong = [schema.type ?? []].flat().find((name) => !types.includes(name as string))
  if (wrong !== undefined) throw unsupported(`${JSON.stringify(wrong)} is no type`)
  for (const names of [schema.required, ...Object.values(members(schema.dependentRequired))])
    if (list(names).some((name) => typeof name !== 'string')) throw unsupported('it requires what is no name')
  if (schema.$ref !== undefined) resolve(root, schema.$ref)
  for (const keyword of oneSchema) refuseUncheckable(root, schema[keyword], depth + 1)
  for (const keyword of listOfSchemas)
    if (Array.isArray(schema[keyword])) for (const one of schema[keyword]) refuseUncheckable(root, one, depth + 1)
  for (const keyword of namedSchemas)
    for (const one of Object.values(members(schema[keyword]))) refuseUncheckable(root, one, depth + 1)
}

/** Only places in the same schema are known. */
function resolve(root: JsonSchema, reference: unknown): unknown {
  const [start, ...steps] = typeof reference === 'string' ? reference.split('/') : []
  let at: unknown = start === '#' ? root : undefined
  for (const step of steps) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Json)[name] : undefined
  }
  if (at === undefined) throw unsupported(`it refers to ${JSON.stringify(reference)}, which is not in it`)
  return at
}

/** A percent sign that begins nothing stands for itself. */
function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

interface Walk {
  readonly root: JsonSchema
  /** Whether the walk has become too long. */
  readonly step: () => boolean
}

function problemOf(walk: Walk, schema: unknown, value: unknown, at: string, depth: number): string | undefined {
  if (schema === false) return `${place(at)} is not allowed`
  if (!isObject(schema)) return undefined
  if (depth > deepestNesting || walk.step()) throw unsupported('checking an answer against it does not end')
  const below = (one: unknown, of = value, where = at) => problemOf(walk, one, of, where, depth + 1)
  const holds = (one: unknown) => below(one) === undefined
  return (
    plainProblem(schema, value, at) ??
    (schema.$ref === undefined ? undefined : below(resolve(walk.root, schema.$ref))) ??
    combinedProblem(schema, holds, below, at) ??
    (typeof value === 'string'
      ? lengthProblem(schema, 'Length', [...value].length, 'characters', at)
      : typeof value === 'number'
        ? numberProblem(schema, value, at)
        : Array.isArray(value)
          ? arrayProblem(schema, value, below, at)
          : isObject(value)
            ? objectProblem(schema, value, below, at)
            : undefined)
  )
}

type Below = (schema: unknown, value?: unknown, at?: string) => string | undefined

function plainProblem({ type, enum: allowed, const: only }: Json, value: unknown, at: string): string | undefined {
  const types = type === undefined ? [] : Array.isArray(type) ? type : [type]
  if (types.length > 0 && !types.some((name) => isOfType(name, value)))
    return `${place(at)} must be ${types.join(' or ')}`
  if (Array.isArray(allowed) && !allowed.some((one) => isEqual(one, value)))
    return `${place(at)} must be one of ${JSON.stringify(allowed).slice(0, 200)}`
  return only === undefined || isEqual(only, value) ? undefined : `${place(at)} must be ${JSON.stringify(only)}`
}

function combinedProblem(schema: Json, holds: (one: unknown) => boolean, below: Below, at: string): string | undefined {
  for (const one of list(schema.allOf)) {
    const problem = below(one)
    if (problem !== undefined) return problem
  }
  const any = list(schema.anyOf)
  if (any.length > 0 && !any.some(holds)) return any.length === 1 ? below(any[0]) : `${place(at)} fits no allowed form`
  const one = list(schema.oneOf)
  if (one.length > 0) {
    const fitting = one.filter(holds).length
    if (fitting !== 1) return `${place(at)} must fit exactly one of ${one.length} forms, and fits ${fitting}`
  }
  if (schema.not !== undefined && holds(schema.not)) return `${place(at)} has a form that is not allowed`
  return schema.if === undefined ? undefined : below(holds(schema.if) ? schema.then : schema.else)
}

function numberProblem(schema: Json, value: number, at: string): string | undefined {
  const bound = (name: string) => (typeof schema[name] === 'number' ? schema[name] : Number.NaN)
  if (value < bound('minimum')) return `${place(at)} must be at least ${bound('minimum')}`
  if (value > bound('maximum')) return `${place(at)} must be at most ${bound('maximum')}`
  if (value <= bound('exclusiveMinimum')) return `${place(at)} must be above ${bound('exclusiveMinimum')}`
  if (value >= bound('exclusiveMaximum')) return `${place(at)} must be below ${bound('exclusiveMaximum')}`
  const times = value / bound('multipleOf')
  // A multiple of 0.1 is none in binary: what differs by rounding alone is one.
  return Math.abs(times - Math.round(times)) > 1e-9 * Math.max(1, Math.abs(times))
    ? `${place(at)} must be a multiple of ${bound('multipleOf')}`
    : undefined
}

function arrayProblem(schema: Json, value: readonly unknown[], below: Below, at: string): string | undefined {
  const sized = lengthProblem(schema, 'Items', value.length, 'items', at)
  if (sized !== undefined) return sized
  const first = list(schema.prefixItems)
  for (let i = 0; i < value.length; i++) {
    const problem = below(i < first.length ? first[i] : schema.items, value[i], `${at}/${i}`)
    if (problem !== undefined) return problem
  }
  if (schema.uniqueItems === true && new Set(value.map(canonicalJson)).size < value.length)
    return `${place(at)} must not hold the same item twice`
  if (schema.contains === undefined) return undefined
  const fitting = value.filter((one) => below(schema.contains, one) === undefined).length
  const { minContains = 1, maxContains = value.length } = schema as Readonly<Record<string, number>>
  return fitting < minContains || fitting > maxContains
    ? `${place(at)} holds ${fitting} items of a form that is counted`
    : undefined
}

function objectProblem(schema: Json, value: Json, below: Below, at: string): string | undefined {
  const names = Object.keys(value)
  const sized = lengthProblem(schema, 'Properties', names.length, 'members', at)
  if (sized !== undefined) return sized
  for (const name of list(schema.required))
    if (!Object.hasOwn(value, name as string)) return `${place(at)} needs ${JSON.stringify(name)}`
  const properties = members(schema.properties)
  for (const name of names) {
    const where = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const rule = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties
    const problem = below(schema.propertyNames, name, where) ?? below(rule, value[name], where)
    if (problem !== undefined) return problem
    const needed = list(members(schema.dependentRequired)[name])
    for (const other of needed)
      if (!Object.hasOwn(value, other as string)) return `${place(at)} needs ${JSON.stringify(other)} beside ${name}`
    const dependent = below(members(schema.dependentSchemas)[name])
    if (dependent !== undefined) return dependent
  }
  return undefined
}

function lengthProblem(schema: Json, of: string, is: number, what: string, at: string): string | undefined {
  const [least, most] = [schema[`min${of}`], schema[`max${of}`]]
  if (typeof least === 'number' && is < least) return `${place(at)} must have at least ${least} ${what}`
  if (typeof most === 'number' && is > most) return `${place(at)} must have at most ${most} ${what}`
  return undefined
}

function isOfType(name: unknown, value: unknown): boolean {
  switch (name) {
    case 'integer':
      return Number.isInteger(value)
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    default:
      return typeof value === name
  }
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && canonicalJson(one) === canonicalJson(other))
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const members = (value: unknown): Json => (isObject(value) ? value : {})
const place = (at: string) => at || 'it'

function unsupported(problem: string): Fault {
  return new Fault('unsupported', `the responseSchema is refused: ${problem}`, { field: '/input/responseSchema' })
}
