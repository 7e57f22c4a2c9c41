import { anything, listOf, numberFrom, object, oneOf, text, wholeNumber } from './contract-form.ts'

/** Throws a `TypeError` that names the place where an execution has not its form: a misspelt bound would be none. */
export function checkExecution(execution: object): void {
  form(execution, 'execution')
}

const form = object(
  {},
  {
    where: oneOf('here', 'pool', 'measured'),
    pool: (value, at) => {
      if (typeof (value as { load?: unknown })?.load !== 'function')
        throw new TypeError(`${at} is no pool: pass what workerPool of @dinrail/adapters-onnx/worker-pool gives`)
    },
    batching: object({ maximum: wholeNumber }, { waitMs: numberFrom(0), tolerance: numberFrom(0), sample: anything }),
    queue: wholeNumber,
    providers: listOf(text),
  },
)
