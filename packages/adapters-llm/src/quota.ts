/** What the server allows, kept here so that it need not refuse. */
export interface Quota {
  readonly requestsPerMinute?: number | undefined
  /** Read and written together. What a request will take is estimated first and put right when the server says it. */
  readonly tokensPerMinute?: number | undefined
}

/** One request's share of the quota. */
export interface Share {
  /** Milliseconds until it may be sent. */
  readonly waitMs: number
  /** What it really took, where that is known. */
  took(tokens: number): void
  /** It was not sent after all. */
  giveBack(): void
}

interface Entry {
  readonly at: number
  tokens: number
}

const minuteMs = 60_000
const longestPauseMs = 60 * minuteMs

/** Lets requests go by a clock that nobody sets, in the order in which they come, at most so many in any minute. */
export class QuotaKeeper {
  /** Sent or to be sent, in order. */
  private entries: Entry[] = []
  /** The server asked to be left alone until then. */
  private notBefore = 0

  constructor(private readonly quota: Quota) {}

  /** What the server said with a refusal holds for all requests, not only for the refused one; for an hour at most. */
  pause(ms: number, now: number): void {
    this.notBefore = Math.max(this.notBefore, now + Math.min(ms, longestPauseMs))
  }

  take(tokens: number, now: number): Share {
    const { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY } = this.quota
    this.entries = this.entries.filter(({ at }) => at + minuteMs > now)
    let at = Math.max(now, this.notBefore, this.entries.at(-1)?.at ?? 0)
    const sum = (held: readonly Entry[]) => held.reduce((total, entry) => total + entry.tokens, 0)
    for (;;) {
      const held = this.entries.filter((entry) => entry.at + minuteMs > at)
      const oldest = held[0]
      // What is larger than the quota by itself can only go alone.
      if (oldest === undefined || (held.length < requestsPerMinute && sum(held) + tokens <= tokensPerMinute)) break
      at = oldest.at + minuteMs
    }
    const entry: Entry = { at, tokens }
    if (Number.isFinite(requestsPerMinute) || Number.isFinite(tokensPerMinute)) this.entries.push(entry)
    return {
      waitMs: at - now,
      took: (real) => {
        entry.tokens = real
      },
      giveBack: () => {
        this.entries = this.entries.filter((one) => one !== entry)
      },
    }
  }
}
