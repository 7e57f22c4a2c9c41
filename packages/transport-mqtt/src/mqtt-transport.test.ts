import {
  type Announcement,
  type AnnouncementEvent,
  type Descriptor,
  Fault,
  type Transport,
  type Warning,
} from '@dinrail/core'
import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isMissing } from '../../../tests/missing-part.ts'
import { embeddedBroker } from './embedded-broker.ts'
import { mosquitto, mosquittoPath } from './mosquitto.ts'
import { type MqttTransportOptions, mqttTransport } from './mqtt-transport.ts'

interface Broker {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

const brokers: readonly {
  readonly name: string
  readonly skip: boolean
  readonly protocolVersion: 4 | 5
  start(port?: number): Promise<Broker>
}[] = [
  { name: 'aedes in this process', skip: false, protocolVersion: 4, start: (port = 0) => embeddedBroker({ port }) },
  ...([4, 5] as const).map((protocolVersion) => ({
    name: `mosquitto, MQTT ${protocolVersion === 4 ? '3.1.1' : '5'}${mosquittoPath ? '' : ' (skipped: the mosquitto binary is not installed)'}`,
    skip: isMissing(mosquittoPath !== undefined),
    protocolVersion,
    start: (port?: number) => mosquitto(port === undefined ? {} : { port }),
  })),
]

function descriptor(id: string): Descriptor {
  const anything = { type: 'object' }
  const { specVersion, kind, effect } = { specVersion: '0.1', kind: 'model', effect: 'none' } as const
  return {
    specVersion,
    id,
    version: '1.0.0',
    kind,
    title: id,
    task: 'quality-inspection',
    input: anything,
    output: anything,
    effect,
    supports: {},
  }
}

function announcement(id: string, instance: string): Announcement {
  return { instance, address: `models/${id}/${instance}`, descriptor: descriptor(id) }
}

/** What happened, in order, and a promise for the first that fits: no test sleeps. */
function record<T>() {
  const items: T[] = []
  const waiting = new Set<() => void>()
  return {
    items,
    add(item: T) {
      items.push(item)
      for (const look of [...waiting]) look()
    },
    until(fits: (items: readonly T[]) => boolean): Promise<void> {
      return new Promise((resolve) => {
        const look = () => {
          if (!fits(items)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    },
  }
}

const inShort = (event: AnnouncementEvent) =>
  event.kind === 'up' ? `up ${event.announcement.instance}` : `gone ${event.instance} ${event.reason}`

const text = (frame: Uint8Array) => new TextDecoder().decode(frame)
const bytes = (words: string) => new TextEncoder().encode(words)
/** Something that begins as a frame does and is padded as a frame is. */
const framed = (number: number) => bytes(`DR${String(number).padStart(6, '0')}`)

async function faultOf(action: Promise<unknown>): Promise<Fault> {
  try {
    await action
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Fault)
    return thrown as Fault
  }
  throw new Error('nothing was thrown')
}

describe.each(brokers)('over $name', ({ skip, protocolVersion, start }) => {
  let broker: Broker
  const opened: Transport[] = []

  beforeEach(async () => {
    if (!skip) broker = await start()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((transport) => transport.close()))
    await broker?.close()
  })

  async function open(
    options: Partial<MqttTransportOptions> = {},
  ): Promise<Transport & { readonly client: MqttClient }> {
    let client: MqttClient | undefined
    const transport = await mqttTransport({
      connect: (url, given) => {
        client = mqtt.connect(url, given)
        return client
      },
      url: broker.url,
      ...options,
      options: { protocolVersion, reconnectPeriod: 50, ...options.options },
    })
    opened.push(transport)
    return Object.assign(transport, { client: client! })
  }

  const test = it.skipIf(skip)

  test('a frame that is sent arrives where it is listened for, and nowhere else', async () => {
    const [here, there] = [await open(), await open()]
    const wanted = record<string>()
    const others = record<string>()
    await there.listen('models/acme/press/1', (frame) => wanted.add(text(frame)))
    await there.listen('models/acme/press/2', (frame) => others.add(text(frame)))
    await here.send('models/acme/press/1', bytes('hello'), 1_000)
    await wanted.until((frames) => frames.length === 1)
    await here.send('models/acme/press/2', bytes('end'), 1_000)
    await others.until((frames) => frames.length === 1)
    expect([wanted.items, others.items]).toEqual([['hello'], ['end']])
  })

  test('frames keep their order, and those of one tick share one PUBLISH', async () => {
    const [here, there] = [await open(), await open()]
    const received = record<Uint8Array>()
    await there.listen('a', (frame) => received.add(frame))
    const sends = Array.from({ length: 1_000 }, (_, i) => here.send('a', framed(i), 5_000))
    await Promise.all(sends)
    await received.until((payloads) => payloads.reduce((sum, { length }) => sum + length, 0) === 8_000)
    expect(received.items.map(text).join('')).toBe(Array.from({ length: 1_000 }, (_, i) => text(framed(i))).join(''))
    expect(received.items).toHaveLength(1)
  })

  test('a frame that follows another is not held back until the first is acknowledged', async () => {
    const [here, there] = [await open(), await open()]
    const answered = record<Uint8Array>()
    const received = record<Uint8Array>()
    await here.listen('here', (frame) => answered.add(frame))
    await there.listen('there', (frame) => received.add(frame))
    const times: number[] = []
    for (let round = 1; round <= 15; round++) {
      // Traffic both ways makes the broker's kernel delay its acknowledgements.
      await here.send('here', framed(0), 1_000)
      await answered.until((frames) => frames.length === round)
      const began = performance.now()
      await here.send('there', framed(1), 1_000)
      await here.send('there', framed(2), 1_000)
      await received.until((frames) => frames.length === 2 * round)
      times.push(performance.now() - began)
    }
    // Nagle on either side of the broker makes it 40 ms; without it it is about one.
    expect(times.sort((a, b) => a - b)[7]).toBeLessThan(20)
  })

  test('bytes that are no frames are never joined', async () => {
    const [here, there] = [await open(), await open()]
    const received = record<string>()
    await there.listen('a', (frame) => received.add(text(frame)))
    await Promise.all(
      ['one', 'two', '12345678', 'DRthree', 'DR345678', 'DR-four-'].map((words) => here.send('a', bytes(words), 5_000)),
    )
    await received.until((frames) => frames.length === 5)
    expect(received.items).toEqual(['one', 'two', '12345678', 'DRthree', 'DR345678DR-four-'])
  })

  test('received frames begin at a whole 8 bytes of their buffer', async () => {
    const [here, there] = [await open(), await open()]
    const received = record<Uint8Array>()
    // Topics of every length put payloads at every offset.
    const addresses = Array.from({ length: 16 }, (_, i) => 'x'.repeat(i + 1))
    for (const address of addresses) await there.listen(address, (frame) => received.add(frame))
    await Promise.all(addresses.map((address) => here.send(address, framed(address.length), 5_000)))
    await received.until((frames) => frames.length === 16)
    expect(received.items.map(({ byteOffset }) => byteOffset % 8)).toEqual(Array(16).fill(0))
    expect(received.items.map(text)).toEqual(addresses.map(({ length }) => text(framed(length))))
  })

  test('a large frame arrives whole, and one above the limit is refused with what to do', async () => {
    const here = await open({ maximumFrameBytes: 4 * 1024 * 1024 })
    const received = record<Uint8Array>()
    await here.listen('bulk', (frame) => received.add(frame))
    const large = new Uint8Array(4 * 1024 * 1024).map((_, i) => i * 31)
    await here.send('bulk', large, 10_000)
    await received.until((frames) => frames.length === 1)
    expect(Buffer.compare(received.items[0]!, large)).toBe(0)
    const fault = await faultOf(here.send('bulk', new Uint8Array(4 * 1024 * 1024 + 1), 10_000))
    expect(fault.code).toBe('invalid-input')
    expect(fault.message).toMatch(/4194305 bytes.*at most 4194304.*maximumFrameBytes/)
  })

  test('what is no longer listened for does not arrive', async () => {
    const here = await open()
    const received = record<string>()
    const stop = await here.listen('a', (frame) => received.add(`first ${text(frame)}`))
    const stopSecond = await here.listen('a', (frame) => received.add(`second ${text(frame)}`))
    await stop()
    await here.send('a', bytes('1'), 1_000)
    await received.until((frames) => frames.length === 1)
    await stopSecond()
    await here.listen('b', (frame) => received.add(`b ${text(frame)}`))
    await here.send('a', bytes('2'), 1_000)
    await here.send('b', bytes('3'), 1_000)
    await received.until((frames) => frames.some((frame) => frame.startsWith('b')))
    expect(received.items).toEqual(['second 1', 'b 3'])
  })

  test('wildcards and empty addresses are refused before they reach the broker', async () => {
    const here = await open()
    for (const address of ['', 'a/+', 'a/#', 'a\0'])
      for (const action of [here.send(address, bytes('x'), 1_000), here.listen(address, () => {})])
        expect((await faultOf(action)).code).toBe('invalid-input')
    expect((await faultOf(here.announce(announcement('acme/press', 'a/b')))).code).toBe('invalid-input')
  })

  test('a watcher that comes late is told of all who are there before its watch settles', async () => {
    const [maker, watcher] = [await open(), await open()]
    const instances = Array.from({ length: 300 }, (_, i) => `i${i}`)
    await Promise.all(instances.map((instance) => maker.announce(announcement('acme/press', instance))))
    for (let late = 0; late < 2; late++) {
      const events: string[] = []
      await watcher.watch((event) => events.push(inShort(event)))
      expect(events.sort()).toEqual(instances.map((instance) => `up ${instance}`).sort())
    }
  })

  test('a watcher is told the whole announcement, and when it is withdrawn', async () => {
    const [maker, watcher] = [await open(), await open()]
    const events = record<AnnouncementEvent>()
    await watcher.watch((event) => events.add(event))
    const withdraw = await maker.announce(announcement('acme/press', 'one'))
    await events.until((all) => all.length === 1)
    await withdraw()
    await events.until((all) => all.length === 2)
    expect(events.items).toEqual([
      { kind: 'up', announcement: announcement('acme/press', 'one') },
      { kind: 'gone', id: 'acme/press', instance: 'one', reason: 'withdrawn' },
    ])
  })

  test('closing withdraws everything and leaves nothing retained', async () => {
    const [maker, watcher] = [await open({ sessionId: 'mine' }), await open()]
    const emptied = record<string>()
    watcher.client.on('message', (topic, payload) => payload.length === 0 && emptied.add(topic))
    const events = record<string>()
    await watcher.watch((event) => events.add(inShort(event)))
    await maker.announce(announcement('acme/press', 'one'))
    await maker.announce(announcement('acme/oven', 'two'))
    await maker.close()
    await events.until((all) => all.length === 4)
    expect(events.items.slice(2).sort()).toEqual(['gone one withdrawn', 'gone two withdrawn'])
    await emptied.until((topics) => topics.includes('dinrail/v1/sessions/mine'))
    expect((await faultOf(maker.send('a', bytes('x'), 1_000))).code).toBe('unavailable')
    expect((await faultOf(maker.listen('a', () => {}))).code).toBe('unavailable')
    const after: string[] = []
    await (await open()).watch((event) => after.push(inShort(event)))
    expect(after).toEqual([])
  })

  test('an instance whose process dies is gone as lost, and a later watcher does not see it', async () => {
    const watcher = await open()
    const maker = await open({ options: { reconnectPeriod: 0 } })
    const events = record<string>()
    await watcher.watch((event) => events.add(inShort(event)))
    await maker.announce(announcement('acme/press', 'one'))
    await events.until((all) => all.length === 1)
    maker.client.stream.destroy()
    await events.until((all) => all.length === 2)
    expect(events.items).toEqual(['up one', 'gone one lost'])
    const late: string[] = []
    await (await open()).watch((event) => late.push(inShort(event)))
    expect(late).toEqual([])
  })

  test('a short cut of the line brings an instance back up', async () => {
    const [maker, watcher] = [await open(), await open()]
    const events = record<string>()
    await watcher.watch((event) => events.add(inShort(event)))
    await maker.announce(announcement('acme/press', 'one'))
    maker.client.stream.destroy()
    await events.until((all) => all.length === 3)
    expect(events.items).toEqual(['up one', 'gone one lost', 'up one'])
  })

  test('an instance withdrawn while a watcher was away is gone when it comes back', async () => {
    const [maker, watcher] = [await open(), await open({ options: { reconnectPeriod: 600 } })]
    const events = record<string>()
    await watcher.watch((event) => events.add(inShort(event)))
    const withdraw = await maker.announce(announcement('acme/press', 'one'))
    await maker.announce(announcement('acme/press', 'two'))
    await events.until((all) => all.length === 2)
    watcher.client.stream.destroy()
    await withdraw()
    await events.until((all) => all.length === 3)
    expect(events.items).toEqual(['up one', 'up two', 'gone one withdrawn'])
  })

  test('after a broker restart everybody listens and is announced again', async () => {
    const [maker, caller] = [await open(), await open()]
    const received = record<string>()
    await maker.listen('a', (frame) => received.add(text(frame)))
    await maker.announce(announcement('acme/press', 'one'))
    const { port } = broker
    await broker.close()
    broker = await start(port)
    // The new broker has forgotten everything, so a new watcher sees only what was announced again.
    const events = record<string>()
    await (await open()).watch((event) => events.add(inShort(event)))
    await events.until((all) => all.includes('up one'))
    await caller.listen('b', () => {})
    await caller.send('a', bytes('hello again'), 5_000)
    await received.until((frames) => frames.length === 1)
    expect(received.items).toEqual(['hello again'])
  })

  test('with a dead broker a frame is refused within its expiry, and not sent later', async () => {
    const [here, there] = [await open(), await open()]
    const received = record<string>()
    await there.listen('a', (frame) => received.add(text(frame)))
    const { port } = broker
    const closed = new Promise<void>((resolve) => here.client.once('close', resolve))
    await broker.close()
    const began = performance.now()
    // Whether or not the client has noticed yet: a frame given to a dying socket is lost, never queued.
    await here.send('a', bytes('stale'), 500).catch((thrown) => expect(thrown.code).toBe('unavailable'))
    expect(performance.now() - began).toBeLessThan(500)
    await closed
    expect((await faultOf(here.send('a', bytes('stale'), 500))).code).toBe('unavailable')
    broker = await start(port)
    await there.listen('b', () => {})
    await here.listen('b', () => {})
    await here.send('a', bytes('fresh'), 5_000)
    await received.until((frames) => frames.includes('fresh'))
    expect(received.items).toEqual(['fresh'])
  })

  test('frames that wait when the line is cut are refused at once', async () => {
    const here = await open({ options: { reconnectPeriod: 0 } })
    const sends = Array.from({ length: 40 }, () => faultOf(here.send('a', new Uint8Array(1024 * 1024), 10_000)))
    here.client.stream.destroy()
    expect(new Set((await Promise.all(sends)).map(({ code }) => code))).toEqual(new Set(['unavailable']))
  })

  test('more than may wait is refused as overloaded, and the rest arrives', async () => {
    const here = await open({ maximumWaitingBytes: 4 * 1024 * 1024 })
    const received = record<Uint8Array>()
    await here.listen('a', (frame) => received.add(frame))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => here.send('a', new Uint8Array(1024 * 1024), 10_000)),
    )
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), ...Array(2).fill('rejected')])
    expect((outcomes[5] as PromiseRejectedResult).reason.code).toBe('overloaded')
    await received.until((frames) => frames.length === 4)
    await here.send('a', new Uint8Array(1024 * 1024), 10_000)
  })

  test('what is no announcement is reported and does not hide the others', async () => {
    const maker = await open()
    const junk = ['{', '[]', 'null', '"x"', '{"sessionId":1}', '{"sessionId":"s","announcement":{}}', '\xff']
    const retain = (topic: string, payload: string | Buffer) =>
      maker.client.publishAsync(topic, payload, { retain: true, qos: 1 })
    for (const [i, payload] of junk.entries())
      await retain(`dinrail/v1/models/acme/junk/${i}`, Buffer.from(payload, 'latin1'))
    const honest = announcement('acme/press', 'elsewhere')
    await retain('dinrail/v1/models/acme/spoof/x', JSON.stringify({ sessionId: 's', announcement: honest }))
    await maker.announce(announcement('acme/press', 'one'))
    const warnings: Warning[] = []
    const events: string[] = []
    await (await open({ onWarning: (warning) => warnings.push(warning) })).watch((event) => events.push(inShort(event)))
    expect(events).toEqual(['up one'])
    expect(warnings.map(({ code }) => code)).toEqual(Array(junk.length + 1).fill('malformed-announcement'))
  })

  test('a receiver that throws is reported, and the others still receive', async () => {
    const warned = record<Warning>()
    const here = await open({ onWarning: (warning) => warned.add(warning) })
    const received = record<string>()
    await here.listen('a', () => {
      throw new Error('broken receiver')
    })
    await here.listen('a', (frame) => received.add(text(frame)))
    await here.send('a', bytes('1'), 1_000)
    await received.until((frames) => frames.length === 1)
    expect(warned.items).toEqual([{ code: 'receiver-failed', message: 'broken receiver' }])
  })

  test('a session that falls silent without a will is lost after three intervals', async () => {
    const maker = await open()
    // Retained by a broker that died together with the session: nobody is left to say so.
    const retain = (topic: string, payload: string) =>
      maker.client.publishAsync(topic, payload, { retain: true, qos: 1 })
    await retain('dinrail/v1/sessions/dead', 'online')
    await retain(
      'dinrail/v1/models/acme/press/dead',
      JSON.stringify({ sessionId: 'dead', announcement: announcement('acme/press', 'dead') }),
    )
    const living = await open({ heartbeatMs: 50 })
    await living.announce(announcement('acme/press', 'living'))
    const events = record<string>()
    await (await open({ heartbeatMs: 50 })).watch((event) => events.add(inShort(event)))
    await events.until((all) => all.includes('gone dead lost'))
    expect([...events.items].sort()).toEqual(['gone dead lost', 'up dead', 'up living'])
  })

  test('a late word that this session was lost is corrected', async () => {
    const [maker, watcher] = [await open({ sessionId: 'mine' }), await open()]
    await maker.announce(announcement('acme/press', 'one'))
    const events = record<string>()
    await watcher.watch((event) => events.add(inShort(event)))
    await watcher.client.publishAsync('dinrail/v1/sessions/mine', 'lost', { retain: true, qos: 1 })
    await events.until((all) => all.length === 3)
    expect(events.items).toEqual(['up one', 'gone one lost', 'up one'])
  })
})

