import {
  chatChecks,
  modelChecks,
  type Report,
  throughTransport,
  toReport,
  transportChecks,
} from '@dinrail/core/conformance'
import { chats, models, transports } from './conformance-subjects.ts'

interface Proof {
  /** Such as `collab: cascade`. */
  readonly name: string
  readonly report: Report
}

/** A model of every package here and over every transport, and every transport. */
export async function proofs(): Promise<{
  readonly models: readonly Proof[]
  readonly far: readonly Proof[]
  readonly chats: readonly Proof[]
  readonly transports: readonly Proof[]
}> {
  const here: Proof[] = []
  const far: Proof[] = []
  for (const one of models) {
    const name = `${one.package}: ${one.name}`
    here.push({ name, report: await toReport(await modelChecks(one.subject)) })
    for (const { name: medium, medium: through } of transports)
      far.push({
        name: `${name}, through ${medium}`,
        report: await toReport(await modelChecks(throughTransport(one.subject, through))),
      })
  }
  const conversing: Proof[] = []
  for (const { package: name, name: made, subject } of chats)
    conversing.push({ name: `${name}: ${made}`, report: await toReport(await chatChecks(subject)) })
  const media: Proof[] = []
  for (const { package: name, name: made, medium } of transports)
    media.push({ name: `${name}: ${made}`, report: await toReport(transportChecks(medium)) })
  return { models: here, far, chats: conversing, transports: media }
}

const marks = { passed: '✓', failed: '✗', skipped: '–', known: '!' } as const

/** The page of `docs/conformance.md`. */
export function conformancePage({
  models: here,
  chats: conversing,
  transports: media,
}: Pick<Awaited<ReturnType<typeof proofs>>, 'models' | 'chats' | 'transports'>): string {
  return `# Conformance

What each package keeps, clause by clause of \`spec/spec.md\`: ✓ kept, – does not apply to what the descriptor declares.
Written by \`npx pnpm@12.21.0 run conformance\`; a test fails when it is no longer true. Each model gives the same report when it is
called through each of the transports.

${table('model', here)}

${table('chat model', conversing)}

${table('transport', media)}
`
}

function table(what: string, proofs: readonly Proof[]): string {
  const checks = proofs[0]?.report.results ?? []
  const names = proofs.map(({ name }) => name)
  const rows = checks.map(({ clause, title }, i) => {
    const cells = proofs.map(({ report }) => marks[report.results[i]?.outcome ?? 'failed'])
    return `| ${clause} | ${title} | ${cells.join(' | ')} |`
  })
  return [`| | ${what} | ${names.join(' | ')} |`, `|---|---|${names.map(() => ':-:|').join('')}`, ...rows].join('\n')
}
