import type { JsonSchema, Limits, Schema } from '@dinrail/core'

/** A number with its meaning. */
export interface ScalarField {
  /** UCUM code. */
  readonly unit: string
  readonly limits?: Limits
  readonly description?: string
}

/** A named tensor, one ONNX input of its own; the batch axis is added where the network has one. */
export interface TensorField {
  /** Name of the ONNX input. */
  readonly input: string
  /** Length of each axis, without the batch axis. */
  readonly shape: readonly number[]
  readonly axes?: readonly string[]
  readonly unit: string
  readonly limits?: Limits
  readonly description?: string
}

/** One of the numbers of a feature vector. */
export interface Feature<Name extends string> extends ScalarField {
  readonly name: Name
}

/** A schema of fields that are all required and that no other may stand beside. */
export function fieldsSchema<Value>(properties: Readonly<Record<string, JsonSchema>>): Schema<Value> {
  const json: JsonSchema = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
  const convert = () => json
  return {
    '~standard': {
      version: 1,
      vendor: 'dinrail-onnx',
      validate: (value) => problemOf(properties, value) ?? { value: value as Value },
      jsonSchema: { input: convert, output: convert },
    },
  }
}

function problemOf(properties: Readonly<Record<string, JsonSchema>>, value: unknown) {
  const problem = (message: string, ...path: string[]) => ({ issues: [{ message, path }] })
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return problem('must be an object with named fields')
  for (const name of Object.keys(properties)) if (!Object.hasOwn(value, name)) return problem(`is missing`, name)
  for (const [name, member] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (schema === undefined)
      return problem(`is no field of this model: it takes ${Object.keys(properties).join(', ')}`, name)
    if (schema.type === 'number' && typeof member !== 'number')
      return problem(`must be a number, not ${typeof member}`, name)
  }
  return undefined
}

export function scalarSchema({ unit, limits, description }: ScalarField): JsonSchema {
  return { type: 'number', unit, ...(limits && { limits }), ...(description && { description }) }
}

export function tensorSchema({ shape, axes, unit, limits, description }: TensorField): JsonSchema {
  return {
    tensor: { dtype: 'float32', shape, ...(axes && { axes }) },
    unit,
    ...(limits && { limits }),
    ...(description && { description }),
  }
}
