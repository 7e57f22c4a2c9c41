import { descriptorProblem } from '../descriptor.ts'
import { canonicalJson } from '../digest.ts'
import { Fault, type FaultCode } from '../fault.ts'
import { isGuarded } from '../guard.ts'
import { invoke, stream } from '../invoke.ts'
import type { Caller, InvokeOptions, Model, Reply } from '../model.ts'
import type { Check, Need } from './report.ts'
import { freshInput, spoiltInputs } from './spoilt-inputs.ts'

export interface ModelUnderTest<In> {
  /** Makes a fresh model for each check. */
  readonly create: () => Model<In, unknown, unknown> | Promise<Model<In, unknown, unknown>>
  /** An input that the model answers. */
  readonly input: In
  /** Who asks; a guarded model answers nobody else. */
  readonly caller?: Caller
  /** How long one answer may take, in milliseconds; 5,000 unless stated. */
  readonly deadlineMs?: number
}

/** How much later than its deadline a call may settle, in milliseconds: what a busy machine needs, and no more. */
const graceMs = 250

/** What every model promises. Skips only by what the descriptor declares. */
export async function modelChecks<In>(subject: ModelUnderTest<In>): Promise<Check[]> {
  const { create, deadlineMs = 5_000, caller } = subject
  const { descriptor } = await withModel(create, async (model) => model)
  const input = () => freshInput(descriptor, subject.input)
  const spoilt = () => spoiltInputs(descriptor, input())
  const now = spoilt()
  const { effect, supports, safety, outsideTraining = 'refuse' } = descriptor
  const options = (more: Partial<InvokeOptions> = {}): InvokeOptions => ({
    deadlineMs,
    ...(caller && { caller }),
    ...more,
  })
  const ask = (model: Model<In>, given: unknown = input(), more?: Partial<InvokeOptions>) =>
    invoke(model, given as never, options(more))

  const need = (what: string, declared: boolean): Need => ({ what, declared })
  const some = (what: string, variants: readonly unknown[]) => need(what, variants.length > 0)
  const check = (
    id: string,
    clause: string,
    title: string,
    run: (model: Model<In, unknown, unknown>) => unknown,
    needs?: Need,
  ): Check => ({
    id,
    clause,
    title,
    ...(needs && { needs }),
    run: () => withModel(create, async (model) => void (await run(model))),
  })
  const refuses = (
    id: string,
    clause: string,
    title: string,
    code: FaultCode,
    what: string,
    kind: keyof ReturnType<typeof spoilt>,
    applies = true,
  ): Check =>
    check(
      id,
      clause,
      title,
      async (model) => {
        // Variants are made at once, since some of them age.
        for (const variant of spoilt()[kind]) await expectFault(ask(model, variant), code)
      },
      need(what, applies && now[kind].length > 0),
    )

  return [
    check('descriptor-form', '2.1', 'the descriptor has every required member in its form', (model) => {
      const problem = descriptorProblem(model.descriptor)
      if (problem !== undefined) throw new Error(problem)
    }),
    check('descriptor-json', '2.2', 'the descriptor is plain JSON and survives a round trip', (model) => {
      const text = canonicalJson(model.descriptor)
      if (canonicalJson(JSON.parse(text)) !== text) throw new Error('its canonical form changes in a round trip')
    }),
    refuses(
      'missing-refused',
      '4.1',
      'a missing required member is invalid-input',
      'invalid-input',
      'required member of the input',
      'withoutRequired',
    ),
    refuses(
      'non-finite-refused',
      '4.2',
      'NaN and infinities are invalid-input wherever a number stands',
      'invalid-input',
      'number in the input',
      'notFinite',
    ),
    refuses(
      'text-refused',
      '4.2',
      'a text is no number, however it reads',
      'invalid-input',
      'number in the input',
      'textForNumber',
    ),
    check(
      'unit-converted',
      '4.3',
      'a value in another unit of the same dimension is taken',
      async (model) => {
        for (const variant of spoilt().otherUnit) await answered(ask(model, variant), 'unit-mismatch', 'invalid-input')
      },
      some('unit in the input', now.otherUnit),
    ),
    refuses(
      'unit-refused',
      '4.3',
      'a unit that cannot be converted is unit-mismatch',
      'unit-mismatch',
      'unit in the input',
      'foreignUnit',
    ),
    refuses(
      'tensor-refused',
      '4.4',
      'a tensor of another type or shape, and what is no tensor, is invalid-input',
      'invalid-input',
      'tensor in the input',
      'otherForm',
    ),
    refuses(
      'physical-refused',
      '4.5',
      'what breaks physical limits is invalid-input',
      'invalid-input',
      'physical limit in the input',
      'beyondPhysical',
    ),
    refuses(
      'operating-refused',
      '4.6',
      'a write that breaks operating limits is out-of-limits',
      'out-of-limits',
      'effect with operating limits',
      'beyondOperating',
      effect !== 'none',
    ),
    refuses(
      'training-refused',
      '4.7',
      'what the model was not trained on is out-of-limits',
      'out-of-limits',
      'training limit that refuses',
      'beyondTraining',
      outsideTraining === 'refuse',
    ),
    check(
      'training-uncertain',
      '4.7',
      'what the model was not trained on is answered as uncertain where the descriptor says so',
      async (model) => {
        for (const variant of spoilt().beyondTraining) expectDoubt(await answered(ask(model, variant), 'out-of-limits'))
      },
      need('training limit that makes uncertain', outsideTraining === 'uncertain' && now.beyondTraining.length > 0),
    ),
    refuses(
      'stale-refused',
      '4.8',
      'a sample older than maxAge is stale-input',
      'stale-input',
      'maxAge in the input',
      'stale',
    ),
    refuses(
      'future-refused',
      '4.8',
      'a sample from the future is stale-input',
      'stale-input',
      'maxAge in the input',
      'future',
    ),
    refuses('bad-refused', '4.9', 'a bad sample is bad-quality', 'bad-quality', 'measured value in the input', 'bad'),
    check(
      'doubt-carried',
      '4.9',
      'an answer is no better than its samples',
      async (model) => {
        for (const variant of spoilt().uncertain) expectDoubt(await answered(ask(model, variant)))
      },
      some('measured value in the input', now.uncertain),
    ),
    check('answers', '5.1', 'a valid input is answered within the contract', (model) => ask(model)),
    check('input-untouched', '5.2', 'the caller’s input is never changed', async (model) => {
      const given = input()
      const before = snapshot(given)
      await ask(model, given).catch(() => {})
      if (snapshot(given) !== before) throw new Error('the input was changed by the call')
    }),
    check('deadline-kept', '5.3', 'a call settles by its deadline', async (model) => {
      const started = performance.now()
      await ask(model, input(), { deadlineMs: 20 }).catch(() => {})
      const late = performance.now() - started - 20
      if (late > graceMs) throw new Error(`it settled ${late.toFixed(0)} ms after its deadline`)
    }),
    check('cancel-heeded', '5.4', 'a call that is cancelled ends as cancelled, at once', async (model) => {
      const controller = new AbortController()
      controller.abort()
      const started = performance.now()
      await expectFault(ask(model, input(), { signal: controller.signal }), 'cancelled')
      if (performance.now() - started > graceMs) throw new Error('it ended as cancelled, but not at once')
    }),
    check('usage-counted', '5.6', 'the reply lists who was asked and who answered', async (model) => {
      const reply = await answered(ask(model))
      if (reply?.usage.length === 0) throw new Error('its usage is empty, though something answered')
      if (reply?.servedBy.length === 0) throw new Error('servedBy is empty, though something answered')
    }),
    check(
      'key-kept',
      '5.8',
      'the same idempotency key gives the same answer and happens once',
      async (model) => {
        const key = crypto.randomUUID()
        const first = await answered(ask(model, input(), { idempotencyKey: key }))
        const second = await answered(ask(model, input(), { idempotencyKey: key }))
        if (snapshot(first?.output) !== snapshot(second?.output))
          throw new Error('the second answer differs from the first')
      },
      need('supports.idempotent', supports.idempotent === true),
    ),
    check('stream-declared', '6.1', 'the model streams if and only if it says so', async (model) => {
      if ((supports.stream === true) !== (model.stream !== undefined))
        throw new Error(model.stream ? 'stream is there, but not declared' : 'stream is declared, but not there')
      if (supports.stream !== true)
        await expectFault(stream(model, input() as never, options()).finish(), 'unsupported')
    }),
    check(
      'stream-whole',
      '6.2',
      'a stream ends with exactly one final, within the contract',
      async (model) => {
        if (model.stream !== undefined) await stream(model, input() as never, options()).finish()
      },
      need('supports.stream', supports.stream === true),
    ),
    check('actuator-guarded', '8.1', 'a model that moves equipment stands behind a boundary', async (model) => {
      if (effect !== 'actuate' || isGuarded(model) || safety !== undefined) return
      throw new Error('its effect is actuate, and it is not guarded')
    }),
    check(
      'stranger-denied',
      '8.2',
      'the boundary answers nobody whom it does not know',
      (model) => expectFault(ask(model, input(), { caller: { id: `stranger-${crypto.randomUUID()}` } }), 'denied'),
      need('safety', safety !== undefined),
    ),
  ]
}

