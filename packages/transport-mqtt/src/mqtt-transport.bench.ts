import mqtt from 'mqtt'
import { bench, describe } from 'vitest'
import { embeddedBroker } from './embedded-broker.ts'
import { mosquitto, mosquittoPath } from './mosquitto.ts'
import { mqttTransport } from './mqtt-transport.ts'

/** 128-byte frames to the other side and as many back, through one broker on this machine. */
const brokers = {
  'aedes in this process': () => embeddedBroker(),
  ...(mosquittoPath && {
    mosquitto: () => mosquitto(),
    'mosquitto, set_tcp_nodelay false': () => mosquitto({ noDelay: false }),
  }),
}

describe('a frame there and back', async () => {
  for (const [name, start] of Object.entries(brokers)) {
    const broker = await start()
    const open = () => mqttTransport({ connect: mqtt.connect, url: broker.url })
    const [here, there] = [await open(), await open()]
    const frame = new Uint8Array(128)
    frame.set([0x44, 0x52])
    let missing = 0
    let complete = () => {}
    await here.listen('reply', ({ length }) => {
      missing -= length
      if (missing === 0) complete()
    })
    await there.listen('call', ({ length }) => {
      for (let offset = 0; offset < length; offset += frame.length) void there.send('reply', frame, 1_000)
    })
    const call = (count: number) =>
      new Promise<void>((resolve) => {
        complete = resolve
        missing = count * frame.length
        for (let i = 0; i < count; i++) void here.send('call', frame, 1_000)
      })
    bench(name, () => call(1))
    bench(`${name}, 64 at once`, () => call(64))
  }
})
