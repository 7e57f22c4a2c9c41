import { Fault, type Warning } from '@dinrail/core'
import type { IClientOptions, MqttClient } from 'mqtt'

/** MQTT.js's `connect`, passed in. */
export type MqttConnect = (url: string, options: IClientOptions) => MqttClient

type Done = (problem?: Error | null) => void

export interface ConnectionSettings {
  readonly connect: MqttConnect
  readonly url: string
  readonly options: IClientOptions
  /** The retained topic that says whether this side lives; the broker itself writes `lost` on it. */
  readonly sessionTopic: string
  /** How long a subscription, an announcement or the first connection may take, in milliseconds. */
  readonly settleMs: number
  readonly heartbeatMs: number
  readonly onMessage: (topic: string, payload: Uint8Array, isRetained: boolean) => void
  /** Connected again, before anything is subscribed. */
  readonly onConnect: () => void
  /** Subscribed and announced again. */
  readonly onLive: () => void
  readonly onDown: (fault: Fault) => void
  readonly onWarning: (warning: Warning) => void
}

/** One connection that outlives its sockets: what it subscribed and retained is there again after each reconnect. */
export interface Connection {
  isLive(): boolean
  /** The largest packet that the broker says it takes; only MQTT 5 brokers say. */
  maximumPacketBytes(): number
  /** Settles once the broker has acknowledged the subscriptions. */
  subscribe(filters: readonly string[]): Promise<void>
  unsubscribe(filters: readonly string[]): Promise<void>
  /** Settles once the broker has it. */
  retain(topic: string, payload: string): Promise<void>
  /** Empties a retained topic; while there is no connection, as soon as there is one. */
  clear(topic: string): Promise<void>
  /** At QoS 0. `written` never comes when the socket dies. */
  publish(topic: string, payload: Uint8Array | string, expiresInMs: number, written: Done): void
  end(): Promise<void>
}

/** What a TCP or TLS socket has, and a web socket has not. */
interface NagleSwitch {
  setNoDelay(noDelay: boolean): void
}

/** How long an orderly end may take before the socket is cut. */
const farewellMs = 2_000
/** CONNACK codes of MQTT 3.1.1 and 5 that say: you may not. */
const deniedCodes = new Set([4, 5, 134, 135, 138])