export async function withModel<In, Result>(
  create: ModelUnderTest<In>['create'],
  use: (model: Model<In, unknown, unknown>) => Promise<Result>,
): Promise<Result> {
  const model = await create()
  try {
    return await use(model)
  } finally {
    await model.dispose?.()
  }
}

export async function expectFault(call: Promise<unknown>, code: FaultCode): Promise<void> {
  const fault = await call.then(
    () => undefined,
    (thrown: unknown) => Fault.from(thrown),
  )
  if (fault === undefined) throw new Error(`was answered, should be refused with ${code}`)
  if (fault.code !== code) throw new Error(`was refused with ${fault.code} (${fault.message}), should be ${code}`)
}

/** The reply of a call. A fault of one of the codes breaks the promise; any other breaks another check's. */
async function answered(call: Promise<Reply<unknown>>, ...broken: FaultCode[]): Promise<Reply<unknown> | undefined> {
  try {
    return await call
  } catch (thrown) {
    if (broken.includes(Fault.from(thrown).code)) throw thrown
    return undefined
  }
}

function expectDoubt(reply: Reply<unknown> | undefined): void {
  if (reply?.quality === 'good') throw new Error('the reply is of good quality, should be uncertain')
}

function snapshot(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    ArrayBuffer.isView(member) ? Array.from(member as Float32Array, String) : member,
  )
}
