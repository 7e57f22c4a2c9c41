/** Writes the page for people beside a card that another program wrote: `npx tsx examples/training/write-card-page.ts CARD.json`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cardMarkdown, type ModelCard } from './model-card.ts'

for (const file of process.argv.slice(2)) {
  const card = JSON.parse(readFileSync(file, 'utf8')) as ModelCard
  writeFileSync(file.replace(/\.json$/, '.md'), cardMarkdown(card))
  console.log(`${file.replace(/\.json$/, '.md')} written`)
}
