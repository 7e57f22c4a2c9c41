import { tensor } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import type { Golden } from './contract.ts'
import { checkGolden } from './golden.ts'

const asked = (output: Golden['output'], answer: unknown, tolerance: Golden['tolerance'] = 0.1, input = {}) =>
  checkGolden('acme/model', [{ input, output, tolerance }], async () => answer)

describe('a golden answer', () => {
  it('may leave out what is not compared, and differ by the tolerance of each field', async () => {
    await asked({ life: { value: 10 } }, { life: { value: 10.05, low: 3 }, other: 1 })
    await asked({ life: 10, label: 'sound' }, { life: 10.4, label: 'sound' }, { life: 0.5 })
    await asked({ y: tensor(Float32Array.of(1, 2)) }, { y: tensor(Float32Array.of(1.05, 2)) })
  })

  it.each<[string, Golden['output'], unknown, RegExp]>([
    ['a number that is too far off', { life: 10 }, { life: 10.2 }, /'life' is 10.2, should be 10 ± 0.1/],
    ['nothing in place of a zero', { life: 0 }, { life: null }, /'life' is null, should be 0/],
    ['NaN', { life: 0 }, { life: Number.NaN }, /'life' is NaN/],
    ['a text in place of a number', { life: 1 }, { life: '1' }, /'life' is "1", should be 1/],
    ['a longer list', { texts: ['a'] }, { texts: ['a', 'b'] }, /'texts' has 2 items, should have 1/],
    ['no list', { texts: ['a'] }, { texts: 'a' }, /'texts' is "a", should be a list/],
    ['another label', { label: 'a' }, { label: 'b' }, /'label' is "b", should be "a"/],
    [
      'a tensor of another shape',
      { y: tensor(Float32Array.of(1)) },
      { y: tensor(Float32Array.of(1, 2)) },
      /'y' is no tensor/,
    ],
  ])('is refused with %s', async (_, output, answer, message) => {
    await expect(asked(output, answer)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(message),
    })
  })

  it.each<[string, object, RegExp]>([
    ['of no type', { dtype: 'float', shape: [1], data: [1] }, /golden 0: \/input\/x has the dtype "float"/],
    [
      'with a half of an integer',
      { dtype: 'int64', shape: [1], data: [1.5] },
      /golden 0: \/input\/x holds 1.5, which no int64 is/,
    ],
    [
      'with what does not fit',
      { dtype: 'uint8', shape: [1], data: [300] },
      /golden 0: \/input\/x holds 300, which no uint8 is/,
    ],
    [
      'with a word',
      { dtype: 'float32', shape: [1], data: ['1'] },
      /golden 0: \/input\/x holds "1", which no float32 is/,
    ],
    ['of another length', { dtype: 'float32', shape: [2], data: [1] }, /golden 0: \/input\/x: .*shape \[2\]/],
  ])('is asked with no tensor in lists %s', async (_, x, message) => {
    await expect(asked({ y: 1 }, { y: 1 }, 0, { x })).rejects.toThrow(message)
  })

  it('needs a tolerance where numbers are compared', async () => {
    await expect(asked({ life: 10 }, { life: 10 }, {})).rejects.toThrow(/golden 0 states no tolerance for 'life'/)
  })
})