describe('without a broker', () => {
  it('opening fails as unavailable in time, says why and tries no longer', async () => {
    const broker = await embeddedBroker()
    await broker.close()
    let client: MqttClient | undefined
    const fault = await faultOf(
      mqttTransport({
        connect: (url, options) => (client = mqtt.connect(url, options)),
        url: broker.url,
        settleMs: 200,
      }),
    )
    expect(fault.code).toBe('unavailable')
    expect(fault.message).toMatch(/within 200 ms: .*ECONNREFUSED/)
    expect(client?.disconnecting).toBe(true)
  })

  it('a broker that refuses the credentials is told apart', async () => {
    const broker = await embeddedBroker({
      aedes: { authenticate: (_client, _user, _password, done) => done(null, false) },
    })
    const fault = await faultOf(mqttTransport({ connect: mqtt.connect, url: broker.url }))
    await broker.close()
    expect(fault.code).toBe('denied')
  })

  it('a broker that refuses a subscription is told apart', async () => {
    const broker = await embeddedBroker({
      aedes: {
        authorizeSubscribe: (_client, subscription, done) =>
          done(null, subscription.topic.endsWith('secret') ? null : subscription),
      },
    })
    const transport = await mqttTransport({ connect: mqtt.connect, url: broker.url })
    const fault = await faultOf(transport.listen('secret', () => {}))
    await transport.listen('open', () => {})
    await transport.close()
    await broker.close()
    expect(fault.code).toBe('denied')
  })

  it('a topic prefix with wildcards is a mistake of the programmer', async () => {
    await expect(mqttTransport({ connect: mqtt.connect, url: 'mqtt://127.0.0.1', prefix: 'a/#' })).rejects.toThrow(
      TypeError,
    )
  })
})

describe.skipIf(isMissing(mosquittoPath !== undefined))('a broker that hangs', () => {
  it('does not hold a send longer than its expiry', async () => {
    const broker = await mosquitto()
    const transport = await mqttTransport({ connect: mqtt.connect, url: broker.url, options: { reconnectPeriod: 0 } })
    broker.freeze()
    const began = performance.now()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, () => transport.send('a', new Uint8Array(1024 * 1024), 300)),
    )
    expect(performance.now() - began).toBeLessThan(1_500)
    const last = outcomes[29] as PromiseRejectedResult
    expect([last.status, last.reason?.code]).toEqual(['rejected', 'unavailable'])
    broker.thaw()
    await transport.close()
    await broker.close()
  })
})
