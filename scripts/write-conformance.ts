// Writes docs/conformance.md from the conformance kit's reports.
import { writeFile } from 'node:fs/promises'
import { conformancePage, proofs } from '../tests/conformance-page.ts'
import { closeMedia } from '../tests/conformance-subjects.ts'

const found = await proofs()
await writeFile(new URL('../docs/conformance.md', import.meta.url), conformancePage(found))
await closeMedia()
const broken = [...found.models, ...found.far, ...found.transports].filter(({ report }) => !report.conforms)
for (const { name, report } of broken) console.error(`${name}\n${report.text}\n`)
console.log(`docs/conformance.md: ${found.models.length} models, ${found.transports.length} transports`)
process.exit(broken.length === 0 ? 0 : 1)
