import type { Announcement, AnnouncementEvent, Transport } from './transport.ts'

/** A real transport inside one process: what is sent arrives a microtask later, in order. */
export function inProcessTransport(): Transport {
  const receivers = new Map<string, Set<(frame: Uint8Array) => void>>()
  const announcements = new Map<string, Announcement>()
  const observers = new Set<(event: AnnouncementEvent) => void>()
  const keyOf = ({ descriptor, instance }: Announcement) => `${descriptor.id}/${instance}`
  const tell = (event: AnnouncementEvent) => {
    for (const observe of observers) observe(event)
  }
  const withdraw = (announcement: Announcement) => {
    if (announcements.get(keyOf(announcement)) !== announcement) return
    announcements.delete(keyOf(announcement))
    tell({ kind: 'gone', id: announcement.descriptor.id, instance: announcement.instance, reason: 'withdrawn' })
  }
  return {
    async listen(address, receive) {
      const atAddress = receivers.get(address) ?? new Set()
      receivers.set(address, atAddress.add(receive))
      return async () => {
        atAddress.delete(receive)
        if (atAddress.size === 0 && receivers.get(address) === atAddress) receivers.delete(address)
      }
    },
    async send(address, frame) {
      queueMicrotask(() => {
        for (const receive of receivers.get(address) ?? []) receive(frame)
      })
    },
    async announce(announcement) {
      announcements.set(keyOf(announcement), announcement)
      tell({ kind: 'up', announcement })
      return async () => withdraw(announcement)
    },
    async watch(observe) {
      observers.add(observe)
      for (const announcement of announcements.values()) observe({ kind: 'up', announcement })
      return async () => {
        observers.delete(observe)
      }
    },
    async close() {
      for (const announcement of [...announcements.values()]) withdraw(announcement)
      observers.clear()
      receivers.clear()
    },
  }
}
