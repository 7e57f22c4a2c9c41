import { anything, listOf, numberFrom, object, oneOf, text, wholeNumber } from './contract-form.ts'

/** Throws a `TypeError` that names the place where an execution has not its form: a misspelt bound would be none. */
export function checkExecution(execution: object): void {
  form(execution, 'execution')
}

/** As `checkExecution`, for what `workerPool` is made of. */
export function checkPool(options: object): void {
  poolForm(options, 'workerPool')
}

const poolForm = object({
  runtime: (value, at) => {
    if (!(value instanceof URL) && (typeof value !== 'string' || value === ''))
      throw new TypeError(`${at} is no address: pass import.meta.resolve('onnxruntime-web')`)
  },
  workers: wholeNumber,
  environment: anything,
  longestLoadMs: numberFrom(1),
})

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
