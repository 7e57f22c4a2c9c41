import { Fault, type JsonSchema } from '@dinrail/core'

/** What the engine's grammar can enforce of a schema, and the keywords that it cannot. */
export interface Enforceable {
  readonly schema: JsonSchema
  readonly unenforced: readonly string[]
}

/** Members that say something without narrowing what is valid, or that are enforced here. */
const handled = new Set([
  ...['type', 'properties', 'required', 'items', 'prefixItems', 'minItems', 'maxItems', 'minLength', 'maxLength'],
  ...['enum', 'const', 'oneOf', 'anyOf', '$ref', '$defs', 'definitions', 'additionalProperties', 'tensor'],
  ...['minProperties', 'maxProperties'],
  ...[
    '$schema',
    '$id',
    '$comment',
    'title',
    'description',
    'default',
    'examples',
    'deprecated',
    'readOnly',
    'writeOnly',
  ],
  ...['unit', 'quantity', 'semantics', 'limits', 'maxAge', 'missing'],
])
const formats = new Set(['date-time', 'time', 'date'])
const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null'])
const anyScalar = { type: ['string', 'number', 'boolean', 'null'] }
/** A tensor is never written out: what stands for it is its handle. */
const handle = { type: 'object', properties: { handle: { type: 'string', maxLength: 200 } } }
/** Where a schema does not bound a text, the grammar does, so that a wandering model comes to an end. */
const longestText = 2_000

/** What is found out while a schema is read. */
interface Reading {
  readonly unenforced: Set<string>
  readonly defined: ReadonlySet<string>
}

/**
 * A schema in the part of JSON Schema that the engine makes a grammar of. What it makes is always valid except for the
 * keywords that are named; every property is written, optional ones too, which no schema forbids. Throws `unsupported` for
 * a schema whose answers would never end that way, and for references that are none to a definition.
 */
export function enforceable(schema: JsonSchema): Enforceable {
  const unenforced = new Set<string>()
  const defs: Record<string, unknown> = { ...(schema.$defs as object), ...(schema.definitions as object) }
  const reading = { unenforced, defined: new Set(Object.keys(defs)) }
  const converted = convert(schema, reading)
  const named = Object.fromEntries(Object.entries(defs).map(([name, one]) => [name, convert(one, reading)]))
  refuseEndless(named)
  return {
    schema: reading.defined.size === 0 ? converted : { ...converted, $defs: named },
    unenforced: [...unenforced].sort(),
  }
}

function convert(schema: unknown, reading: Reading): JsonSchema {
  if (typeof schema !== 'object' || schema === null) return anyScalar
  const one = schema as JsonSchema
  // Generators say a reference that way where they describe it beside.
  if (Array.isArray(one.allOf) && one.allOf.length === 1 && one.properties === undefined && one.type === undefined)
    return convert(one.allOf[0], reading)
  for (const keyword of Object.keys(one))
    if (!handled.has(keyword) && !(keyword === 'format' && formats.has(String(one.format))))
      reading.unenforced.add(keyword)
  if (one.tensor !== undefined) return handle
  if (typeof one.$ref === 'string') return reference(one.$ref, reading)
  if ('const' in one) return { const: one.const }
  if (Array.isArray(one.enum)) return { enum: one.enum }
  const choices = (one.oneOf ?? one.anyOf) as unknown
  if (Array.isArray(choices) && one.properties !== undefined) {
    // All members are written, so whatever is required is there.
    if (one.oneOf !== undefined || !choices.every(onlyRequires)) reading.unenforced.add(one.oneOf ? 'oneOf' : 'anyOf')
    return object(one, reading)
  }
  if (Array.isArray(choices)) return { oneOf: choices.map((choice) => convert(choice, reading)) }
  if (Array.isArray(one.type)) {
    if (one.type.every((type) => scalars.has(String(type)))) return { type: one.type }
    return { oneOf: one.type.map((type) => convert({ ...one, type }, reading)) }
  }
  switch (one.type) {
    case 'object':
      return object(one, reading)
    case 'array':
      return array(one, reading)
    case 'string': {
      if (formats.has(String(one.format))) return { type: 'string', format: one.format }
      const { minLength, maxLength } = one as { minLength?: number; maxLength?: number }
      const longest = Math.max(longestText, minLength ?? 0)
      return {
        type: 'string',
        ...(minLength !== undefined && { minLength }),
        maxLength: Math.min(maxLength ?? longest, longest),
      }
    }
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { type: one.type }
    default:
      return one.properties === undefined ? anyScalar : object(one, reading)
  }
}

