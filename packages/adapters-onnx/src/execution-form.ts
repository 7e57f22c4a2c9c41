import { anything, listOf, numberFrom, object, oneOf, text, wholeNumber } from './contract-form.ts'

/** Throws a `TypeError` that names the place where an execution has not its form: a misspelt bound would be none. */
export function checkExecution(execution: object): void {
  form(execution, 'execution')
}

const form = object(
  {},
  {
    where: oneOf('here', 'pool', 'measured'),
    pool: anything,
    batching: object({ maximum: wholeNumber }, { waitMs: numberFrom(0), tolerance: numberFrom(0), sample: anything }),
    queue: wholeNumber,
    providers: listOf(text),
  },
)
