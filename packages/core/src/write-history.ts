import { canonicalJson } from './digest.ts'
import { Fault } from './fault.ts'
import type { Journal } from './journal.ts'
import type { RateChange } from './rate-limit.ts'

interface WriteRecord {
  readonly model: string
  readonly key: string
  readonly arguments: unknown
  readonly changes: readonly RateChange[]
  readonly [member: string]: unknown
}

/**
 * What the journal says of earlier writes, read once. A key whose intent has no outcome is in doubt, after a crash too:
 * it is never written again in silence.
 */
export function writeHistory<Result extends { readonly output: unknown }>(journal: Journal, model: string) {
  type Known = {
    readonly arguments: string
    readonly result?: Result
    readonly changes: readonly RateChange[]
    /** Milliseconds since 1970-01-01T00:00Z, of the latest entry about it. */
    readonly at: number
  }
  let loaded: Promise<Map<string, Known>> | undefined

  async function load(): Promise<Map<string, Known>> {
    const known = new Map<string, Known>()
    for await (const { kind, data, time } of journal.entries()) {
      if (kind !== 'write-intent' && kind !== 'write-outcome') continue
      const entry = data as WriteRecord & { readonly outcome?: string; readonly output?: unknown }
      if (entry.model !== model) continue
      if (entry.outcome === 'refused') known.delete(entry.key)
      else
        known.set(entry.key, {
          arguments: canonicalJson(entry.arguments),
          changes: entry.changes ?? [],
          at: Date.parse(time),
          ...(entry.outcome === 'done' && { result: { output: entry.output } as Result }),
        })
    }
    return known
  }

  const all = () => {
    loaded ??= load()
    return loaded
  }

  return {
    /** The changes of all writes that happened or may have happened, each with its time. */
    async changes(): Promise<{ readonly change: RateChange; readonly at: number }[]> {
      return [...(await all()).values()].flatMap(({ changes, at }) => changes.map((change) => ({ change, at })))
    },
    async find(key: string, input: unknown): Promise<Result | undefined> {
      const earlier = (await all()).get(key)
      if (earlier === undefined) return undefined
      if (earlier.arguments !== canonicalJson(input))
        throw new Fault('invalid-input', 'the idempotency key was used before with another input: use a new key')
      if (earlier.result !== undefined) return earlier.result
      throw new Fault(
        'unavailable',
        `an earlier write of ${model} with this key is in doubt: a person must settle it`,
        {
          retryable: false,
          details: { inDoubt: true },
        },
      )
    },
    async intend(key: string, actor: string, data: WriteRecord): Promise<void> {
      const known = await all()
      if (known.has(key)) throw new Fault('unavailable', `a write of ${model} with this key is under way`)
      known.set(key, { arguments: canonicalJson(data.arguments), changes: data.changes, at: Date.now() })
      await journal.append({ kind: 'write-intent', actor, data })
    },
    async conclude(
      key: string,
      actor: string,
      data: WriteRecord & { readonly outcome: 'done' | 'refused' | 'in-doubt' },
      result?: Result,
    ): Promise<void> {
      await journal.append({ kind: 'write-outcome', actor, data })
      const known = await all()
      if (data.outcome === 'refused') known.delete(key)
      if (result !== undefined)
        known.set(key, { arguments: canonicalJson(data.arguments), changes: data.changes, at: Date.now(), result })
    },
  }
}
