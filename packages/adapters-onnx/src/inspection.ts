import { Fault } from '@dinrail/core'
import { locationProblem } from './external-data.ts'
import { type ModelFile, type ModelPort, readModelFile } from './model-file.ts'
import { embeddedContract } from './stated-contract.ts'

/** What can be said of a model's file without running it. */
export interface Inspection extends ModelFile {
  readonly bytes: number
  /** `sha256:` and 64 hexadecimal digits: what to pin. */
  readonly sha256: string
  /** Why no runtime can serve it, each with what to do. */
  readonly refusals: readonly string[]
  /** What may surprise. */
  readonly warnings: readonly string[]
}

export function inspect(bytes: Uint8Array, sha256: string): Inspection {
  const file = readModelFile(bytes)
  return { ...file, bytes: bytes.length, sha256, refusals: refusalsOf(file), warnings: warningsOf(file) }
}

function refusalsOf({ inputs, outputs, operators, externalData, metadata }: ModelFile): string[] {
  const fix = Object.hasOwn(operators, 'ai.onnx.ml.ZipMap') ? 'again with zipmap=False' : 'with tensors only'
  const ports = [...inputs, ...outputs].filter(({ kind }) => kind !== 'tensor' && kind !== 'unknown')
  return [
    ...ports.map(({ name, kind }) => `'${name}' is a ${kind}, which cannot be served: export the model ${fix}`),
    ...externalData.flatMap((location) => {
      const problem = locationProblem(location)
      return problem === undefined ? [] : [`weights are kept in ${JSON.stringify(location)}, which ${problem}`]
    }),
    ...contractProblem(metadata),
  ]
}

function contractProblem(metadata: ModelFile['metadata']): string[] {
  try {
    embeddedContract(metadata)
    return []
  } catch (problem) {
    return [Fault.from(problem).message]
  }
}

const random = /^(RandomNormal|RandomUniform|Multinomial|Bernoulli)/
const loops = /^(Loop|Scan)$/
const known = /^(?!.*\.)|^ai\.onnx/

function warningsOf({ inputs, outputs, operators, externalData, opsets }: ModelFile): string[] {
  const warnings: string[] = []
  const names = Object.keys(operators)
  for (const location of externalData)
    if (locationProblem(location) === undefined)
      warnings.push(`weights are kept beside the file, in ${location}: both must be deployed`)
  for (const port of inputs)
    if (port.kind === 'tensor' && port.dims === undefined)
      warnings.push(`the input '${port.name}' does not say how many axes it has`)
  if (!hasBatchAxis(inputs) || !hasBatchAxis(outputs))
    warnings.push('not every input and output begins with an open axis: calls cannot be joined into batches')
  const foreign = names.filter((name) => !known.test(name))
  if (foreign.length > 0) warnings.push(`${foreign.join(', ')}: not of ONNX itself, so not every runtime has them`)
  const looping = names.filter((name) => loops.test(name))
  if (looping.length > 0) warnings.push(`${looping.join(', ')}: a run may take any time: serve it in a worker pool`)
  const dice = names.filter((name) => random.test(name))
  if (dice.length > 0) warnings.push(`${dice.join(', ')}: the same input may get other answers`)
  if (Object.keys(opsets).length === 0) warnings.push('no operator set is stated')
  return warnings
}

const hasBatchAxis = (ports: readonly ModelPort[]) =>
  ports.every(({ dims: [first] = [] }) => typeof first === 'string' || first === -1)

/** A port as a person reads it: `features  float32 [batch, 64]`. */
export function portText({ name, kind, type, dims, description }: ModelPort): string {
  const shape = dims === undefined ? '' : ` [${dims.map((length) => (length === -1 ? '?' : length)).join(', ')}]`
  return `${name}  ${kind === 'tensor' ? (type ?? 'a type that cannot be fed') : kind}${shape}${description === '' ? '' : `  ${description}`}`
}