export async function openConnection(settings: ConnectionSettings): Promise<Connection> {
  const { sessionTopic, settleMs, onWarning } = settings
  /** Filters by the number of the connection on which they were acknowledged. */
  const filters = new Map<string, number>()
  /** What ought to be retained; an empty payload is one that still has to be removed. */
  const retained = new Map<string, string>()
  /** Told when the socket closes: MQTT.js never calls back those who wait for an acknowledgement. */
  const unacknowledged = new Set<(fault: Fault) => void>()
  const waitingForLife = new Set<() => void>()
  let connections = 0
  let isLive = false
  let isEnding = false
  let ending: Promise<void> | undefined
  let packetLimit = Number.POSITIVE_INFINITY
  let lastProblem: Error | undefined
  let heartbeat: ReturnType<typeof setInterval> | undefined

  const client = settings.connect(settings.url, {
    keepalive: 10,
    reconnectPeriod: 500,
    connectTimeout: settleMs,
    ...settings.options,
    // A refused reconnect, such as to a broker that still starts, is tried again.
    reconnectOnConnackError: true,
    // The broker keeps nothing for this side, and MQTT.js neither stores frames nor resubscribes behind our back.
    clean: true,
    resubscribe: false,
    queueQoSZero: false,
    will: { topic: sessionTopic, payload: 'lost' as unknown as Buffer, qos: 1, retain: true },
  })

  client.on('connect', (packet) => {
    connections += 1
    // Nagle would hold a frame until the one before it is acknowledged, 40 ms later. MQTT.js leaves it on.
    if ('setNoDelay' in client.stream) (client.stream as unknown as NagleSwitch).setNoDelay(true)
    packetLimit = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY
    settings.onConnect()
    void resume(connections)
  })
  client.on('close', () => {
    const wasLive = isLive
    isLive = false
    connections += 1
    clearInterval(heartbeat)
    const fault = unavailable('the connection to the broker was lost')
    for (const fail of unacknowledged) fail(fault)
    if (wasLive) settings.onDown(fault)
  })
  client.on('error', (problem) => {
    lastProblem = problem
    if (isLive) onWarning({ code: 'client-error', message: describe(problem) })
  })
  client.on('message', (topic, payload, packet) => {
    // The broker's late word that an earlier socket of this session died.
    if (
      topic === sessionTopic &&
      isLive &&
      !isEnding &&
      payload.length > 0 &&
      new TextDecoder().decode(payload) === 'lost'
    )
      beat()
    settings.onMessage(topic, payload, packet.retain)
  })

  function beat(): void {
    client.publish(sessionTopic, 'online', { qos: 0, retain: true })
  }

  /** Everything anew on a fresh socket: subscriptions first, then announcements, and `online` last. */
  async function resume(connection: number): Promise<void> {
    const isCurrent = () => connection === connections
    const attempt = async (what: string, action: Promise<void>) => {
      try {
        await action
      } catch (thrown) {
        if (isCurrent())
          onWarning({ code: 'not-resumed', message: `${what} failed after a reconnect: ${Fault.from(thrown).message}` })
      }
    }
    await attempt('subscribing', subscribeNow([sessionTopic, ...filters.keys()]))
    await Promise.all(
      [...retained].map(([topic, payload]) => attempt(`announcing on ${topic}`, retainNow(topic, payload))),
    )
    await attempt('saying that this session is online', retainNow(sessionTopic, 'online'))
    if (!isCurrent()) return
    isLive = true
    heartbeat = setInterval(beat, settings.heartbeatMs)
    for (const proceed of waitingForLife) proceed()
    settings.onLive()
  }

  function subscribeNow(wanted: readonly string[]): Promise<void> {
    const connection = connections
    return acknowledged((done) => client.subscribe([...wanted], { qos: 0 }, done)).then(() => {
      for (const filter of wanted) if (filters.has(filter)) filters.set(filter, connection)
    })
  }

  /** QoS 1, so that it is known when the broker has it. What was not acknowledged is not sent again by MQTT.js. */
  async function retainNow(topic: string, payload: string): Promise<void> {
    let packetId = 0
    await acknowledged(
      (done) => {
        client.publish(topic, payload, { qos: 1, retain: true }, done)
        packetId = client.getLastMessageId()
      },
      () => client.removeOutgoingMessage(packetId),
    )
    if (payload === '' && retained.get(topic) === '') retained.delete(topic)
  }

  /** `abandon` is called while MQTT.js still remembers the request, which is only within its `close` event. */
  function acknowledged(request: (done: Done) => void, abandon?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle: Done = (problem) => {
        if (!unacknowledged.delete(fail)) return
        if (!problem) resolve()
        else if (client.connected)
          reject(new Fault('denied', `the broker refused: ${problem.message}`, { cause: problem }))
        else reject(unavailable(problem.message, problem))
      }
      const fail = (fault: Fault) => {
        unacknowledged.delete(fail)
        abandon?.()
        reject(fault)
      }
      unacknowledged.add(fail)
      request(settle)
    })
  }

  function untilLive(until: number): Promise<void> {
    if (isEnding) return Promise.reject(unavailable('the transport is closed'))
    if (isLive) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const proceed = () => {
        clearTimeout(timer)
        waitingForLife.delete(proceed)
        if (isLive) resolve()
        else
          reject(
            unavailable(
              isEnding ? 'the transport is closed' : `no connection to the broker within ${settleMs} ms${cause()}`,
              lastProblem,
            ),
          )
      }
      const timer = setTimeout(proceed, until - performance.now())
      waitingForLife.add(proceed)
    })
  }

  const cause = () => (lastProblem === undefined ? '' : `: ${describe(lastProblem)}`)

  /** Tries again on the next socket when one dies under it, until the time is up. */
  async function persist(isDone: () => boolean, action: () => Promise<void>): Promise<void> {
    const until = performance.now() + settleMs
    for (;;) {
      await untilLive(until)
      if (isDone()) return
      try {
        return await inTime(action(), until)
      } catch (thrown) {
        if (isLive || performance.now() >= until) throw thrown
      }
    }
  }

  /** A broker that is connected and silent. */
  function inTime(action: Promise<void>, until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(unavailable(`the broker did not acknowledge within ${settleMs} ms`)),
        until - performance.now(),
      )
      action.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }

  async function firstLife(): Promise<void> {
    const refusal = new Promise<never>((_, reject) => {
      client.on('error', (problem) => {
        if ('code' in problem && typeof problem.code === 'number')
          reject(
            new Fault(
              deniedCodes.has(problem.code) ? 'denied' : 'unavailable',
              `the broker refused the connection: ${problem.message}`,
              { cause: problem },
            ),
          )
      })
    })
    try {
      await Promise.race([untilLive(performance.now() + settleMs), refusal])
    } catch (thrown) {
      isEnding = true
      for (const proceed of [...waitingForLife]) proceed()
      client.end(true)
      throw thrown
    }
  }

  async function farewell(): Promise<void> {
    isEnding = true
    clearInterval(heartbeat)
    for (const proceed of [...waitingForLife]) proceed()
    if (!isLive) {
      client.end(true)
      return
    }
    const closed = new Promise<void>((resolve) => client.once('close', resolve))
    const cut = setTimeout(() => client.stream.destroy(), farewellMs)
    await Promise.all([...retained.keys()].map((topic) => retainNow(topic, '').catch(() => {})))
    await retainNow(sessionTopic, '').catch(() => {})
    client.end(!client.connected)
    await closed
    clearTimeout(cut)
  }

  await firstLife()

  return {
    isLive: () => isLive && !isEnding,
    maximumPacketBytes: () => packetLimit,
    async subscribe(wanted) {
      for (const filter of wanted) if (!filters.has(filter)) filters.set(filter, 0)
      const missing = () => wanted.filter((filter) => filters.get(filter) !== connections)
      await persist(
        () => missing().length === 0,
        () => subscribeNow(missing()),
      )
    },
    async unsubscribe(wanted) {
      for (const filter of wanted) filters.delete(filter)
      if (isLive && !isEnding) await acknowledged((done) => client.unsubscribe([...wanted], done)).catch(() => {})
    },
    async retain(topic, payload) {
      retained.set(topic, payload)
      let isFirst = true
      try {
        await persist(
          // A reconnect meanwhile has announced it along with all others.
          () => !isFirst && retained.get(topic) === payload,
          () => {
            isFirst = false
            return retainNow(topic, payload)
          },
        )
      } catch (thrown) {
        if (retained.get(topic) === payload) retained.delete(topic)
        throw thrown
      }
    },
    async clear(topic) {
      retained.set(topic, '')
      if (isLive) await retainNow(topic, '').catch(() => {})
    },
    publish(topic, payload, expiresInMs, written) {
      const properties = client.options.protocolVersion === 5 && {
        messageExpiryInterval: Math.min(Math.ceil(expiresInMs / 1000), 2 ** 32 - 1),
      }
      client.publish(topic, payload as Buffer, { qos: 0, ...(properties && { properties }) }, written)
    },
    end() {
      ending ??= farewell()
      return ending
    },
  }
}

function unavailable(message: string, problem?: Error): Fault {
  return new Fault('unavailable', message, problem === undefined ? {} : { cause: problem })
}

/** Refused connections come without a message in Node. */
function describe(problem: Error): string {
  return problem.message || String((problem as Error & { code?: unknown }).code ?? problem.name)
}
