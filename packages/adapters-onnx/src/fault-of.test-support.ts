import type { Fault } from '@dinrail/core'
import { expect } from 'vitest'

/** The fault that a call ends in; one that is answered fails the test. */
export const faultOf = (promise: Promise<unknown>): Promise<Fault> =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )
