import type { Announcement, AnnouncementEvent } from '@dinrail/core'

/** Who is there, from what the broker says. An announcement counts while the session that made it is online. */
export interface Directory {
  announced(key: string, sessionId: string, announcement: Announcement): void
  /** The topic of an announcement was emptied. */
  withdrawn(key: string): void
  online(sessionId: string): void
  /** `lost` is what a will says; `withdrawn` is an orderly end. */
  ended(sessionId: string, reason: 'withdrawn' | 'lost'): void
  /** This side was away and is told everything once more from now on. */
  resumed(): void
  /** Silence up to now proves nothing: this side could not listen. */
  excuseSilence(): void
  /** All that the broker retains has been told. */
  settled(): void
  /** Gives up sessions that have been silent for too long; called every now and then. */
  sweep(silentMs: number): void
  /** All who are there now. */
  present(): Announcement[]
  clear(): void
}

interface Entry {
  readonly sessionId: string
  readonly announcement: Announcement
  /** The count of `resumed` when it was last told. */
  round: number
  up: boolean
}

interface Session {
  seenAt: number
  round: number
}

/** Pure bookkeeping: it knows no MQTT. `tell` hears of every change. */
export function directory(tell: (event: AnnouncementEvent) => void): Directory {
  const entries = new Map<string, Entry>()
  const sessions = new Map<string, Session>()
  let round = 0
  let isSettled = false

  function raise(entry: Entry): void {
    entry.up = true
    tell({ kind: 'up', announcement: entry.announcement })
  }

  function lower(entry: Entry, reason: 'withdrawn' | 'lost'): void {
    if (!entry.up) return
    entry.up = false
    const { descriptor, instance } = entry.announcement
    tell({ kind: 'gone', id: descriptor.id, instance, reason })
  }

  /** A session announces before it says `online`, so what it did not repeat by then was withdrawn meanwhile. */
  function forgetUnrepeated(sessionId: string): void {
    for (const [key, entry] of entries) {
      if (entry.sessionId !== sessionId || entry.round === round) continue
      entries.delete(key)
      lower(entry, 'withdrawn')
    }
  }

  function end(sessionId: string, reason: 'withdrawn' | 'lost'): void {
    sessions.delete(sessionId)
    for (const [key, entry] of entries) {
      if (entry.sessionId !== sessionId) continue
      if (entry.round !== round) entries.delete(key)
      lower(entry, reason)
    }
  }

  function excuseSilence(): void {
    for (const session of sessions.values()) session.seenAt = performance.now()
  }

  return {
    announced(key, sessionId, announcement) {
      const known = entries.get(key)
      if (known?.sessionId === sessionId && sameJson(known.announcement, announcement)) {
        known.round = round
        return
      }
      const entry: Entry = { sessionId, announcement, round, up: false }
      entries.set(key, entry)
      if (sessions.has(sessionId)) raise(entry)
      else if (known !== undefined) lower(known, 'lost')
    },
    withdrawn(key) {
      const entry = entries.get(key)
      if (entry === undefined) return
      entries.delete(key)
      lower(entry, 'withdrawn')
    },
    online(sessionId) {
      const session = sessions.get(sessionId)
      const isNews = session?.round !== round
      sessions.set(sessionId, { seenAt: performance.now(), round })
      if (!isNews) return
      if (isSettled) forgetUnrepeated(sessionId)
      for (const entry of entries.values()) if (entry.sessionId === sessionId && !entry.up) raise(entry)
    },
    ended: end,
    resumed() {
      round += 1
      isSettled = false
      excuseSilence()
    },
    excuseSilence,
    settled() {
      isSettled = true
      for (const [sessionId, session] of sessions) if (session.round === round) forgetUnrepeated(sessionId)
    },
    sweep(silentMs) {
      const now = performance.now()
      for (const [sessionId, { seenAt }] of sessions) if (now - seenAt > silentMs) end(sessionId, 'lost')
    },
    present: () => [...entries.values()].filter(({ up }) => up).map(({ announcement }) => announcement),
    clear() {
      entries.clear()
      sessions.clear()
      isSettled = false
    },
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
