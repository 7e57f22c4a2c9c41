import { describe, expect, it } from 'vitest'
import { overlappedInvokes } from './overlapped-invokes.test-support.ts'

describe('overlapping calls', () => {
  it('of three models, 64 at a time, are all answered and none wrong', async () => {
    const { wrong, lost, answered } = await overlappedInvokes(100_000)
    expect({ wrong, lost, answered }).toEqual({ wrong: 0, lost: 0, answered: 100_000 })
  }, 120_000)
})
