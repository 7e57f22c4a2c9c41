/**
 * An append-only record in which each entry carries the digest of the one before. An entry is durable before
 * `append` settles, so an effect that follows it can never be missing from it.
 */
export interface Journal {
  append(event: JournalEvent): Promise<JournalEntry>
  /** From the first to the last. */
  entries(): AsyncIterable<JournalEntry>
}

export interface JournalEvent {
  /** kebab-case, such as `write-intent`. */
  readonly kind: string
  /** Who did it, or on whose behalf. */
  readonly actor: string
  /** Taken down as it is when `append` is called. A tensor is held as its dtype, shape and digest. */
  readonly data: unknown
}

export interface JournalEntry extends JournalEvent {
  /** From 0, without gaps. */
  readonly sequence: number
  /** ISO 8601, UTC. */
  readonly time: string
  /** Digest of the entry before; of the first one, `sha256:` and 64 zeros. */
  readonly previous: string
  /** `sha256:` of the canonical JSON of all the other members. */
  readonly digest: string
}

/** The head of the RFC 6962 Merkle tree over the digests: kept elsewhere, it proves the first `size` entries for ever. */
export interface JournalHead {
  readonly size: number
  /** `sha256:` and 64 hexadecimal digits. */
  readonly root: string
}

/** What became of a check: the head of all entries, or the first place that is wrong, in a sentence. */
export type JournalVerdict =
  | {
      readonly ok: true
      readonly size: number
      readonly root: string
      /** How many of the entries the given head proves; 0 where none was given. */
      readonly proven: number
    }
  | { readonly ok: false; readonly sequence: number; readonly problem: string }
