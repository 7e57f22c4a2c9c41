import type { JsonSchema, RunResult, Schema } from '@dinrail/core'
import { copied } from './array-parts.ts'
import type { InputRecipe, NumberField, OnnxContract, OutputRecipe, TextField } from './contract.ts'
import { checkCode } from './custom-code.ts'
import { feedsOfCode, readByCode } from './custom-tensors.ts'
import type { CustomInputs, CustomOutputs } from './definition.ts'
import { checkGiven } from './element-types.ts'
import type { Engine } from './engine.ts'
import { inputSchema, outputSchema, propertiesOf } from './fields-schema.ts'
import { imageInput } from './image-input.ts'
import { charactersOutput, labelsOutput } from './labels-output.ts'
import type { Tensors } from './network.ts'
import type { Fields, Memory, PreparedInput } from './onnx-input.ts'
import type { PreparedOutput } from './onnx-output.ts'
import type { OnnxMetadata, OnnxTensor } from './runtime.ts'
import { constantInput, stateInput, tensorInput } from './tensor-input.ts'
import { tensorOutput } from './tensor-output.ts'
import { isOneText, textInput, textOutput } from './text-fields.ts'
import { confidenceOf, valuesOutput } from './values-output.ts'
import { numberSchema, vectorInput } from './vector-input.ts'

/** All inputs of a network, held against the file and ready for use. */
export interface PreparedInputs {
  readonly schema: Schema
  feed(input: Fields, memory: Memory | undefined): Tensors
  /** By ONNX input: the ONNX output that is its state. */
  readonly states: readonly (readonly [input: string, output: string])[]
  /** Calls that the longest window over calls takes; 0 where nothing is remembered. */
  readonly calls: number
}

/** All outputs of a network that are read. */
export interface PreparedOutputs {
  readonly schema: Schema
  read(tensors: Tensors, input: Fields): RunResult<unknown>
}

type Network = Pick<Engine, 'inputs' | 'outputs'>
type StatedInputs = OnnxContract['inputs'] | CustomInputs<unknown>
type StatedOutputs = OnnxContract['outputs'] | CustomOutputs<unknown>

/** Throws a `TypeError` where recipes and file disagree. */
export function prepareInputs(
  network: Network,
  stated: StatedInputs = {},
  context: OnnxContract['context'] = {},
): PreparedInputs {
  for (const one of network.inputs) refuseUnusable('input', one)
  if (isCustomInputs(stated)) {
    if (Object.keys(context).length > 0)
      throw new TypeError(
        `context is stated beside code for the inputs: state ${Object.keys(context).join(', ')} in its schema`,
      )
    const { schema, feeds } = stated
    checkCode('inputs', schema, feeds)
    return {
      schema: schema as unknown as Schema,
      states: [],
      calls: 0,
      feed: (input) => feedsOfCode(network.inputs, feeds(input as never)),
    }
  }
  const recipes = Object.entries(stated)
  for (const [name] of recipes) metadataOf('inputs', name, network.inputs)
  const unsaid = network.inputs.filter(({ name }) => !Object.hasOwn(stated, name)).map(({ name }) => name)
  if (recipes.length > 0 && unsaid.length > 0)
    throw new TypeError(
      `nothing is stated for the ONNX input${unsaid.length > 1 ? 's' : ''} ${unsaid.join(', ')}: { tensor: {} } takes one as it is`,
    )
  const prepared = network.inputs.map((one) => [one.name, inputOf(one, own(stated, one.name))] as const)
  const states = recipes.flatMap(([name, recipe]) => {
    if (!('state' in recipe)) return []
    const given = metadataOf(`inputs.${name}.state`, recipe.state, network.outputs)
    const taken = metadataOf('inputs', name, network.inputs)
    if (given.type !== taken.type)
      throw new TypeError(
        `inputs.${name}.state: the ONNX output '${given.name}' gives ${given.type}, the ONNX input '${name}' takes ${taken.type}`,
      )
    return [[name, recipe.state] as const]
  })
  const calls = Math.max(0, ...prepared.map(([, one]) => one.calls ?? 0))
  const keepsSessions = states.length > 0 || calls > 0
  const properties = propertiesOf([
    ...prepared.flatMap(([, one]) => Object.entries(one.properties)),
    ...Object.entries<NumberField>(context).map(([name, field]) => [name, numberSchema(field)] as const),
    ...(keepsSessions ? [['session', sessionSchema] as const] : []),
  ])
  return {
    schema: inputSchema(properties, keepsSessions ? ['session'] : []),
    states,
    calls,
    feed(input, memory) {
      const feeds: Record<string, OnnxTensor> = {}
      if (memory !== undefined) memory.filling = undefined
      for (let i = 0; i < prepared.length; i++) {
        const [name, one] = prepared[i]!
        feeds[name] = one.feed(input, memory)
      }
      return feeds
    },
  }
}

