import { describe, expect, it } from 'vitest'
import { halfBits } from './half-floats.ts'
import type { Network, Tensors } from './network.ts'
import { mixingProblem } from './trial.ts'

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
      return { y: { type: 'float16', dims: [rows, 1], data } }
    },
    dispose: async () => {},
  }
}
const sample: Tensors = { x: { type: 'float32', dims: [1, 1], data: Float32Array.of(2 ** -20) } }

describe('rows together and alone', () => {
  it('are compared as numbers where they are half floats', async () => {
    // Below zero the bits of a half float are far from those above.
    expect(await mixingProblem(halves(-(2 ** -19)), 1e-5, sample)).toBeUndefined()
    expect(await mixingProblem(halves(0.5), 1e-5, sample)).toMatch(/'y' is 9\.5\d+e-7 alone and 0\.5 among others/)
  })
})
