import { type Authority, type Descriptor, descriptorDigest } from './descriptor.ts'
import { canonicalDigest } from './digest.ts'
import { Fault } from './fault.ts'
import type { Journal } from './journal.ts'
import type { Caller, Model, RunContext, RunResult } from './model.ts'
import { type RateChange, type RateLimit, rateMonitor } from './rate-limit.ts'
import { writeHistory } from './write-history.ts'

/**
 * The boundary around a model that moves equipment. It assumes that whoever asks is lost: nothing here depends on the
 * caller. It is not a safety-instrumented system and claims no safety integrity level.
 */
export interface Boundary<In> {
  /** What may happen without a person. `inform` and `recommend` never write. */
  readonly authority: Authority
  /** Who may ask at all, by id or by role. Nobody else may. */
  readonly allow: readonly ({ readonly caller: string } | { readonly role: string })[]
  /** How fast a target may move, against the value read at that moment. */
  readonly rates?: readonly RateLimit<In>[]
  /** Conditions read live, before the approval and again right before the write. */
  readonly interlocks?: readonly Interlock<In>[]
  readonly approval?: ApprovalPolicy<In>
  /** Whether the equipment has taken the value over. Without it the outcome says `not read back`. */
  readonly readBack?: (input: In) => boolean | Promise<boolean>
  /** Where intents and outcomes are recorded before anything else happens. */
  readonly journal: Journal
}

export interface Interlock<In> {
  readonly name: string
  /** Anything but `true`, a thrown error included, blocks the write. */
  readonly holds: (input: In) => boolean | Promise<boolean>
}

export interface ApprovalPolicy<In> {
  /** Which writes need a person when the authority is `act-within-limits`; all of them unless stated. */
  readonly when?: (input: In) => boolean | Promise<boolean>
  /** Asks a person. The answer counts for exactly this request. */
  readonly ask: (request: ApprovalRequest) => Promise<ApprovalDecision>
  /** How long an approval holds, in milliseconds. */
  readonly validMs: number
  /** How many different people must agree: two for targets that can hurt somebody. One unless stated. */
  readonly people?: (input: In) => number
}

export interface ApprovalRequest {
  /** Digest of everything below: a changed byte is another request. */
  readonly digest: string
  readonly model: string
  readonly descriptorDigest: string
  readonly arguments: unknown
  readonly proposer: Caller
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly expires: number
}

export interface ApprovalDecision {
  readonly granted: boolean
  /** Who decided; never the proposer, and never somebody who was asked before. */
  readonly approver: string
  readonly reason?: string
}

/** Who approved a write, and until when it may begin. */
interface Approved {
  readonly approvers: readonly string[]
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly expires: number
}
const nobodyNeeded: Approved = { approvers: [], expires: Number.POSITIVE_INFINITY }

const guarded = Symbol.for('dinrail.guarded')

/** Whether a model stands behind a boundary of this copy of the package or another. */
export function isGuarded(model: object): boolean {
  return (model as Record<symbol, unknown>)[guarded] === true
}

/**
 * Puts a model behind a boundary: caller and role → allow-list → schema, unit, freshness, limits → rate of change →
 * interlocks → approval → check again → journal the intent → write → read back → journal the outcome. Every refusal is
 * journaled too.
 */
