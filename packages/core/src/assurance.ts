import type { AssuranceCard, Descriptor } from './descriptor.ts'
import { Fault, isCallersOwn } from './fault.ts'
import type { Journal } from './journal.ts'
import type { Model, Reply, RunContext, RunResult, Warning } from './model.ts'

/**
 * How far the untrusted model is followed: `normal` as it is; `degraded` with a doubt; `fallback` no longer, the recovery
 * answers; `safe-hold` the recovery failed too, the last safe output is held; `manual` nothing answers until a person resets.
 */
export type AssuranceMode = 'normal' | 'degraded' | 'fallback' | 'safe-hold' | 'manual'

/** Judges an answer before anybody sees it. Anything but `safe` or `doubtful`, a thrown error included, is a violation. */
export interface Monitor<In, Out> {
  readonly name: string
  readonly judge: (reply: Reply<Out>, input: In) => Judgement | Promise<Judgement>
}

export type Judgement = 'safe' | 'doubtful' | 'violated'

export interface Assurance<In, Out> {
  readonly monitors: readonly Monitor<In, Out>[]
  /** Simple enough to be trusted: a rule, a controller, a table. Its answers are judged by the same monitors. */
  readonly recovery: Model<In, Out, unknown>
  /** The output that is held when the recovery fails too; without it the mode goes to `manual` at once. */
  readonly hold?: (lastSafe: Out | undefined) => Out | undefined
  /** How long the model stays away after its last violation before it may be tried again, in milliseconds. */
  readonly dwellMs: number
  /** `automatic` tries the model again after the dwell time; `manual` waits for `reset`. Leaving `manual` always needs a person. */
  readonly reset?: 'automatic' | 'manual'
  /** The share of the remaining time that the model gets, in (0, 1); the rest is the recovery's. Half unless stated. */
  readonly share?: number
  /** Where every change of mode is recorded before it takes effect. */
  readonly journal?: Journal
}

/** A model under run-time assurance. */
export interface AssuredModel<In, Out> extends Model<In, Out, never> {
  readonly mode: AssuranceMode
  /** A person lets the model be tried again, from any mode. */
  reset(person: string): Promise<void>
}

/**
 * The Simplex pattern (ASTM F3269): an untrusted model, monitors that judge each of its answers, and a recovery that takes over
 * where one is violated, where a monitor itself fails, and where the model faults or is late. Only for models without an effect:
 * an action that was begun cannot be taken back by a second one. Throws a `TypeError` for others.
 */
