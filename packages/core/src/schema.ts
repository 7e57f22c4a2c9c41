import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonSchema } from './vocabulary.ts'

/**
 * A schema as authors write it: any Standard Schema that can also state itself as JSON Schema, such as zod 4. TypeBox
 * and plain JSON Schema come in through `jsonSchema(…)` of `@dinrail/core/json-schema`.
 */
export interface Schema<In = unknown, Out = In> {
  readonly '~standard': StandardSchemaV1.Props<In, Out> & StandardJSONSchemaV1.Props<In, Out>
}

/** What a caller may write. */
export type InputOf<S extends Schema> = NonNullable<S['~standard']['types']>['input']
/** What comes out of validation: defaults filled in. */
export type OutputOf<S extends Schema> = NonNullable<S['~standard']['types']>['output']

/** A schema as JSON Schema 2020-12. Throws a `TypeError` where it holds something that JSON Schema cannot say. */
export function toJsonSchema(schema: Schema, side: 'input' | 'output'): JsonSchema {
  const target = 'draft-2020-12'
  const standard = schema['~standard']
  const convert = standard.jsonSchema[side]
  try {
    return convert({ target })
  } catch {
    // A tensor has no JSON type, so schema libraries refuse it; every other hole in the result is the author's mistake.
    const loose = convert({ target, libraryOptions: { unrepresentable: 'any' } })
    refuseHoles(loose, '')
    return loose
  }
}

const annotations = new Set([
  'title',
  'description',
  'default',
  'examples',
  'unit',
  'limits',
  'quantity',
  'semantics',
  'maxAge',
  'missing',
])

function refuseHoles(schema: JsonSchema, at: string): void {
  if (Object.keys(schema).every((keyword) => annotations.has(keyword)))
    throw new TypeError(
      `the schema at ${at || 'its root'} has no JSON Schema form: use a type that has one, or state its \`tensor\``,
    )
  for (const [key, member] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>))
    refuseHoles(member, `${at}/${key}`)
  if (typeof schema.items === 'object' && schema.items !== null) refuseHoles(schema.items as JsonSchema, `${at}/items`)
}

/** The first thing that is wrong with a value, or the value as the schema gives it back. */
export type Verdict = { readonly value: unknown } | { readonly problem: string; readonly pointer: string }

/** Runs a whole-value validator; synchronous ones stay synchronous. */
export function validate(schema: Schema, value: unknown): Verdict | Promise<Verdict> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(toVerdict) : toVerdict(result)
}

function toVerdict(result: StandardSchemaV1.Result<unknown>): Verdict {
  if (result.issues === undefined) return result
  const issue = result.issues[0]
  const path = (issue?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
  const more = result.issues.length > 1 ? ` (and ${result.issues.length - 1} more)` : ''
  return { problem: `${issue?.message ?? 'not valid'}${more}`, pointer: toPointer(path) }
}

/** RFC 6901 JSON Pointer. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
