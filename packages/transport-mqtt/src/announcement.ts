import type { Announcement } from '@dinrail/core'

/** What is retained on an announcement's topic: who is there, and whose will speaks for it. */
export interface AnnouncementRecord {
  readonly sessionId: string
  readonly announcement: Announcement
}

export function writeAnnouncement(record: AnnouncementRecord): string {
  return JSON.stringify(record)
}

/** Reads what anybody may have put on the topic of `key`. A string says why it is none. */
export function readAnnouncement(key: string, payload: Uint8Array): AnnouncementRecord | string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return 'is not JSON'
  }
  if (!isObject(value) || typeof value.sessionId !== 'string' || !isObject(value.announcement))
    return 'is not { sessionId, announcement }'
  const { instance, address, descriptor } = value.announcement
  if (typeof instance !== 'string' || typeof address !== 'string' || !isObject(descriptor))
    return 'is not { instance, address, descriptor }'
  if (`${descriptor.id}/${instance}` !== key) return `speaks of ${descriptor.id}/${instance}, which has another topic`
  return value as unknown as AnnouncementRecord
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