const sessionSchema: JsonSchema = {
  type: 'string',
  maxLength: 128,
  description: 'tells several sessions of one caller apart; the model remembers each',
}

function inputOf(metadata: OnnxMetadata, recipe: InputRecipe | undefined): PreparedInput {
  if (recipe === undefined)
    return metadata.type === 'string' ? textInput(metadata, asItIs(metadata)) : tensorInput(metadata, { tensor: {} })
  if ('vector' in recipe) return vectorInput(metadata, recipe)
  if ('tensor' in recipe) return tensorInput(metadata, recipe)
  if ('image' in recipe) return imageInput(metadata, recipe)
  if ('text' in recipe) return textInput(metadata, recipe)
  if ('state' in recipe) return stateInput(metadata, recipe)
  return constantInput(metadata, recipe)
}

/** The recipe of a string tensor of which nothing is said. */
function asItIs({ shape }: OnnxMetadata): { readonly text: TextField } {
  return { text: isOneText(shape) ? {} : { many: true } }
}

/** Throws a `TypeError` where recipes and file disagree. */
export function prepareOutputs(
  network: Network,
  stated: StatedOutputs = {},
  states: PreparedInputs['states'] = [],
): PreparedOutputs {
  for (const one of network.outputs) refuseUnusable('output', one)
  if (isCustomOutputs(stated)) {
    const { schema, read } = stated
    checkCode('outputs', schema, read)
    const kept = states.map(([, output]) => output)
    return {
      schema: schema as Schema,
      read: (tensors, input) => readByCode(read, withoutSharing(tensors, kept), input),
    }
  }
  const named = Object.keys(stated)
  const isState = (name: string) => states.some(([, output]) => output === name)
  const all = network.outputs.filter(({ name }) => !isState(name))
  const read = named.length === 0 ? all : named.map((name) => metadataOf('outputs', name, network.outputs))
  const kept = named.filter(isState)
  const prepared = read.map((one) => [one.name, outputOf(one, own(stated, one.name))] as const)
  const properties = propertiesOf(prepared.flatMap(([, one]) => Object.entries(one.properties)))
  return {
    schema: outputSchema(properties),
    read(given) {
      const tensors = withoutSharing(given, kept)
      const output: Record<string, unknown> = {}
      let confidence: number | undefined
      for (let i = 0; i < prepared.length; i++) {
        const [name, one] = prepared[i]!
        const sure = one.read(tensors[name], output)
        if (sure !== undefined) confidence = confidence === undefined ? sure : confidenceOf([confidence, sure])
      }
      return { output, confidence }
    },
  }
}

/** What is remembered as a state is not the caller's, who may change the answer or hand its memory on. */
function withoutSharing(tensors: Tensors, states: readonly string[]): Tensors {
  if (states.length === 0) return tensors
  const own = { ...tensors }
  for (const name of states) {
    checkGiven(name, tensors[name])
    own[name] = copied(tensors[name])
  }
  return own
}

function outputOf(metadata: OnnxMetadata, recipe: OutputRecipe | undefined): PreparedOutput {
  if (recipe === undefined)
    return metadata.type === 'string' ? textOutput(metadata, asItIs(metadata)) : tensorOutput(metadata, { tensor: {} })
  if ('labels' in recipe) return labelsOutput(metadata, recipe)
  if ('values' in recipe) return valuesOutput(metadata, recipe)
  if ('tensor' in recipe) return tensorOutput(metadata, recipe)
  if ('text' in recipe) return textOutput(metadata, recipe)
  return charactersOutput(metadata, recipe)
}

/** A port may be named as something that every object inherits, such as `constructor`. */
function own<Recipe>(stated: Readonly<Record<string, Recipe>>, name: string): Recipe | undefined {
  return Object.hasOwn(stated, name) ? stated[name] : undefined
}

function refuseUnusable(side: 'input' | 'output', { name, isTensor }: OnnxMetadata): void {
  // As a key it would reach the prototype of whatever holds it.
  if (name === '__proto__') throw new TypeError(`no ONNX ${side} can be named __proto__: rename it in the file`)
  if (!isTensor)
    throw new TypeError(
      `the ONNX ${side} '${name}' is a sequence or map, which no runtime here ${side === 'input' ? 'can be fed' : 'gives back'}: export the model again with ${side === 'input' ? 'tensors only' : 'zipmap=False, or without it'}`,
    )
}

function metadataOf(at: string, name: string, all: readonly OnnxMetadata[]): OnnxMetadata {
  const found = all.find((one) => one.name === name)
  if (found === undefined)
    throw new TypeError(`${at} names '${name}'; the file has ${all.map((one) => one.name).join(', ')}`)
  return found
}

export function isCustomInputs(stated: StatedInputs | null): stated is CustomInputs<unknown> {
  return typeof stated?.feeds === 'function'
}

export function isCustomOutputs(stated: StatedOutputs | null): stated is CustomOutputs<unknown> {
  return typeof stated?.read === 'function'
}
