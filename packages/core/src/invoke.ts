import { checkBounds, checkFreshness, unwrapSamples } from './checks.ts'
import { hex } from './digest.ts'
import { Fault, isFault } from './fault.ts'
import type {
  Attempt,
  Caller,
  InvokeOptions,
  Model,
  ModelReference,
  Quality,
  Reply,
  RunContext,
  RunResult,
  Warning,
} from './model.ts'
import { worseQuality } from './quality.ts'
import type { Stated } from './sample.ts'
import { validate } from './schema.ts'
import { compileVocabulary } from './vocabulary.ts'

/**
 * Calls a model: deadline → admission → schema and units → freshness and quality → limits → run → output → reply. Settles by the
 * deadline whatever the model does, with a `Reply` or by throwing a `Fault`.
 */
export async function invoke<In, Out, Part>(
  model: Model<In, Out, Part>,
  input: NoInfer<In | Stated<In>>,
  options: InvokeOptions,
): Promise<Reply<Out>> {
  if (!(options.deadlineMs > 0)) throw new TypeError('invoke needs deadlineMs: milliseconds from now, above 0')
  return settle(model, new Call(input, options, Date.now() + options.deadlineMs))
}

const anonymous: Caller = { id: 'anonymous' }

/** One call in flight. What costs time to make is made when it is first asked for. */
class Call implements RunContext {
  readonly caller: Caller
  readonly priority: number
  readonly usage: Attempt[] = []
  inputQuality: Quality = 'good'
  private readonly controller = new AbortController()
  private knownCallId: string | undefined
  private knownTrace: string | undefined
  private knownKey: string | undefined

