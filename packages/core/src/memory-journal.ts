import type { Journal, JournalEntry, JournalHead } from './journal.ts'
import { JournalChain, journalWriter } from './journal-chain.ts'

/** A journal that lasts as long as its process: for tests, for browsers and for what need not survive. */
export function memoryJournal(): Journal & { head(): Promise<JournalHead> } {
  const entries: JournalEntry[] = []
  const writer = journalWriter(new JournalChain(), (entry) => {
    entries.push(entry)
  })
  return {
    ...writer,
    async *entries() {
      yield* entries
    },
  }
}
