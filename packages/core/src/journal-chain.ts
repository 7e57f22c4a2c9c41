import { canonicalDigest } from './digest.ts'
import { Fault } from './fault.ts'
import type { Journal, JournalEntry, JournalEvent, JournalHead, JournalVerdict } from './journal.ts'
import { journalData } from './journal-data.ts'
import { digestBytes, MerkleTree } from './journal-tree.ts'

const beginning = `sha256:${'0'.repeat(64)}`

/** Where a journal has got to: what the next entry must follow, and the tree of all that came before. */
export class JournalChain {
  private readonly tree = new MerkleTree()
  private last = beginning

  get size(): number {
    return this.tree.size
  }

  head(): Promise<JournalHead> {
    return this.tree.head()
  }

  /** Takes in an entry that was read. Answers why it cannot come next, in a sentence, or undefined once it is taken. */
  async accept(entry: unknown): Promise<string | undefined> {
    const at = `entry ${this.size}`
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return `${at} is not a JSON object`
    const { digest, ...content } = entry as Partial<JournalEntry>
    const { sequence, previous } = content
    if (sequence !== this.size)
      return `entry ${String(sequence)} stands where ${at} belongs: an entry was deleted, inserted or moved`
    let expected: string
    try {
      expected = await canonicalDigest(content)
    } catch {
      return `${at} was changed: it holds what no journal writes`
    }
    if (digest !== expected) return `${at} was changed: its content does not match its digest`
    if (previous !== this.last)
      return `${at} does not follow what stands before it: an entry was put in another's place`
    const texts = [content.time, content.kind, content.actor]
    if (!texts.every((text) => typeof text === 'string') || !('data' in content))
      return `${at} lacks its time, kind, actor or data`
    await this.take(expected)
    return undefined
  }

  /** Makes the next entry and takes it in. */
  async extend({ kind, actor, data }: JournalEvent): Promise<JournalEntry> {
    const time = new Date().toISOString()
    const content = { sequence: this.size, time, kind, actor, data, previous: this.last }
    const digest = await canonicalDigest(content)
    await this.take(digest)
    return Object.freeze({ ...content, digest })
  }

  private async take(digest: string): Promise<void> {
    await this.tree.append(digestBytes(digest))
    this.last = digest
  }
}

/**
 * The writing half of every journal: takes events down when `append` is called, chains them in that order, one after
 * another, and settles each when `store` has made it durable. Once `store` has failed nobody knows what is stored, so
 * every later append is refused until the journal is opened again.
 */
export function journalWriter(
  chain: JournalChain,
  store: (entry: JournalEntry) => void | Promise<void>,
): Pick<Journal, 'append'> & { head(): Promise<JournalHead> } {
  let last: Promise<unknown> = Promise.resolve()
  let broken: Fault | undefined

  return {
    async append({ kind, actor, data }) {
      if (typeof kind !== 'string' || typeof actor !== 'string')
        throw new TypeError('a journal event needs a kind and an actor')
      const taken = journalData(data)
      const next = last.then(async () => {
        if (broken !== undefined) throw broken
        await taken.complete
        const entry = await chain.extend({ kind, actor, data: taken.data })
        try {
          await store(entry)
        } catch (cause) {
          broken = new Fault('unavailable', `the journal cannot be written: ${Fault.from(cause).message}`, {
            retryable: false,
            cause,
          })
          throw broken
        }
        return entry
      })
      last = next.catch(() => {})
      return next
    },
    head() {
      const next = last.then(() => chain.head())
      last = next
      return next
    },
  }
}

/**
 * Whether entries are the ones that were written. Without a head, an edit, an insertion, a deletion and another order
 * are found; with a head that was kept where the entries are not, so are an end that was cut off and a journal that was
 * rewritten as a whole. A journal that has grown since the head was taken is right.
 */
export async function verifyJournal(
  entries: Iterable<JournalEntry> | AsyncIterable<JournalEntry>,
  head?: JournalHead,
): Promise<JournalVerdict> {
  const chain = new JournalChain()
  const malformed = head && headProblem(head)
  if (malformed !== undefined) return { ok: false, sequence: 0, problem: malformed }
  const rewritten = await rootProblem(chain, head)
  if (rewritten !== undefined) return rewritten
  for await (const entry of entries) {
    const sequence = chain.size
    const problem = await chain.accept(entry)
    if (problem !== undefined) return { ok: false, sequence, problem }
    const differs = await rootProblem(chain, head)
    if (differs !== undefined) return differs
  }
  if (head !== undefined && chain.size < head.size)
    return {
      ok: false,
      sequence: chain.size,
      problem: `the head counts ${head.size} entries and only ${chain.size} are there: the end was cut off`,
    }
  return { ok: true, ...(await chain.head()), proven: head?.size ?? 0 }
}

/** Why something is no head, or undefined where it is one. */
export function headProblem(head: unknown): string | undefined {
  const { size, root } = (head ?? {}) as Partial<JournalHead>
  if (Number.isSafeInteger(size) && size! >= 0 && typeof root === 'string' && /^sha256:[0-9a-f]{64}$/.test(root))
    return undefined
  return 'the head is not { size, root }: it was changed or is none'
}

/** A difference at the head's own size. Since entries are chained, the last one before it is known to be another. */
async function rootProblem(chain: JournalChain, head: JournalHead | undefined): Promise<JournalVerdict | undefined> {
  if (head === undefined || chain.size !== head.size || (await chain.head()).root === head.root) return undefined
  return {
    ok: false,
    sequence: Math.max(0, head.size - 1),
    problem: `the first ${head.size} entries hang together but are not those that the head was taken of: they were rewritten`,
  }
}
