import { type Descriptor, Fault, parseJson } from '@dinrail/core'
import {
  type EmbeddedContract,
  type InputRecipe,
  metadataKey,
  type NumberField,
  type OnnxContract,
  type OutputRecipe,
} from './contract.ts'
import { checkForm } from './contract-form.ts'
import type { OnnxDescriptor } from './definition.ts'
import { withMetadata } from './model-file.ts'
import { isCustomInputs, isCustomOutputs } from './prepared-contract.ts'
import type { WholeContract } from './served-model.ts'

/** The longest contract that is read from a file, in UTF-16 code units. */
const longestContract = 4 * 1024 * 1024

/** What a file says of itself. Throws `invalid-input` where it is no contract. */
export function embeddedContract(metadata: Readonly<Record<string, string>>): EmbeddedContract {
  const text = Object.hasOwn(metadata, metadataKey) ? metadata[metadataKey] : undefined
  if (text === undefined) return {}
  const field = `/model/metadata_props/${metadataKey}`
  const refused = (problem: string) =>
    new Fault('invalid-input', `the contract in the file ${problem}: write it again with embedDescriptor`, { field })
  if (text.length > longestContract) throw refused(`has ${text.length} characters, at most ${longestContract} may be`)
  let value: unknown
  try {
    value = parseJson(text)
  } catch (problem) {
    throw refused(`is no JSON (${Fault.from(problem).message})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('is no JSON object')
  try {
    checkForm(value)
  } catch (problem) {
    throw refused(`has another form: ${Fault.from(problem).message}`)
  }
  return value as EmbeddedContract
}

/**
 * The same file with its contract inside, so that `onnxModel({ runtime, model })` suffices. Everything else in it stays byte
 * for byte; its SHA-256 is another one. Throws a `TypeError` where the contract has another form or none in JSON, and
 * `invalid-input` where the bytes are no ONNX file.
 */
export function embedDescriptor(bytes: Uint8Array, contract: EmbeddedContract): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(contract, plain)
  checkForm(JSON.parse(text) as object)
  return withMetadata(bytes, { [metadataKey]: text })
}

/**
 * What a descriptor says of how its network is fed and read, in the words of `onnxModel`: with the same file, and no other,
 * it makes the same model. Throws a `TypeError` for a descriptor of another adapter, and where code feeds or reads.
 */
export function contractOf(descriptor: Descriptor): EmbeddedContract & { readonly sha256?: string } {
  const { onnx, id, version, title, description, task, place, outsideTraining, timing, confidence, provenance } =
    descriptor as OnnxDescriptor<unknown, unknown>
  if (onnx === undefined) throw new TypeError(`${id} does not say how an ONNX network is fed and read`)
  const { inputs, outputs, ...rest } = onnx
  for (const [side, recipes] of Object.entries({ inputs, outputs }))
    if (recipes === 'code') throw new TypeError(`the ${side} of ${id} are made by code, which no descriptor holds`)
  const told = { id, version, title, description, task, place, outsideTraining, timing, confidence, provenance }
  const known = { ...told, inputs, outputs, ...rest, sha256: provenance?.artefact }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

/** Tensors of golden answers as lists; everything else that JSON would lose is refused. */
function plain(this: unknown, key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, (one) => checkedNumber(key, Number(one)))
  if (typeof value === 'number') return checkedNumber(key, value)
  if (typeof value === 'function' || typeof value === 'bigint' || typeof value === 'symbol')
    throw new TypeError(`embedDescriptor: '${key}' is a ${typeof value}, which has no JSON form`)
  return value
}

function checkedNumber(key: string, value: number): number {
  if (!Number.isFinite(value)) throw new TypeError(`embedDescriptor: '${key}' is ${value}, which has no JSON form`)
  return value
}

/**
 * What is stated, over what stands in the file. Who the model is and what its numbers mean must be the same in both; throws
 * a `TypeError` that names both sides otherwise. All else is the author's to say again.
 */
export function mergedContract(embedded: EmbeddedContract, stated: WholeContract): WholeContract {
  checkSame('id', embedded.id, stated.id)
  const inputs = stated.inputs !== undefined && isCustomInputs(stated.inputs) ? undefined : stated.inputs
  const outputs = stated.outputs !== undefined && isCustomOutputs(stated.outputs) ? undefined : stated.outputs
  checkForm({ ...stated, inputs, outputs })
  checkMeanings('inputs', inputMeanings(embedded.inputs), inputMeanings(inputs))
  checkMeanings('context', contextMeanings(embedded.context), contextMeanings(stated.context))
  checkMeanings('outputs', outputMeanings(embedded.outputs), outputMeanings(outputs))
  return {
    ...embedded,
    ...stated,
    inputs: inputs === stated.inputs ? { ...embedded.inputs, ...inputs } : stated.inputs!,
    context: { ...embedded.context, ...stated.context },
    outputs: outputs === stated.outputs ? { ...embedded.outputs, ...outputs } : stated.outputs!,
  }
}

function checkSame(what: string, inFile: unknown, stated: unknown): void {
  if (inFile === undefined || stated === undefined) return
  const [one, other] = [JSON.stringify(inFile), JSON.stringify(stated)]
  if (one !== other)
    throw new TypeError(
      `${what} is ${other} as stated and ${one} in the file: load the file that belongs to this contract, or correct one of them`,
    )
}

/** What a value means, by a name for it: fields in their order, units, labels. */
type Meanings = Readonly<Record<string, unknown>>

function checkMeanings(what: string, inFile: Meanings, stated: Meanings): void {
  for (const [name, meaning] of Object.entries(stated)) checkSame(`${what}.${name}`, inFile[name], meaning)
}

function inputMeanings(inputs: OnnxContract['inputs'] = {}): Meanings {
  const meaningOf = (recipe: InputRecipe): unknown => {
    if ('vector' in recipe)
      return recipe.vector.map((one) => [one.name, 'categories' in one ? one.categories : one.unit])
    if ('tensor' in recipe) return recipe.tensor.unit
    return undefined
  }
  return mapped(inputs, meaningOf)
}

function contextMeanings(context: OnnxContract['context'] = {}): Meanings {
  return mapped(context, ({ unit }: NumberField) => unit)
}

function outputMeanings(outputs: OnnxContract['outputs'] = {}): Meanings {
  const meaningOf = (recipe: OutputRecipe): unknown => {
    if ('labels' in recipe) return recipe.labels
    if ('values' in recipe) return recipe.values.map(({ name, unit }) => [name, unit])
    if ('tensor' in recipe) return recipe.tensor.unit
    return undefined
  }
  return mapped(outputs, meaningOf)
}

function mapped<One>(record: Readonly<Record<string, One>>, of: (one: One) => unknown): Meanings {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [name, of(one)]))
}
