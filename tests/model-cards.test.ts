import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { cardMarkdown, type ModelCard } from '../examples/training/model-card.ts'
import { projectRoot } from './run-script.ts'

const cards = readdirSync(path.join(projectRoot, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const folder = path.join(projectRoot, 'examples', name, 'models')
    try {
      return readdirSync(folder).flatMap((file) => (file.endsWith('.card.json') ? [path.join(folder, file)] : []))
    } catch {
      return []
    }
  })

describe('the cards of the committed networks', () => {
  it('are there', () => {
    expect(cards.length).toBeGreaterThanOrEqual(5)
  })

  it.each(cards.map((card) => [path.relative(projectRoot, card), card] as const))(
    '%s belongs to its file',
    (_, file) => {
      const card = JSON.parse(readFileSync(file, 'utf8')) as ModelCard
      const weights = readFileSync(path.join(path.dirname(file), card.artefact.file))
      expect(createHash('sha256').update(weights).digest('hex')).toBe(card.artefact.sha256)
      expect(weights.length).toBe(card.artefact.bytes)
      expect(weights.length).toBeLessThan(300_000)
      expect(readFileSync(file.replace(/\.json$/, '.md'), 'utf8')).toBe(cardMarkdown(card))
      expect(card.data.sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(card.limitations.length).toBeGreaterThan(0)
    },
  )
})