  constructor(
    readonly statedInput: unknown,
    readonly options: Partial<InvokeOptions>,
    readonly deadline: number,
  ) {
    this.caller = options.caller ?? anonymous
    this.priority = options.priority ?? 5
    this.knownTrace = options.trace
    this.knownKey = options.idempotencyKey
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  get callId(): string {
    this.knownCallId ??= crypto.randomUUID()
    return this.knownCallId
  }

  get trace(): string {
    this.knownTrace ??= `00-${randomHex(16)}-${randomHex(8)}-01`
    return this.knownTrace
  }

  get idempotencyKey(): string {
    this.knownKey ??= crypto.randomUUID()
    return this.knownKey
  }

  abort(fault: Fault): void {
    this.controller.abort(fault)
  }

  async invoke<In, Out, Part>(
    model: Model<In, Out, Part>,
    input: NoInfer<In | Stated<In>>,
    options: Partial<InvokeOptions> = {},
  ): Promise<Reply<Out>> {
    const deadline = Math.min(this.deadline, Date.now() + (options.deadlineMs ?? Number.POSITIVE_INFINITY))
    const signal = options.signal === undefined ? this.signal : AbortSignal.any([this.signal, options.signal])
    const { caller, priority, trace } = this
    try {
      const reply = await settle(model, new Call(input, { caller, priority, trace, ...options, signal }, deadline))
      this.usage.push(...reply.usage)
      return reply
    } catch (thrown) {
      const fault = Fault.from(thrown)
      this.usage.push(...(fault.usage ?? []))
      throw fault
    }
  }
}

/** Races the work against its deadline and its caller, then reports, whichever came first. */
async function settle<In, Out, Part>(model: Model<In, Out, Part>, call: Call): Promise<Reply<Out>> {
  const started = performance.now()
  const { id, version } = model.descriptor
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopListening: (() => void) | undefined
  try {
    const interrupted = new Promise<never>((_, reject) => {
      const give = (fault: Fault) => {
        call.abort(fault)
        reject(fault)
      }
      const remaining = call.deadline - Date.now()
      const late = () => give(new Fault('deadline-exceeded', `${id} did not answer by its deadline`))
      if (remaining <= 0) return late()
      // The longest delay that a timer can hold is about 25 days; a later deadline needs no timer to be kept.
      if (remaining < 2 ** 31) timer = setTimeout(late, remaining)
      const { signal } = call.options
      if (signal === undefined) return
      const cancelled = () => give(cancellation(signal))
      if (signal.aborted) return cancelled()
      signal.addEventListener('abort', cancelled, { once: true })
      stopListening = () => signal.removeEventListener('abort', cancelled)
    })
    interrupted.catch(() => {})
    const { result, quality, warnings } = await Promise.race([interrupted, answer(model, call)])
    const elapsedMs = performance.now() - started
    const self: ModelReference = { id, version }
    call.usage.push(
      ...(result.usage ?? [{ model: self, outcome: 'ok', elapsedMs, ...(result.spent && { spent: result.spent }) }]),
    )
    return {
      output: result.output,
      ...(result.confidence !== undefined && { confidence: result.confidence }),
      quality,
      warnings,
      usage: [...call.usage],
      servedBy: result.servedBy ?? [self],
      elapsedMs,
    }
  } catch (thrown) {
    const fault = Fault.from(thrown)
    const attempt: Attempt = { model: { id, version }, outcome: fault.code, elapsedMs: performance.now() - started }
    // A fault that a proxy brings home has already counted the attempt on the other side.
    const own =
      fault.origin === 'remote' && call.usage.length === 0 && fault.usage !== undefined ? fault.usage : [attempt]
    const ended = fault.with({ model: fault.model ?? id, usage: [...call.usage, ...own] })
    try {
      await model.onFault?.(ended, call)
    } catch (problem) {
      throw ended.with({ details: { fault: ended.details, notRecorded: Fault.from(problem).message } })
    }
    throw ended
  } finally {
    clearTimeout(timer)
    stopListening?.()
  }
}

function cancellation(signal: AbortSignal): Fault {
  return isFault(signal.reason) ? signal.reason : new Fault('cancelled', 'the caller gave up')
}

interface Answer<Out> {
  readonly result: RunResult<Out>
  readonly quality: Quality
  readonly warnings: readonly Warning[]
}

async function answer<In, Out, Part>(model: Model<In, Out, Part>, call: Call): Promise<Answer<Out>> {
  const { descriptor, schemas } = model
  if (model.admit !== undefined) await model.admit(call)
  const { input, warnings } =
    model.inputChecks === 'where-it-runs' ? { input: call.statedInput, warnings: [] } : await checkedInput(model, call)

  const result = await model.run(input as In, call)

  if (typeof result !== 'object' || result === null || !('output' in result))
    throw new Fault('invalid-output', `${descriptor.id} must answer { output }, not ${typeof result}`, {
      field: '/output',
    })
  const output = schemas === undefined ? { value: result.output } : await validate(schemas.output, result.output)
  if ('problem' in output)
    throw new Fault('invalid-output', `${descriptor.id}: /output${output.pointer}: ${output.problem}`, {
      field: `/output${output.pointer}`,
    })
  warnings.push(...checkBounds(compileVocabulary(descriptor.output), output.value, { root: 'output', write: false }))
  const { confidence } = result
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1))
    throw new Fault('invalid-output', `${descriptor.id}: confidence ${confidence} is not a probability`, {
      field: '/confidence',
    })
  return {
    result: { ...result, output: output.value as Out },
    quality: worseQuality(result.quality ?? 'good', call.inputQuality),
    warnings: [...warnings, ...(result.warnings ?? [])],
  }
}

interface CheckedInput {
  /** In the contract's own units. */
  readonly input: unknown
  readonly warnings: Warning[]
}

async function checkedInput({ descriptor, schemas }: Model, call: Call): Promise<CheckedInput> {
  const rule = compileVocabulary(descriptor.input)
  const { value: bare, measured } = unwrapSamples(rule, call.statedInput)
  const checked = schemas === undefined ? { value: bare } : await validate(schemas.input, bare)
  if ('problem' in checked)
    throw new Fault('invalid-input', `${descriptor.id}: /input${checked.pointer}: ${checked.problem}`, {
      field: `/input${checked.pointer}`,
    })
  call.inputQuality = checkFreshness(measured, Date.now())
  const warnings = checkBounds(rule, checked.value, { root: 'input', write: descriptor.effect !== 'none' })
  return { input: checked.value, warnings }
}

function randomHex(bytes: number): string {
  return hex(crypto.getRandomValues(new Uint8Array(bytes)))
}
