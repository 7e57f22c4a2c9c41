import { hex } from './digest.ts'
import type { JournalEntry, JournalHead } from './journal.ts'

/**
 * An RFC 6962 Merkle tree of which only the frontier is kept: the roots of the complete subtrees, largest first. An
 * append and a root each cost O(log n) hashes however long the journal is.
 */
export class MerkleTree {
  private readonly frontier: Uint8Array<ArrayBuffer>[] = []
  private leaves = 0

  get size(): number {
    return this.leaves
  }

  /** Calls must not overlap. */
  async append(leaf: Uint8Array): Promise<void> {
    let subtree = await hash(0x00, leaf)
    // Every trailing one bit of the size is a complete subtree as large as the one that is being carried.
    for (let rest = this.leaves; rest % 2 === 1; rest = Math.floor(rest / 2))
      subtree = await hash(0x01, this.frontier.pop()!, subtree)
    this.frontier.push(subtree)
    this.leaves++
  }

  async head(): Promise<JournalHead> {
    let root = this.frontier.at(-1) ?? new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array()))
    for (let i = this.frontier.length - 2; i >= 0; i--) root = await hash(0x01, this.frontier[i]!, root)
    return { size: this.leaves, root: `sha256:${hex(root)}` }
  }
}

/** The 32 bytes that a `sha256:` digest stands for: the leaf of its entry. */
export function digestBytes(digest: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(digest.slice(7 + 2 * i, 9 + 2 * i), 16))
}

/** The head that entries would have, without a check of the entries themselves: `verifyJournal` checks. */
export async function treeHead(entries: Iterable<JournalEntry> | AsyncIterable<JournalEntry>): Promise<JournalHead> {
  const tree = new MerkleTree()
  for await (const { digest } of entries) await tree.append(digestBytes(digest))
  return tree.head()
}

/** The prefix keeps a leaf from ever passing for a node. */
async function hash(prefix: 0x00 | 0x01, ...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(1 + parts.reduce((length, part) => length + part.length, 0))
  bytes[0] = prefix
  let at = 1
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}