export function assure<In, Out, Part>(
  model: Model<In, Out, Part>,
  assurance: Assurance<In, Out>,
): AssuredModel<In, Out> {
  const { monitors, recovery, hold, dwellMs, reset = 'automatic', share = 0.5, journal } = assurance
  const { id } = model.descriptor
  for (const { descriptor } of [model, recovery])
    if (descriptor.effect !== 'none')
      throw new TypeError(
        `assure('${id}'): ${descriptor.id} has the effect '${descriptor.effect}': assure what decides, guard what acts`,
      )
  if (monitors.length === 0) throw new TypeError(`assure('${id}') needs at least one monitor`)
  if (!(share > 0 && share < 1)) throw new TypeError(`assure('${id}'): share ${share} is not between 0 and 1`)
  if (!(dwellMs >= 0)) throw new TypeError(`assure('${id}') needs dwellMs of at least 0`)

  let mode: AssuranceMode = 'normal'
  /** On a clock that nobody sets: when the last violation or doubt was seen. */
  let disturbedAt = 0
  let lastSafe: Out | undefined

  const card: AssuranceCard = {
    monitors: monitors.map(({ name }) => name),
    recovery: recovery.descriptor.id,
    dwellMs,
    reset,
  }
  const { chat, ...inner } = model.descriptor
  const descriptor: Descriptor<In, Out> = { ...inner, ...(chat && { chat }), supports: {}, assurance: card }

  async function turnTo(next: AssuranceMode, actor: string, because: string): Promise<void> {
    const from = mode
    if (next === from) return
    // The safer mode holds even while the journal is slow; only the way back waits until it is recorded.
    if (severity[next] > severity[from]) mode = next
    await journal?.append({ kind: 'mode-changed', actor, data: { model: id, from, to: next, because } })
    if (mode === from) mode = next
  }

  async function judge(reply: Reply<Out>, input: In): Promise<{ judgement: Judgement; because: string }> {
    let doubt: string | undefined
    for (const { name, judge: ask } of monitors) {
      const judgement = await (async () => ask(reply, input))().catch(() => 'failed' as const)
      if (judgement === 'doubtful') doubt ??= `monitor '${name}' is in doubt`
      else if (judgement !== 'safe')
        return {
          judgement: 'violated',
          because: judgement === 'failed' ? `monitor '${name}' failed` : `monitor '${name}' is violated`,
        }
    }
    return doubt === undefined ? { judgement: 'safe', because: '' } : { judgement: 'doubtful', because: doubt }
  }

  async function followed(context: RunContext, input: In): Promise<RunResult<Out> | undefined> {
    const deadlineMs = (context.deadline - Date.now()) * share
    let reply: Reply<Out>
    try {
      reply = await context.invoke(model, context.statedInput as In, { deadlineMs })
    } catch (thrown) {
      const fault = Fault.from(thrown)
      // The caller's own mistake, or its own end, says nothing about the model.
      if (context.signal.aborted || isCallersOwn(fault)) throw fault
      await violated(`${id} ended in ${fault.code}: ${fault.message}`)
      return undefined
    }
    const { judgement, because } = await judge(reply, input)
    if (judgement === 'violated') {
      await violated(because)
      return undefined
    }
    if (judgement === 'doubtful') {
      disturbedAt = performance.now()
      await turnTo('degraded', id, because)
      return resultOf(reply, [{ code: 'assurance-degraded', message: because }])
    }
    lastSafe = reply.output
    if (mode === 'normal') return resultOf(reply, [])
    const rested = performance.now() - disturbedAt >= dwellMs
    if (rested) await turnTo('normal', id, `every monitor is satisfied after ${dwellMs} ms`)
    return resultOf(reply, rested ? [] : [{ code: 'assurance-degraded', message: 'in its dwell time after a doubt' }])
  }

  async function violated(because: string): Promise<void> {
    disturbedAt = performance.now()
    await turnTo('fallback', id, because)
  }

  async function recovered(context: RunContext, input: In): Promise<RunResult<Out>> {
    let because: string
    try {
      const reply = await context.invoke(recovery, context.statedInput as In)
      const verdict = await judge(reply, input)
      if (verdict.judgement !== 'violated') {
        lastSafe = reply.output
        if (mode === 'safe-hold') await turnTo('fallback', id, 'the recovery answers again')
        return resultOf(reply, [{ code: 'assurance-fallback', message: `${recovery.descriptor.id} answers for ${id}` }])
      }
      because = `the recovery ${recovery.descriptor.id}: ${verdict.because}`
    } catch (thrown) {
      const fault = Fault.from(thrown)
      if (context.signal.aborted || isCallersOwn(fault)) throw fault
      because = `the recovery ${recovery.descriptor.id} ended in ${fault.code}`
    }
    const held = hold?.(lastSafe)
    if (held === undefined) {
      await turnTo('manual', id, `${because}, and nothing can be held`)
      throw inManual()
    }
    await turnTo('safe-hold', id, because)
    return {
      output: held,
      quality: 'uncertain',
      warnings: [{ code: 'assurance-safe-hold', message: `${because}: the last safe output is held` }],
    }
  }

  const inManual = () =>
    new Fault(
      'unavailable',
      `${id} is in manual mode: a person must take over, and reset it when it may be tried again`,
      {
        retryable: false,
        details: { mode: 'manual' },
      },
    )

  const mayFollow = () =>
    severity[mode] <= severity.degraded || (reset === 'automatic' && performance.now() - disturbedAt >= dwellMs)

  return {
    descriptor,
    ...(model.schemas && { schemas: model.schemas }),
    get mode() {
      return mode
    },
    async run(input, context) {
      if (mode === 'manual') throw inManual()
      return (mayFollow() ? await followed(context, input) : undefined) ?? recovered(context, input)
    },
    async reset(person) {
      disturbedAt = Number.NEGATIVE_INFINITY
      await turnTo('normal', person, 'reset by a person')
    },
  }
}

const severity = { normal: 0, degraded: 1, fallback: 2, 'safe-hold': 3, manual: 4 } as const

/** An answer that is not the followed model's in normal mode is worth less. */
function resultOf<Out>(reply: Reply<Out>, doubts: readonly Warning[]): RunResult<Out> {
  const { output, confidence, quality, warnings, servedBy } = reply
  return {
    output,
    confidence,
    quality: doubts.length > 0 && quality === 'good' ? 'uncertain' : quality,
    warnings: [...warnings, ...doubts],
    servedBy,
  }
}
