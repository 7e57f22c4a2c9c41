import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cardMarkdown, type TrainedModel } from './model-card.ts'

/** Writes a model file with its card, for machines and for people. */
export const writeModel = (directory: string, { bytes, card }: TrainedModel): void => {
  mkdirSync(directory, { recursive: true })
  const name = card.artefact.file.replace(/\.onnx$/, '')
  writeFileSync(join(directory, card.artefact.file), bytes)
  writeFileSync(join(directory, `${name}.card.json`), `${JSON.stringify(card, undefined, 2)}\n`)
  writeFileSync(join(directory, `${name}.card.md`), cardMarkdown(card))
  console.log(`${card.artefact.file}: ${bytes.length} bytes, SHA-256 ${card.artefact.sha256}`)
}
