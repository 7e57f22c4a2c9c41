import { type DataType, Fault, isTensor, type Tensor, tensor } from '@dinrail/core'
import type { Golden } from './contract.ts'
import { elementsOf } from './element-types.ts'

/** Asks every golden question. Throws `internal` where one is answered differently, and says how far off it is. */
export async function checkGolden(
  id: string,
  golden: readonly Golden[],
  answer: (input: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Promise<void> {
  for (const [i, { input, output, tolerance }] of golden.entries()) {
    const actual = await answer(revived(input) as Record<string, unknown>).catch((problem) => {
      throw failed(`it ends in ${Fault.from(problem).code}: ${Fault.from(problem).message}`)
    })
    const fields = Object.entries(revived(output) as Record<string, unknown>)
    if (fields.length === 0) throw new TypeError(`${id}: golden ${i} states no output to compare`)
    for (const [name, expected] of fields) {
      const within = typeof tolerance === 'number' ? tolerance : tolerance[name]
      if (!(within !== undefined && within >= 0))
        throw new TypeError(`${id}: golden ${i} states no tolerance for '${name}'`)
      compare(expected, (actual as Record<string, unknown>)[name], name, within)
    }

    function compare(expected: unknown, actual: unknown, at: string, within: number): void {
      if (typeof expected === 'number') {
        if (!(Math.abs(Number(actual) - expected) <= within))
          throw failed(`'${at}' is ${String(actual)}, should be ${expected} ± ${within}`)
      } else if (isTensor(expected)) compareTensors(expected, actual, at, within)
      else if (typeof expected === 'object' && expected !== null)
        for (const [key, member] of Object.entries(expected))
          compare(member, (actual as Record<string, unknown> | undefined)?.[key], `${at}/${key}`, within)
      else if (expected !== actual)
        throw failed(`'${at}' is ${JSON.stringify(actual)}, should be ${JSON.stringify(expected)}`)
    }

    function compareTensors(expected: Tensor, actual: unknown, at: string, within: number): void {
      if (!isTensor(actual) || String(actual.shape) !== String(expected.shape))
        throw failed(`'${at}' is no tensor of the shape [${expected.shape}]`)
      for (let element = 0; element < expected.data.length; element++) {
        const [has, wanted] = [Number(actual.data[element]), Number(expected.data[element])]
        if (!(Math.abs(has - wanted) <= within))
          throw failed(`element ${element} of '${at}' is ${has}, should be ${wanted} ± ${within}`)
      }
    }

    function failed(what: string): Fault {
      return new Fault(
        'internal',
        `${id} does not give its golden answer ${i}: ${what}. The weights, the runtime or the contract are not those it was made with`,
      )
    }
  }
}

/** Tensors that came as JSON, with lists for data, are tensors again. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isTensor(value)) return value
  const { dtype, shape, data } = value as { dtype?: DataType; shape?: readonly number[]; data?: unknown }
  if (dtype !== undefined && Array.isArray(shape) && Array.isArray(data))
    return tensor(elementsOf(data, dtype) as Float32Array, shape)
  if (Array.isArray(value)) return value.map(revived)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revived(member)]))
}
