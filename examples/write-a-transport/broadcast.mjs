// Models over a BroadcastChannel: between the workers of a process, or the tabs of a browser. Check: npx dinrail-check broadcast.mjs

/** How long others have to say what they announced, in milliseconds: a channel cannot tell who is on it. */
const answerMs = 50

/** @returns {import('@dinrail/core').Transport} */
export function broadcastTransport(name) {
  const channel = new BroadcastChannel(name)
  const receivers = new Map() // address → functions that listen there
  const mine = new Map() // what this side announced
  const present = new Map() // what all sides announced
  const observers = new Set()
  const keyOf = ({ descriptor, instance }) => `${descriptor.id}/${instance}`

  const take = (message) => {
    switch (message.kind) {
      case 'frame':
        for (const receive of receivers.get(message.address) ?? []) receive(message.frame)
        return
      case 'who':
        for (const announcement of mine.values()) channel.postMessage({ kind: 'up', announcement })
        return
      case 'up':
        // Said again to somebody who asked, it is no news to the others.
        if (JSON.stringify(present.get(keyOf(message.announcement))) === JSON.stringify(message.announcement)) return
        present.set(keyOf(message.announcement), message.announcement)
        for (const observe of observers) observe(message)
        return
      case 'gone':
        present.delete(`${message.id}/${message.instance}`)
        for (const observe of observers) observe(message)
    }
  }
  // A channel does not deliver to the side that sends, and both ends of a call may be on one side.
  const tell = (message) => {
    channel.postMessage(message)
    queueMicrotask(() => take(message))
  }
  channel.onmessage = ({ data }) => take(data)

  const withdraw = (announcement) => {
    if (mine.get(keyOf(announcement)) !== announcement) return
    mine.delete(keyOf(announcement))
    tell({ kind: 'gone', id: announcement.descriptor.id, instance: announcement.instance, reason: 'withdrawn' })
  }

  return {
    async listen(address, receive) {
      const atAddress = receivers.get(address) ?? new Set()
      receivers.set(address, atAddress.add(receive))
      return async () => void atAddress.delete(receive)
    },
    async send(address, frame) {
      tell({ kind: 'frame', address, frame })
    },
    async announce(announcement) {
      mine.set(keyOf(announcement), announcement)
      tell({ kind: 'up', announcement })
      return async () => withdraw(announcement)
    },
    async watch(observe) {
      channel.postMessage({ kind: 'who' })
      await new Promise((resolve) => setTimeout(resolve, answerMs))
      observers.add(observe)
      for (const announcement of present.values()) observe({ kind: 'up', announcement })
      return async () => void observers.delete(observe)
    },
    async close() {
      for (const announcement of [...mine.values()]) withdraw(announcement)
      observers.clear()
      receivers.clear()
      // What was told above must leave first.
      setTimeout(() => channel.close(), answerMs)
    },
  }
}

let channels = 0
export const transport = {
  async create() {
    const name = `check-${channels++}`
    return { one: broadcastTransport(name), other: broadcastTransport(name) }
  },
}
