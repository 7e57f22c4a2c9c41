/** One promise of the specification and how to find out whether it is kept. */
export interface Check {
  /** Stable, kebab-case, unique within a kit. */
  readonly id: string
  /** Clause of `spec/spec.md`. */
  readonly clause: string
  /** What is promised, in a sentence. */
  readonly title: string
  /** What the subject's own descriptor has to declare for the promise to apply; absent where it always does. */
  readonly needs?: Need
  /** Settles where the promise is kept, throws where it is broken. */
  run(): Promise<void>
}

export interface Need {
  /** Such as `a unit in the input`. */
  readonly what: string
  readonly declared: boolean
}

export interface CheckResult {
  readonly id: string
  readonly clause: string
  readonly title: string
  /** `known` is a failure that is excused. */
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

/**
 * Runs checks one after another. `known` excuses failures by the check's id, each with its reason; an excuse that is not needed, or
 * of a check that does not exist, fails.
 */
export async function toReport(
  checks: readonly Check[],
  known: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const results: CheckResult[] = []
  for (const check of checks) results.push(await resultOf(check, known[check.id]))
  for (const [id, reason] of Object.entries(known))
    if (!checks.some((check) => check.id === id))
      results.push({
        id,
        clause: '-',
        title: id,
        outcome: 'failed',
        reason: `no such check, so it excuses nothing: ${reason}`,
      })
  return { results, conforms: results.every(({ outcome }) => outcome !== 'failed'), text: toText(results) }
}

async function resultOf(check: Check, excuse: string | undefined): Promise<CheckResult> {
  const { id, clause, title, needs } = check
  const about = { id, clause, title }
  if (needs?.declared === false && excuse === undefined)
    return { ...about, outcome: 'skipped', reason: `the descriptor declares no ${needs.what}` }
  if (needs?.declared === false)
    return { ...about, outcome: 'failed', reason: `does not apply, so it is no longer excused by: ${excuse}` }
  try {
    await check.run()
  } catch (problem) {
    const reason = problem instanceof Error ? problem.message : String(problem)
    return { ...about, outcome: excuse === undefined ? 'failed' : 'known', reason: excuse ?? reason }
  }
  if (excuse === undefined) return { ...about, outcome: 'passed' }
  return { ...about, outcome: 'failed', reason: `passes, so it is no longer excused by: ${excuse}` }
}

const marks = { passed: '✓', failed: '✗', skipped: '-', known: '!' } as const

function toText(results: readonly CheckResult[]): string {
  const width = Math.max(0, ...results.map(({ clause }) => clause.length))
  return results
    .map(
      ({ outcome, clause, title, reason }) =>
        `${marks[outcome]} ${clause.padEnd(width)} ${title}${reason ? ` — ${reason}` : ''}`,
    )
    .join('\n')
}

/** JUnit's XML, which build servers read: a suite for each report. */
export function toJUnit(reports: readonly (Pick<Report, 'results'> & { readonly name: string })[]): string {
  const suites = reports.map(({ name, results }) => {
    const count = (...outcomes: CheckResult['outcome'][]) =>
      results.filter(({ outcome }) => outcomes.includes(outcome)).length
    const totals = `tests="${results.length}" failures="${count('failed')}" skipped="${count('skipped', 'known')}"`
    const cases = results.map((result) => toTestCase(name, result)).join('\n')
    return `<testsuite name="${escaped(name)}" ${totals}>\n${cases}\n</testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`
}

function toTestCase(suite: string, { id, clause, title, outcome, reason = '' }: CheckResult): string {
  const open = `  <testcase classname="${escaped(`${suite}.${clause}`)}" name="${escaped(`${id}: ${title}`)}"`
  if (outcome === 'failed') return `${open}><failure message="${escaped(reason)}"/></testcase>`
  if (outcome === 'skipped' || outcome === 'known') return `${open}><skipped message="${escaped(reason)}"/></testcase>`
  return `${open}/>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  // Control characters have no place in XML 1.0, however they are written.
  return text.replace(/[^\P{Cc}\t\n\r]/gu, ' ').replace(/[&<>"]/g, (sign) => entities[sign] ?? sign)
}
