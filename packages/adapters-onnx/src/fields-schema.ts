import type { JsonSchema, Schema } from '@dinrail/core'

export type Properties = Readonly<Record<string, JsonSchema>>

/** Fields by their names. Throws a `TypeError` where two have the same one: a caller could not tell them apart. */
export function propertiesOf(fields: readonly (readonly [name: string, schema: JsonSchema])[]): Properties {
  const properties: Record<string, JsonSchema> = {}
  for (const [name, schema] of fields) {
    if (Object.hasOwn(properties, name))
      throw new TypeError(`two fields are named '${name}': each needs a name of its own`)
    properties[name] = schema
  }
  return properties
}

/**
 * A schema of named fields beside which no other may stand, and all of which must be there but for the `optional` ones and those
 * that the call path fills in. Tensors are left to the call path, which checks their form.
 */
export function inputSchema<Value>(properties: Properties, optional: readonly string[] = []): Schema<Value> {
  const names = Object.keys(properties)
  const required = names.filter((name) => !optional.includes(name) && !isFilledIn(properties[name]!))
  const checks = names.map((name) => [name, checkOf(properties[name]!), required.includes(name)] as const)
  /** Whether a field has the name of something that every object inherits, such as `constructor`. */
  const isInherited = names.some((name) => name in Object.prototype)
  const problem = (message: string, ...path: string[]) => ({ issues: [{ message, path }] })

  function validate(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return problem(`must be an object of named fields: ${names.join(', ')}`)
    const members = isInherited ? Object.assign(Object.create(null), value) : value
    let beyond = 0
    for (const _ in value) beyond += 1
    for (let i = 0; i < checks.length; i++) {
      const [name, check, isRequired] = checks[i]!
      const member = (members as Record<string, unknown>)[name]
      if (member !== undefined) beyond -= 1
      const wrong = member !== undefined ? check?.(member) : isRequired ? 'is missing' : undefined
      if (wrong !== undefined) return problem(wrong, name)
    }
    // Where as many are there as were found none is a stranger; more may be one, or a field without a value.
    if (beyond > 0)
      for (const name in value)
        if (!Object.hasOwn(properties, name))
          return problem(`is no field of this model: it takes ${names.join(', ')}`, name)
    return { value: value as Value }
  }
  return schemaOf(objectSchema(properties, required), (value) => {
    try {
      return validate(value)
    } catch (thrown) {
      // A getter or a proxy of the caller may throw anything.
      return problem(`cannot be read: ${String(thrown)}`)
    }
  })
}

/** A schema of what the adapter itself puts together; its numbers are checked by the call path. */
export function outputSchema<Value>(properties: Properties): Schema<Value> {
  return schemaOf(objectSchema(properties, Object.keys(properties)), (value) => ({ value: value as Value }))
}

/** Whether the call path puts something in the place of a missing value, so that callers may leave it out. */
function isFilledIn({ missing }: JsonSchema): boolean {
  return missing === 'hold' || missing === 'impute'
}

export function objectSchema(properties: Properties, required: readonly string[]): JsonSchema {
  return { type: 'object', properties, required, additionalProperties: false }
}

function schemaOf<Value>(json: JsonSchema, validate: Schema<unknown, Value>['~standard']['validate']): Schema<Value> {
  const convert = () => json
  return {
    '~standard': { version: 1, vendor: 'dinrail-onnx', validate, jsonSchema: { input: convert, output: convert } },
  }
}

/** Why a network would answer another text: one that ends before, or one whose halves of characters were replaced. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a NUL character, at which the runtimes end a text: leave it out'
  return /\p{Surrogate}/u.test(text) ? 'holds half a character' : undefined
}

type Check = (member: unknown) => string | undefined

function checkOf({ type, enum: words, maxLength, items, minItems, maxItems }: JsonSchema): Check | undefined {
  if (type === 'array') {
    const check = checkOf(items as JsonSchema)
    return (member) => {
      if (!Array.isArray(member)) return `must be a list, not ${wordFor(member)}`
      if (member.length < (minItems as number) || member.length > (maxItems as number))
        return `has ${member.length} items: from ${minItems} to ${maxItems} may be`
      for (const [i, item] of member.entries()) {
        const wrong = check?.(item)
        if (wrong !== undefined) return `item ${i} ${wrong}`
      }
      return undefined
    }
  }
  if (type === 'number')
    return (member) => (typeof member === 'number' ? undefined : `must be a number, not ${wordFor(member)}`)
  if (Array.isArray(words))
    return (member) => (words.includes(member) ? undefined : `must be one of ${words.join(', ')}`)
  if (type === 'string')
    return (member) => {
      if (typeof member !== 'string') return `must be a text, not ${wordFor(member)}`
      if (member.length > (maxLength as number)) return `has ${member.length} characters, at most ${maxLength}`
      return textProblem(member)
    }
  return undefined
}

function wordFor(value: unknown): string {
  return value === null ? 'null' : typeof value
}
