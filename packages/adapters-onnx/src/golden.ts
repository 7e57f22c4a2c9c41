import { type DataType, Fault, isTensor, type Tensor, tensor } from '@dinrail/core'
import type { Golden } from './contract.ts'
import { canHold, dataTypes, elementsOf } from './element-types.ts'
import { isCustomInputs } from './prepared-contract.ts'
import type { WholeContract } from './stated-contract.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Asks every golden question. Throws a `TypeError` where one cannot be asked or compared, and `internal` where one is answered
 * differently, with how far off it is.
 */
export async function checkGolden(
  id: string,
  golden: readonly Golden[],
  answer: (input: Fields) => Promise<unknown>,
): Promise<void> {
  for (const [i, one] of golden.entries()) {
    const name = `${id}: golden ${i}`
    const input = revived(one.input, '/input', name) as Fields
    const output = revived(one.output, '/output', name) as Fields
    if (Object.keys(output).length === 0) throw new TypeError(`${name} states no output to compare`)
    const toleranceOf = (field: string) => {
      const { tolerance } = one
      const within = typeof tolerance === 'number' ? tolerance : Object.hasOwn(tolerance, field) && tolerance[field]
      if (typeof within === 'number' && within >= 0) return within
      throw new TypeError(`${name} states no tolerance for '${field}'`)
    }
    let problem: string | undefined
    try {
      const given = (await answer(input)) as Fields
      for (const [field, expected] of Object.entries(output))
        problem ??= differenceOf(expected, given[field], field, () => toleranceOf(field))
    } catch (thrown) {
      if (thrown instanceof TypeError) throw thrown
      const { code, message } = Fault.from(thrown)
      problem = `it ends in ${code}: ${message}`
    }
    if (problem !== undefined)
      throw new Fault(
        'internal',
        `${id} does not give its golden answer ${i}: ${problem}. The weights, the runtime or the contract are not those it was made with`,
      )
  }
}

/** How often a golden question is asked: a window over calls is filled with the one moment that it states. */
export function callsToFill(inputs: WholeContract['inputs'] = {}): number {
  if (isCustomInputs(inputs)) return 1
  const lengths = Object.values(inputs).map((one) =>
    'vector' in one && one.window?.from === 'calls' ? one.window.length : 1,
  )
  return Math.max(1, ...lengths)
}

/** A golden answer is of any time; where the contract states how old a value may be, it is taken as measured now. */
export function measuredNow(value: unknown): unknown {
  const isStated = typeof value === 'object' && value !== null && 'value' in value
  return { ...(isStated ? value : { value }), sourceTime: new Date().toISOString() }
}

/** How an answer differs from the expected one; nothing where it does not. What is left out of an object is not compared. */
function differenceOf(expected: unknown, actual: unknown, at: string, tolerance: () => number): string | undefined {
  if (typeof expected === 'number') {
    const within = tolerance()
    return typeof actual === 'number' && Math.abs(actual - expected) <= within
      ? undefined
      : `'${at}' is ${shown(actual)}, should be ${expected} ± ${within}`
  }
  if (isTensor(expected)) return tensorDifference(expected, actual, at, tolerance())
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `'${at}' is ${shown(actual)}, should be a list`
    if (actual.length !== expected.length) return `'${at}' has ${actual.length} items, should have ${expected.length}`
  }
  if (typeof expected !== 'object' || expected === null)
    return expected === actual ? undefined : `'${at}' is ${shown(actual)}, should be ${shown(expected)}`
  for (const [key, member] of Object.entries(expected)) {
    const difference = differenceOf(member, (actual as Fields | undefined)?.[key], `${at}/${key}`, tolerance)
    if (difference !== undefined) return difference
  }
  return undefined
}

function tensorDifference(expected: Tensor, actual: unknown, at: string, within: number): string | undefined {
  if (!isTensor(actual) || String(actual.shape) !== String(expected.shape))
    return `'${at}' is no tensor of the shape [${expected.shape}]`
  for (let element = 0; element < expected.data.length; element++) {
    const [has, wanted] = [Number(actual.data[element]), Number(expected.data[element])]
    if (!(Math.abs(has - wanted) <= within))
      return `element ${element} of '${at}' is ${has}, should be ${wanted} ± ${within}`
  }
  return undefined
}

/** JSON has no word for NaN and the infinities. */
const shown = (value: unknown) => (typeof value === 'number' ? String(value) : JSON.stringify(value))

/** Tensors that came as JSON, with lists for data, are tensors again. */
function revived(value: unknown, at: string, name: string): unknown {
  if (typeof value !== 'object' || value === null || isTensor(value)) return value
  if (Array.isArray(value)) return value.map((member, i) => revived(member, `${at}/${i}`, name))
  const { dtype, shape, data } = value as { dtype?: unknown; shape?: readonly number[]; data?: unknown }
  if (dtype === undefined || !Array.isArray(shape) || !Array.isArray(data))
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, revived(member, `${at}/${key}`, name)]),
    )
  if (!dataTypes.includes(dtype as DataType))
    throw new TypeError(`${name}: ${at} has the dtype ${shown(dtype)}: use ${dataTypes.join(', ')}`)
  const odd = data.find((element) => !canHold(dtype as DataType, element))
  if (odd !== undefined) throw new TypeError(`${name}: ${at} holds ${shown(odd)}, which no ${dtype} is`)
  try {
    return tensor(elementsOf(data, dtype as DataType) as Float32Array, shape)
  } catch (problem) {
    throw new TypeError(`${name}: ${at}: ${(problem as Error).message}`)
  }
}
