import { type AnnouncementEvent, Fault, type Stop, type Transport, type Warning } from '@dinrail/core'
import type { IClientOptions } from 'mqtt'
import { readAnnouncement, writeAnnouncement } from './announcement.ts'
import { type Connection, type MqttConnect, openConnection } from './connection.ts'
import { directory } from './directory.ts'
import { outbox } from './outbox.ts'
import { topicsUnder } from './topics.ts'

/** What MQTT.js is asked for besides what the transport decides itself. */
export type MqttClientOptions = Omit<
  IClientOptions,
  'will' | 'clean' | 'resubscribe' | 'queueQoSZero' | 'reconnectOnConnackError' | 'manualConnect'
>

export interface MqttTransportOptions {
  /** `connect` of the package `mqtt`, version 5. */
  readonly connect: MqttConnect
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://` and the broker's address. */
  readonly url: string
  /** First part of every topic; `dinrail` unless stated. Sides with different prefixes do not see each other. */
  readonly prefix?: string
  /** Names this connection on the broker. Fresh for each start, and random unless stated: it is what a will speaks of. */
  readonly sessionId?: string
  /** Passed on to MQTT.js: credentials, TLS, `keepalive` (10 s unless stated), `protocolVersion` (4 unless stated). */
  readonly options?: MqttClientOptions
  /** A larger frame is refused with `invalid-input`; 16 MiB unless stated. */
  readonly maximumFrameBytes?: number
  /** More waiting than this is refused with `overloaded`; 64 MiB unless stated. */
  readonly maximumWaitingBytes?: number
  /** How long the first connection, a subscription or an announcement may take; 10 s unless stated. */
  readonly settleMs?: number
  /** How often a session says that it lives; after three silent intervals it counts as lost. The same for all; 10 s unless stated. */
  readonly heartbeatMs?: number
  /** Told of what is survived: announcements that cannot be read, refusals after a reconnect, receivers that throw. */
  readonly onWarning?: (warning: Warning) => void
}

interface Receiver {
  readonly receive: (frame: Uint8Array) => void
}

interface Observer {
  readonly observe: (event: AnnouncementEvent) => void
}

const silentIntervals = 3
/** How long a retained message may be in coming when the echo is not allowed or was lost. */
const echoMs = 2_000
/** The fixed header, the topic's length and the properties of a PUBLISH, generously. */
const packetOverhead = 64

/**
 * Models over any MQTT broker. Settles once connected; throws a `Fault`: `unavailable` where no broker answers in
 * time, `denied` where it refuses. Reconnects by itself, and is then again all that it was.
 *
 * Frames travel at QoS 0: the calls above have their own deadlines, retries and de-duplication, a PUBACK tells
 * nothing about the model, and a frame that is sent again after a reconnect is late.
 */
