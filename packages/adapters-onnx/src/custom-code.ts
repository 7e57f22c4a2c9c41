import type { RunResult, Schema } from '@dinrail/core'
import type { CustomInputs, CustomOutputs, FedTensors, NamedTensors, NamedTexts } from './definition.ts'

/** Makes all ONNX inputs in code, where no recipe does: `inputs: customInputs(schema, ({ picture }) => ({ x: tensor(…) }))`. */
export function customInputs<In, Parsed>(
  schema: Schema<In, Parsed>,
  feeds: (input: Parsed) => FedTensors,
): CustomInputs<In> {
  checkCode('customInputs', schema, feeds)
  return { schema, feeds: feeds as CustomInputs<In>['feeds'] }
}

/** Reads the ONNX outputs in code, where no recipe does; it is given the checked input too, and the texts of string tensors. */
export function customOutputs<Answer, Out>(
  schema: Schema<Answer, Out>,
  read: (tensors: NamedTensors, input: Readonly<Record<string, unknown>>, texts: NamedTexts) => RunResult<Answer>,
): CustomOutputs<Out> {
  checkCode('customOutputs', schema, read)
  return { schema: schema as Schema<unknown, Out>, read: read as CustomOutputs<Out>['read'] }
}

export function checkCode(name: string, schema: { readonly '~standard'?: object } | undefined, code: unknown): void {
  if (schema?.['~standard'] === undefined || typeof code !== 'function')
    throw new TypeError(`${name}: pass a schema, such as one of zod, and a function`)
}
