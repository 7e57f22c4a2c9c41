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
