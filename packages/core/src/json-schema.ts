import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Schema } from './schema.ts'
import type { DataType, Tensor } from './tensor.ts'
import type { JsonSchema } from './vocabulary.ts'

/**
 * The door for TypeBox and plain JSON Schema 2020-12: makes a `Schema` of either, with the type that it describes.
 * Throws a `TypeError` where the schema itself is wrong.
 */
export function jsonSchema<const S extends object>(schema: S): Schema<FromJsonSchema<S>> {
  const check = compile(schema)
  // Symbols that a library keeps on its schemas are no part of JSON.
  const plain = JSON.parse(JSON.stringify(schema)) as JsonSchema
  return {
    '~standard': {
      version: 1,
      vendor: 'dinrail-json-schema',
      validate: (value) =>
        check(value) ? { value: value as FromJsonSchema<S> } : { issues: (check.errors ?? []).map(toIssue) },
      jsonSchema: { input: () => plain, output: () => plain },
    },
  }
}

const vocabulary = ['unit', 'quantity', 'semantics', 'limits', 'maxAge', 'missing', 'tensor']

function compile(schema: object): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false })
  ajv.addVocabulary(vocabulary)
  try {
    return ajv.compile(schema)
  } catch (problem) {
    throw new TypeError(`jsonSchema: ${(problem as Error).message}`)
  }
}

function toIssue({ message, instancePath, params }: ErrorObject) {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const { missingProperty, additionalProperty } = params as { missingProperty?: string; additionalProperty?: string }
  const extra = missingProperty ?? additionalProperty
  return { message: message ?? 'not valid', path: extra === undefined ? path : [...path, extra] }
}

/** The type that a TypeBox schema or a literal JSON Schema describes; `unknown` where it says too little. */
export type FromJsonSchema<S> = S extends { static: infer Static }
  ? Static
  : S extends { tensor: { dtype: infer Type extends DataType } }
    ? Tensor<Type>
    : S extends { const: infer Value }
      ? Value
      : S extends { enum: readonly (infer Member)[] }
        ? Member
        : S extends { type: 'object'; properties: infer Properties }
          ? FromProperties<Properties, S extends { required: readonly (infer Key)[] } ? Key : never>
          : S extends { type: 'array'; items: infer Item }
            ? FromJsonSchema<Item>[]
            : S extends { type: infer Name extends keyof NamedTypes }
              ? NamedTypes[Name]
              : unknown

interface NamedTypes {
  number: number
  integer: number
  string: string
  boolean: boolean
  null: null
}

type FromProperties<Properties, Required> = {
  -readonly [Key in keyof Properties as Key extends Required ? Key : never]: FromJsonSchema<Properties[Key]>
} & { -readonly [Key in keyof Properties as Key extends Required ? never : Key]?: FromJsonSchema<Properties[Key]> }
