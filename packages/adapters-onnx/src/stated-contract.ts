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
import type { CustomInputs, CustomOutputs, OnnxDescriptor } from './definition.ts'
import { withMetadata } from './model-file.ts'
import { isCustomInputs, isCustomOutputs } from './prepared-contract.ts'

/** What is stated in code, in the file, or both, in one. */
export type WholeContract = Omit<EmbeddedContract, 'inputs' | 'outputs'> & {
  readonly inputs?: OnnxContract['inputs'] | CustomInputs<unknown>
  readonly outputs?: OnnxContract['outputs'] | CustomOutputs<unknown>
}

/** The longest contract that is read from a file, in UTF-16 code units. */
const longestContract = 4 * 1024 * 1024

/** What a file says of itself. Throws `invalid-input` where it is no contract. */
export function embeddedContract(metadata: Readonly<Record<string, string>>): EmbeddedContract {
  const text = Object.hasOwn(metadata, metadataKey) ? metadata[metadataKey] : undefined
  if (text === undefined) return {}
  const field = `/model/metadata_props/${metadataKey}`
  try {
    return contractIn(text)
  } catch (problem) {
    const { message } = Fault.from(problem)
    throw new Fault('invalid-input', `the contract in the file ${message}: write it again with embedDescriptor`, {
      field,
    })
  }
}

/** Throws a `TypeError` whose words go on from what holds the contract. */
function contractIn(text: string): EmbeddedContract {
  if (text.length > longestContract)
    throw new TypeError(`has ${text.length} characters, at most ${longestContract} may be`)
  let value: unknown
  try {
    value = parseJson(text)
  } catch (problem) {
    throw new TypeError(`is no JSON (${Fault.from(problem).message})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('is no JSON object')
  try {
    checkForm(value)
  } catch (problem) {
    throw new TypeError(`has another form: ${Fault.from(problem).message}`)
  }
  return value as EmbeddedContract
}

/**
 * The same file with its contract inside, so that `onnxModel({ runtime, model })` suffices. Everything else in it stays byte
 * for byte; its SHA-256 is another one. Throws a `TypeError` where the contract has another form or none in JSON, and
 * `invalid-input` where the bytes are no ONNX file.
 */
export function embedDescriptor(bytes: Uint8Array, contract: EmbeddedContract): Uint8Array<ArrayBuffer> {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError('embedDescriptor: pass the bytes of the file, such as (await readModel(path)).bytes')
  const text = JSON.stringify(contract ?? null, plain)
  try {
    contractIn(text)
  } catch (problem) {
    throw new TypeError(`embedDescriptor: the contract ${Fault.from(problem).message}`)
  }
  return withMetadata(bytes, { [metadataKey]: text })
}

/**
 * What a descriptor says of how its network is fed and read, in the words of `onnxModel`: with the same file, and no other,
 * it makes the same model. Throws a `TypeError` for a descriptor of another adapter, and where code feeds or reads.
 */
export function contractOf(descriptor: Descriptor): EmbeddedContract & { readonly sha256?: string } {
  const { onnx, id, version, title, description, task, place, outsideTraining, timing, confidence, provenance } =
    descriptor as OnnxDescriptor<unknown, unknown>
  if (typeof onnx !== 'object' || onnx === null)
    throw new TypeError(`${id} does not say how an ONNX network is fed and read`)
  const { inputs, outputs, ...rest } = onnx
  for (const [side, recipes] of Object.entries({ inputs, outputs }))
    if (recipes === 'code') throw new TypeError(`the ${side} of ${id} are made by code, which no descriptor holds`)
  const told = { id, version, title, description, task, place, outsideTraining, timing, confidence, provenance }
  const known = { ...told, inputs, outputs, ...rest, sha256: provenance?.artefact }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

/** Tensors of golden answers as lists; everything else that JSON would lose is refused. */
function plain(this: unknown, key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value))
    return Array.from(value as Uint8Array | BigInt64Array, (one: number | bigint) => checkedNumber(key, one))
  if (typeof value === 'number') return checkedNumber(key, value)
  if (typeof value === 'function' || typeof value === 'bigint' || typeof value === 'symbol')
    throw new TypeError(`embedDescriptor: '${key}' is a ${typeof value}, which has no JSON form`)
  return value
}

function checkedNumber(key: string, value: number | bigint): number {
  const number = Number(value)
  if (typeof value === 'bigint' && !Number.isSafeInteger(number))
    throw new TypeError(`embedDescriptor: '${key}' holds ${value}, which JSON has no exact number for`)
  if (!Number.isFinite(number)) throw new TypeError(`embedDescriptor: '${key}' is ${value}, which has no JSON form`)
  return number
}

/**
 * What is stated, over what stands in the file. Who the model is and what its numbers mean must be the same in both; throws
 * a `TypeError` that names both sides otherwise. All else is the author's to say again.
 */
export function mergedContract(embedded: EmbeddedContract, given: WholeContract): WholeContract {
  const stated = withoutUnsaid(given)
  const inputs = isCustomInputs(stated.inputs) ? undefined : withoutUnsaid(stated.inputs)
  const outputs = isCustomOutputs(stated.outputs) ? undefined : withoutUnsaid(stated.outputs)
  const context = withoutUnsaid(stated.context)
  checkForm({ ...stated, inputs, outputs, context })
  checkSame('id', embedded.id, stated.id)
  checkMeanings('inputs', inputMeanings(embedded.inputs), inputMeanings(inputs))
  checkMeanings('context', contextMeanings(embedded.context), contextMeanings(context))
  checkMeanings('outputs', outputMeanings(embedded.outputs), outputMeanings(outputs))
  return {
    ...embedded,
    ...stated,
    inputs: isCustomInputs(stated.inputs) ? stated.inputs : { ...embedded.inputs, ...inputs },
    context: { ...embedded.context, ...context },
    outputs: isCustomOutputs(stated.outputs) ? stated.outputs : { ...embedded.outputs, ...outputs },
  }
}

/** What is passed on as undefined is not said, least of all that the file's golden answers or its novelty are nothing. */
function withoutUnsaid<Stated>(stated: Stated): Stated {
  if (typeof (stated ?? 0) !== 'object' || Array.isArray(stated)) return stated
  return Object.fromEntries(Object.entries(stated as object).filter(([, value]) => value !== undefined)) as Stated
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
  for (const [name, meaning] of Object.entries(stated))
    if (Object.hasOwn(inFile, name)) checkSame(`${what}.${name}`, inFile[name], meaning)
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
    if ('characters' in recipe) return recipe.characters.alphabet
    if ('tensor' in recipe) return recipe.tensor.unit
    return undefined
  }
  return mapped(outputs, meaningOf)
}

function mapped<One>(record: Readonly<Record<string, One>>, of: (one: One) => unknown): Meanings {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [name, of(one)]))
}