function object(one: JsonSchema, reading: Reading): JsonSchema {
  const properties = Object.entries((one.properties ?? {}) as Record<string, unknown>)
  const others = one.additionalProperties
  const open = typeof others === 'object' && others !== null
  const { minProperties, maxProperties } = one
  return {
    type: 'object',
    properties: Object.fromEntries(properties.map(([key, member]) => [key, convert(member, reading)])),
    // An object that names no members would otherwise always be empty.
    ...(properties.length === 0 && {
      additionalProperties: open ? convert(others, reading) : others !== false,
      ...(minProperties !== undefined && { minProperties }),
      ...(maxProperties !== undefined && { maxProperties }),
    }),
  }
}

function array(one: JsonSchema, reading: Reading): JsonSchema {
  const { items, prefixItems, minItems, maxItems } = one
  if (Array.isArray(prefixItems) && (typeof items !== 'object' || items === null)) {
    // What stands after them is never more than allowed: it is left out.
    const own = prefixItems.map((item) => convert(item, reading))
    return { type: 'array', prefixItems: own, minItems: own.length, maxItems: own.length }
  }
  return {
    type: 'array',
    ...(Array.isArray(prefixItems) && { prefixItems: prefixItems.map((item) => convert(item, reading)) }),
    items: convert(items, reading),
    ...(minItems !== undefined && { minItems }),
    ...(maxItems !== undefined && { maxItems }),
  }
}

function reference($ref: string, { defined }: Reading): JsonSchema {
  const name = /^#\/(?:\$defs|definitions)\/(.+)$/.exec($ref)?.[1]
  if (name === undefined || !defined.has(name))
    throw new Fault('unsupported', `no grammar can follow '${$ref}': refer to a definition of the schema`)
  return { $ref: `#/$defs/${name}` }
}

function onlyRequires(choice: unknown): boolean {
  return typeof choice === 'object' && choice !== null && Object.keys(choice).every((keyword) => keyword === 'required')
}

/** A definition that leads to itself must leave a way out: a list that may be empty, or a choice. */
function refuseEndless(defs: Readonly<Record<string, JsonSchema>>): void {
  const ending = new Set<string>()
  const ends = (schema: JsonSchema): boolean => {
    const {
      $ref,
      oneOf,
      properties,
      prefixItems = [],
      items,
      minItems = 0,
    } = schema as {
      $ref?: string
      oneOf?: JsonSchema[]
      properties?: Record<string, JsonSchema>
      prefixItems?: JsonSchema[]
      items?: JsonSchema
      minItems?: number
    }
    if ($ref !== undefined) return ending.has($ref.slice('#/$defs/'.length))
    if (oneOf !== undefined) return oneOf.some(ends)
    if (properties !== undefined) return Object.values(properties).every(ends)
    return prefixItems.every(ends) && (minItems <= prefixItems.length || items === undefined || ends(items))
  }
  for (let before = -1; ending.size > before; ) {
    before = ending.size
    for (const [name, schema] of Object.entries(defs)) if (ends(schema)) ending.add(name)
  }
  const endless = Object.keys(defs).find((name) => !ending.has(name))
  if (endless !== undefined)
    throw new Fault(
      'unsupported',
      `an answer of '${endless}' never ends, since every property is written: let it be null, or a list`,
    )
}
