/** One promise of the specification and how to find out whether it is kept. */
export interface Check {
  /** Stable, kebab-case, unique within a kit. */
  readonly id: string
  /** Clause of `spec/spec.md`. */
  readonly clause: string
  /** What is promised, in a sentence. */
  readonly title: string
  /** Why it does not apply to what is under test, as its own descriptor says; undefined where it applies. */
  readonly skip?: string | undefined
  /** Settles where the promise is kept, throws where it is broken. */
  run(): Promise<void>
}

export interface CheckResult {
  readonly id: string
  readonly clause: string
  readonly title: string
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'known'
  /** Why it failed or was skipped. */
  readonly reason?: string
}

export interface Report {
  readonly results: readonly CheckResult[]
  /** Whether nothing failed that was not known to fail, and nothing is known to fail that passes. */
  readonly conforms: boolean
  /** A line per check, for a terminal. */
  readonly text: string
}

/** Runs checks one after another. `known` excuses failures, each with its reason; an excuse that is not needed fails. */
export async function toReport(
  checks: readonly Check[],
  known: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const results: CheckResult[] = []
  for (const check of checks) results.push(await resultOf(check, known[check.id]))
  const marks = { passed: '✓', failed: '✗', skipped: '-', known: '!' } as const
  const text = results
    .map(({ outcome, clause, title, reason }) => `${marks[outcome]} ${clause} ${title}${reason ? ` — ${reason}` : ''}`)
    .join('\n')
  return { results, conforms: results.every(({ outcome }) => outcome !== 'failed'), text }
}

async function resultOf(check: Check, excuse: string | undefined): Promise<CheckResult> {
  const { id, clause, title, skip } = check
  if (skip !== undefined) return { id, clause, title, outcome: 'skipped', reason: skip }
  try {
    await check.run()
  } catch (problem) {
    const reason = problem instanceof Error ? problem.message : String(problem)
    return { id, clause, title, outcome: excuse === undefined ? 'failed' : 'known', reason: excuse ?? reason }
  }
  if (excuse === undefined) return { id, clause, title, outcome: 'passed' }
  return { id, clause, title, outcome: 'failed', reason: `passes, so it is no longer excused by: ${excuse}` }
}