export function guard<In, Out, Part>(model: Model<In, Out, Part>, boundary: Boundary<In>): Model<In, Out, Part> {
  const { authority, allow, interlocks = [], approval, readBack, journal } = boundary
  if (authority === 'act-after-approval' && approval === undefined)
    throw new TypeError(`guard('${model.descriptor.id}'): act-after-approval needs approval.ask`)
  const descriptor: Descriptor<In, Out> = {
    ...model.descriptor,
    // A stream would move equipment before it is checked whole; the same key is answered from the journal.
    supports: { ...withoutStream(model.descriptor.supports), idempotent: true },
    safety: {
      authority,
      interlocks: interlocks.map(({ name }) => name),
      journaled: true,
      readBack: readBack !== undefined,
    },
  }
  const rates = (boundary.rates ?? []).map((limit) => rateMonitor(limit))
  const history = writeHistory<RunResult<Out>>(journal, descriptor.id)
  const digest = descriptorDigest(descriptor)
  const oneAtATime = queue()
  /** Calls whose intent is journaled: from then on their end is an outcome and no refusal. */
  const intended = new WeakSet<RunContext>()

  function admit({ caller }: RunContext): void {
    const allowed = allow.some((who) =>
      'caller' in who ? who.caller === caller.id : (caller.roles ?? []).includes(who.role),
    )
    if (!allowed) throw new Fault('denied', `${caller.id} is not allowed to use ${descriptor.id}`)
    if (authority === 'inform' || authority === 'recommend')
      throw new Fault('denied', `the authority over ${descriptor.id} is '${authority}': a person must do it`)
  }

  /** The writes of earlier runs move the target too: what the journal says of them is counted once. */
  let counted: Promise<void> | undefined
  async function countEarlier(): Promise<void> {
    for (const { change, at } of await history.changes()) count([change], at)
  }
  function count(changes: readonly RateChange[], at = Date.now()): void {
    for (const change of changes) for (const rate of rates) rate.count(change, at)
  }

  /** Answers with how far the write would move each target. */
  async function check(input: In): Promise<RateChange[]> {
    counted ??= countEarlier()
    await counted
    const changes: RateChange[] = []
    for (const rate of rates) changes.push(await rate.check(input))
    for (const { name, holds } of interlocks) {
      const held = await (async () => holds(input))().catch(() => false)
      if (held !== true)
        throw new Fault('interlocked', `interlock '${name}' does not hold`, { details: { interlock: name } })
    }
    return changes
  }

  async function approve(input: In, { caller }: RunContext): Promise<Approved> {
    if (approval === undefined) return nobodyNeeded
    const needed = authority === 'act-after-approval' || (await (approval.when?.(input) ?? true))
    if (!needed) return nobodyNeeded
    const expires = Date.now() + approval.validMs
    const content = {
      model: descriptor.id,
      descriptorDigest: await digest,
      arguments: input,
      proposer: caller,
      expires,
    }
    const request = { digest: await canonicalDigest(content), ...content }
    await journal.append({ kind: 'approval-asked', actor: caller.id, data: request })
    const people = approval.people?.(input) ?? 1
    const approvers: string[] = []
    while (approvers.length < people) approvers.push(await askOnce(request, approvers))
    return { approvers, expires }
  }

  async function askOnce(request: ApprovalRequest, before: readonly string[]): Promise<string> {
    const decision = await approval!.ask(request)
    const { approver, granted, reason } = decision
    await journal.append({ kind: 'approval-decided', actor: approver, data: { request: request.digest, ...decision } })
    if (granted !== true)
      throw new Fault('approval-required', `${approver} did not approve${reason ? `: ${reason}` : ''}`)
    if (approver === request.proposer.id) throw new Fault('denied', `${approver} cannot approve its own proposal`)
    if (before.includes(approver))
      throw new Fault('denied', `${approver} has approved already: another person must agree`)
    return approver
  }

  async function write(
    input: In,
    context: RunContext,
    { approvers, expires }: Approved,
    changes: readonly RateChange[],
  ): Promise<RunResult<Out>> {
    context.signal.throwIfAborted()
    if (Date.now() > expires)
      throw new Fault(
        'approval-expired',
        `more than ${approval?.validMs} ms went by since approval was asked for: ask again`,
      )
    const { idempotencyKey: key, caller } = context
    const base = { model: descriptor.id, key, arguments: input, changes, ...(approvers.length > 0 && { approvers }) }
    intended.add(context)
    await history.intend(key, caller.id, { ...base, descriptorDigest: await digest })
    try {
      const reply = await context.invoke(model, context.statedInput as In, { idempotencyKey: key })
      const taken = readBack === undefined ? undefined : await readBack(input)
      if (taken === false)
        throw new Fault('unavailable', `${descriptor.id} was written, but reads back another value`, {
          retryable: false,
        })
      count(changes)
      const { output, confidence, quality, warnings } = reply
      const result = { output, confidence, quality, warnings, servedBy: reply.servedBy }
      await history.conclude(
        key,
        caller.id,
        { ...base, outcome: 'done', readBack: taken ?? 'not read back', output },
        result,
      )
      return result
    } catch (thrown) {
      const fault = Fault.from(thrown)
      const refused = fault.origin === 'local' && beforeEffect.has(fault.code)
      if (!refused) count(changes)
      await history.conclude(key, caller.id, {
        ...base,
        outcome: refused ? 'refused' : 'in-doubt',
        fault: fault.code,
        message: fault.message,
      })
      throw fault
    }
  }

  return {
    descriptor,
    ...(model.schemas && { schemas: model.schemas }),
    admit,
    async run(input, context) {
      const earlier = await history.find(context.idempotencyKey, input)
      if (earlier !== undefined) return earlier
      await check(input)
      const approved = await approve(input, context)
      return oneAtATime(async () => write(input, context, approved, await check(input)))
    },
    async onFault(fault, context) {
      if (intended.has(context)) return
      const { code, field, message } = fault
      const data = {
        model: descriptor.id,
        arguments: context.statedInput,
        fault: code,
        ...(field && { field }),
        message,
      }
      await journal.append({ kind: 'write-refused', actor: context.caller.id, data })
    },
    ...(model.dispose && { dispose: () => model.dispose!() }),
    [guarded]: true,
  } as Model<In, Out, Part>
}

function withoutStream({ stream: _, ...rest }: Descriptor['supports']): Descriptor['supports'] {
  return rest
}

/** Faults of the checks that the inner model makes before its own `run`. */
const beforeEffect = new Set<string>([
  'invalid-input',
  'unit-mismatch',
  'stale-input',
  'bad-quality',
  'out-of-limits',
  'denied',
])

/** Runs tasks one after another, whatever becomes of each. */
function queue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const next = last.then(task, task)
    last = next.catch(() => {})
    return next
  }
}
