import { describe, expect, it } from 'vitest'
import { halfBits } from './half-floats.ts'
import type { Network, Tensors } from './network.ts'
import type { OnnxType } from './runtime.ts'
import { mixingProblem, undisturbedRunMs } from './trial.ts'

/** x[batch, 1] → y[batch, 1] as half floats, each off by so much where there are several. */
function halves(off: number): Network {
  const port = (name: string, type: string) => ({ name, isTensor: true, type, shape: ['batch', 1] })
  return {
    inputs: [port('x', 'float32')],
    outputs: [port('y', 'float16')],
    parallel: 1,
    async run({ x }) {
      const rows = x!.dims[0]!
      const data = Uint16Array.from(x!.data as Float32Array, (one) => halfBits(one + (rows > 1 ? off : 0)))
      return { y: { type: 'float16', dims: [rows, data.length / rows], data } }
    },
    dispose: async () => {},
  }
}
const sample: Tensors = { x: { type: 'float32', dims: [1, 1], data: Float32Array.of(2 ** -20) } }

/** x[batch, n] → y[batch, 1]: the mean of all its rows. */
function meanOfRows(type: OnnxType): Network {
  return {
    inputs: [{ name: 'x', isTensor: true, type, shape: ['batch', 'n'] }],
    outputs: [{ name: 'y', isTensor: true, type: 'float32', shape: ['batch', 1] }],
    parallel: 1,
    async run({ x }) {
      const rows = x!.dims[0]!
      const sum = Array.from(x!.data as Uint8Array, Number).reduce((total, one) => total + one, 0)
      return { y: { type: 'float32', dims: [rows, 1], data: new Float32Array(rows).fill(sum / rows) } }
    },
    dispose: async () => {},
  }
}

describe('a network that mixes rows', () => {
  it.each([
    ['int64', BigInt64Array.of(7n)],
    ['int64', BigInt64Array.of(0n, 0n)],
    ['int32', Int32Array.of(-1, 5)],
    ['uint8', Uint8Array.of(3, 3)],
    ['bool', Uint8Array.of(1)],
  ] as const)('is seen by a sample of whole numbers: %s %s', async (type, data) => {
    const x = { type, dims: [1, data.length], data }
    expect(await mixingProblem(meanOfRows(type), 1e-5, { x })).toMatch(/the network mixes rows/)
  })
})

describe('how long a run takes', () => {
  it('is not said by the moments in which the machine did something else, nor by the first run', async () => {
    const times = [40, 9, 0.2, 9, 9, 9]
    let runs = 0
    const counted: Network = {
      ...meanOfRows('float32'),
      inputs: [],
      run: async () => {
        runs += 1
        return {}
      },
    }
    expect(await undisturbedRunMs(counted, () => times[runs - 1]!)).toBe(0.2)
  })
})

describe('rows together and alone', () => {
  it('are of whole numbers that the sample holds, or of half of them', async () => {
    const fed: unknown[] = []
    const network = halves(0)
    const watched: Network = {
      ...network,
      run: (feeds, call) => {
        fed.push(Array.from(feeds.x!.data as Int32Array))
        return network.run(feeds, call)
      },
    }
    await mixingProblem(watched, 1e-5, { x: { type: 'int32', dims: [1, 3], data: Int32Array.of(2, 5, 9) } })
    expect(fed.slice(0, 3)).toEqual([
      [2, 5, 9],
      [9, 5, 2],
      [1, 2, 4],
    ])
  })

  it('are compared as numbers where they are half floats', async () => {
    // Below zero the bits of a half float are far from those above.
    expect(await mixingProblem(halves(-(2 ** -19)), 1e-5, sample)).toBeUndefined()
    expect(await mixingProblem(halves(0.5), 1e-5, sample)).toMatch(/'y' is 9\.5\d+e-7 alone and 0\.5 among others/)
  })
})
