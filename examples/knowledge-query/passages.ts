import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A section of a manual: what is found, and what an answer points at. */
export interface Passage {
  /** `file.md#Heading`. */
  readonly source: string
  readonly text: string
}

const folder = fileURLToPath(new URL('manuals', import.meta.url))

/** Every section of every manual, in the order of the files. */
export function readPassages(): Passage[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .flatMap((name) => {
      const [, ...sections] = readFileSync(path.join(folder, name), 'utf8').split(/^## /m)
      return sections.map((section) => {
        const [heading = '', ...lines] = section.split('\n')
        return { source: `${name}#${heading.trim()}`, text: lines.join(' ').replace(/\s+/g, ' ').trim() }
      })
    })
}

export function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?])\s+(?=[A-Z])/)
}
