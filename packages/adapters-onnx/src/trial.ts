import { dataOf, elementsOf } from './element-types.ts'
import type { Network, NetworkCall, Tensors } from './network.ts'
import { joinRows, splitRows } from './rows.ts'
import type { OnnxData, OnnxTensor } from './runtime.ts'
import { sampleFeeds } from './sample-feeds.ts'

/** Longest time that trying a network may take. */
const longestTrialMs = 30_000

export const trialCall = (): NetworkCall => ({
  deadline: Date.now() + longestTrialMs,
  isOver: false,
  signal: new AbortController().signal,
})

/**
 * Why joined runs would answer otherwise than single ones: some networks mix the rows of a batch. Tries three rows that differ
 * alone and together. Nothing where each number is within the tolerance, absolute and relative.
 */
export async function mixingProblem(
  network: Network,
  tolerance: number,
  sample: Tensors | undefined,
): Promise<string | undefined> {
  const rows = sample === undefined ? [1, 2, 3].map((seed) => sampleFeeds(network.inputs, seed)) : rowsLike(sample)
  if (!rows.every((row) => row !== undefined))
    return 'no input can be made up from what the file says: state batching.sample'
  const alone: Tensors[] = []
  try {
    for (const row of rows) alone.push(await network.run(row, trialCall()))
  } catch (problem) {
    const made = sample === undefined ? 'made-up numbers: state' : 'numbers like those of'
    return `it refuses ${made} batching.sample: ${(problem as Error).message}`
  }
  let together: Tensors[]
  try {
    const names = network.inputs.map(({ name }) => name)
    const ones = rows.map(() => 1)
    together = splitRows(await network.run(joinRows(names, rows, ones), trialCall()), ones)
  } catch (problem) {
    return `it refuses three rows at once: ${(problem as Error).message}`
  }
  for (const [index, results] of alone.entries())
    for (const [name, tensor] of Object.entries(results)) {
      const joined = comparable(name, together[index]![name]!)
      for (const [at, single] of comparable(name, tensor).entries())
        if (!isClose(single, joined[at], tolerance))
          return `'${name}' is ${single} alone and ${joined[at]} among others: the network mixes rows`
    }
  return undefined
}

/** Half floats are numbers and not their bits. */
function comparable(name: string, tensor: OnnxTensor): OnnxData {
  return tensor.type === 'string' ? tensor.data : dataOf(name, tensor)
}

function isClose(single: unknown, joined: unknown, tolerance: number): boolean {
  if (typeof single !== 'number' || typeof joined !== 'number') return single === joined
  return Object.is(single, joined) || Math.abs(single - joined) <= tolerance * Math.max(1, Math.abs(single))
}

/** Three rows that differ, made of one: numbers of its own size, and whole ones that are indexes wherever it holds indexes. */
function rowsLike(sample: Tensors): readonly Tensors[] {
  return [0, 1, 2].map((row) =>
    Object.fromEntries(Object.entries(sample).map(([name, tensor]) => [name, varied(name, tensor, row)])),
  )
}

const factors = [1, -0.5, 0.25] as const

function varied(name: string, tensor: OnnxTensor, row: number): OnnxTensor {
  const { type, data } = tensor
  // What texts a network takes cannot be made up.
  if (type === 'string') return tensor
  const numbers = dataOf(name, tensor) as ArrayLike<number | bigint>
  if (type.startsWith('float'))
    return {
      ...tensor,
      data: elementsOf(
        Array.from(numbers, (one) => Number(one) * factors[row]!),
        type,
      ),
    }
  if (row === 0) return tensor
  if (row === 1) return { ...tensor, data: (data as Int32Array).slice().reverse() }
  const halves = Array.from(numbers, (one) => (typeof one === 'bigint' ? one / 2n : Math.trunc(one / 2)))
  // Below two are the numbers that most tables have.
  const isSame = halves.every((one, i) => one === numbers[i])
  return { ...tensor, data: elementsOf(isSame ? halves.map(() => 1) : halves, type) }
}

/**
 * Milliseconds of a run that nothing disturbs: of the shortest of five, after a first one that does not count. Nothing where the
 * network cannot be tried.
 */
export async function undisturbedRunMs(network: Network, lastRunMs: () => number): Promise<number | undefined> {
  const feeds = sampleFeeds(network.inputs)
  if (feeds === undefined) return undefined
  const times: number[] = []
  try {
    await network.run(feeds, trialCall())
    for (let round = 0; round < 5; round++) {
      await network.run(feeds, trialCall())
      times.push(lastRunMs())
    }
  } catch {
    return undefined
  }
  return Math.min(...times)
}