export async function mqttTransport(options: MqttTransportOptions): Promise<Transport> {
  const { prefix = 'dinrail', sessionId = crypto.randomUUID(), settleMs = 10_000, heartbeatMs = 10_000 } = options
  const { maximumFrameBytes = 16 * 1024 * 1024, maximumWaitingBytes = 64 * 1024 * 1024, onWarning = () => {} } = options
  const topics = topicsUnder(prefix)
  const echoTopic = topics.echo(sessionId)
  const watchFilters = [topics.everyAnnouncement, topics.everySession, echoTopic]

  const receivers = new Map<string, Set<Receiver>>()
  const observers = new Set<Observer>()
  const echoes = new Map<string, () => void>()
  /** Settled when all retained announcements are known; undefined while nobody watches. */
  let watching: Promise<void> | undefined
  let sweeper: ReturnType<typeof setInterval> | undefined
  let retainedArrivals = 0
  let echoCount = 0

  const people = directory((event) => {
    for (const { observe } of observers) guarded('watcher-failed', () => observe(event))
  })

  const waiting = outbox(
    (address, payload, expiresInMs, written) =>
      connection.publish(topics.frames(address), payload, expiresInMs, written),
    {
      maximumFrameBytes: () => Math.min(maximumFrameBytes, connection.maximumPacketBytes() - packetOverhead),
      maximumWaitingBytes,
    },
  )

  const connection: Connection = await openConnection({
    connect: options.connect,
    url: options.url,
    // The same client id on every socket: a broker then ends the old one, and its will, before it greets the new one.
    options: { clientId: `dinrail-${sessionId}`, ...options.options },
    sessionTopic: topics.session(sessionId),
    settleMs,
    heartbeatMs,
    onMessage,
    onConnect: () => people.resumed(),
    onLive: () => {
      if (watching !== undefined) void settle()
    },
    onDown: (fault) => waiting.fail(fault),
    onWarning,
  })

  /** A mistake in somebody's callback must not end the connection for all others. */
  function guarded(code: string, action: () => void): void {
    try {
      action()
    } catch (thrown) {
      onWarning({ code, message: Fault.from(thrown).message })
    }
  }

  function onMessage(topic: string, payload: Uint8Array, isRetained: boolean): void {
    const address = topics.addressOf(topic)
    if (address !== undefined) {
      const frame = aligned(payload)
      for (const { receive } of receivers.get(topic) ?? []) guarded('receiver-failed', () => receive(frame))
    } else if (topic === echoTopic) echoes.get(new TextDecoder().decode(payload))?.()
    else if (watching !== undefined) {
      if (isRetained) retainedArrivals += 1
      onPresence(topic, payload)
    }
  }

  /** An empty payload is how MQTT says that nothing is retained any longer. */
  function onPresence(topic: string, payload: Uint8Array): void {
    const session = topics.sessionOf(topic)
    const key = topics.announcementKeyOf(topic)
    const isEmpty = payload.length === 0
    if (session !== undefined) {
      if (isEmpty) people.ended(session, 'withdrawn')
      else if (new TextDecoder().decode(payload) === 'online') people.online(session)
      else people.ended(session, 'lost')
    } else if (key !== undefined) {
      const record = isEmpty ? undefined : readAnnouncement(key, payload)
      if (record === undefined) people.withdrawn(key)
      else if (typeof record === 'string')
        onWarning({ code: 'malformed-announcement', message: `what is retained on ${topic} ${record}` })
      else people.announced(key, record.sessionId, record.announcement)
    }
  }

  async function startWatching(): Promise<void> {
    people.clear()
    await connection.subscribe(watchFilters)
    let sweptAt = performance.now()
    sweeper = setInterval(() => {
      const late = performance.now() - sweptAt > 2 * heartbeatMs
      sweptAt = performance.now()
      // Silence proves nothing while this side could not listen: it was away, or its own thread was busy.
      if (late || !connection.isLive()) people.excuseSilence()
      else people.sweep(silentIntervals * heartbeatMs)
    }, heartbeatMs)
    await settle()
  }

  /**
   * Waits until the broker has delivered what it retains. mosquitto does so before it reads the next packet, so one
   * echo would do; aedes does it beside other work, so two echoes in a row must come back without anything retained
   * in between.
   */
  async function settle(): Promise<void> {
    for (let quiet = 0; quiet < 2 && connection.isLive(); ) {
      const before = retainedArrivals
      await echo()
      quiet = retainedArrivals === before ? quiet + 1 : 0
    }
    if (connection.isLive()) people.settled()
  }

  function echo(): Promise<void> {
    return new Promise((resolve) => {
      const id = String(++echoCount)
      const done = () => {
        clearTimeout(timer)
        echoes.delete(id)
        resolve()
      }
      const timer = setTimeout(done, echoMs)
      echoes.set(id, done)
      connection.publish(echoTopic, id, echoMs, () => {})
    })
  }

  async function stopWatching(): Promise<void> {
    watching = undefined
    clearInterval(sweeper)
    people.clear()
    await connection.unsubscribe(watchFilters)
  }

  return {
    async listen(address, receive) {
      const topic = topics.frames(address)
      const receiver: Receiver = { receive }
      const atTopic = receivers.get(topic) ?? new Set()
      receivers.set(topic, atTopic.add(receiver))
      const stop: Stop = async () => {
        if (!atTopic.delete(receiver) || atTopic.size > 0) return
        receivers.delete(topic)
        await connection.unsubscribe([topic])
      }
      try {
        await connection.subscribe([topic])
      } catch (thrown) {
        await stop()
        throw thrown
      }
      return stop
    },

    async send(address, frame, expiresInMs) {
      topics.frames(address)
      if (!connection.isLive()) throw new Fault('unavailable', 'there is no connection to the broker')
      await waiting.send(address, frame, expiresInMs)
    },

    async announce(announcement) {
      const topic = topics.announcement(announcement.descriptor.id, announcement.instance)
      await connection.retain(topic, writeAnnouncement({ sessionId, announcement }))
      let isAnnounced = true
      return async () => {
        if (!isAnnounced) return
        isAnnounced = false
        await connection.clear(topic)
      }
    },

    async watch(observe) {
      const observer: Observer = { observe }
      for (const announcement of people.present())
        guarded('watcher-failed', () => observe({ kind: 'up', announcement }))
      observers.add(observer)
      const stop: Stop = async () => {
        if (observers.delete(observer) && observers.size === 0) await stopWatching()
      }
      watching ??= startWatching()
      try {
        await watching
      } catch (thrown) {
        await stop()
        throw thrown
      }
      return stop
    },

    async close() {
      observers.clear()
      receivers.clear()
      clearInterval(sweeper)
      waiting.fail(new Fault('unavailable', 'the transport is closed'))
      await connection.end()
    },
  }
}

/** Tensors are viewed where they lie, which needs an offset of whole 8 bytes; MQTT.js slices wherever a packet ended. */
function aligned(payload: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = payload
  return byteOffset % 8 === 0 ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(payload)
}
