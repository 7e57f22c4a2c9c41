// Frames of 128 bytes to another side and as many back, through each broker on this machine.
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect } from 'mqtt'
import { mosquitto, mosquittoPath } from '../packages/transport-mqtt/src/mosquitto.ts'
import { compare, type Side } from './measure.ts'

const frame = new Uint8Array(128)
frame.set([0x44, 0x52])

async function roundTrips(name: string, url: string): Promise<{ readonly sides: Side[]; close(): Promise<void> }> {
  const [here, there] = [await mqttTransport({ connect, url }), await mqttTransport({ connect, url })]
  let missing = 0
  let complete = () => {}
  await here.listen('reply', ({ length }) => {
    missing -= length
    if (missing === 0) complete()
  })
  await there.listen('call', ({ length }) => {
    for (let offset = 0; offset < length; offset += frame.length) void there.send('reply', frame, 1_000)
  })
  const atOnce = (count: number) =>
    new Promise<void>((resolve) => {
      complete = resolve
      missing = count * frame.length
      for (let i = 0; i < count; i++) void here.send('call', frame, 1_000)
    })
  return {
    sides: [
      {
        name: `${name}, one by one`,
        async run(times) {
          for (let i = 0; i < times; i++) await atOnce(1)
        },
      },
      {
        name: `${name}, 64 at once`,
        async run(times) {
          for (let i = 0; i < times; i += 64) await atOnce(64)
        },
      },
    ],
    async close() {
      await here.close()
      await there.close()
    },
  }
}

const brokers = [
  { name: 'aedes in this process', broker: await embeddedBroker() },
  ...(mosquittoPath === undefined
    ? []
    : [
        { name: 'mosquitto', broker: await mosquitto() },
        { name: 'mosquitto, set_tcp_nodelay false', broker: await mosquitto({ noDelay: false }) },
      ]),
]
if (mosquittoPath === undefined) console.log('mosquitto is not installed: only the embedded broker is measured')
const media = await Promise.all(brokers.map(({ name, broker }) => roundTrips(name, broker.url)))
await compare(
  'A frame there and back',
  640,
  media.flatMap(({ sides }) => sides),
  7,
)
for (const medium of media) await medium.close()
for (const { broker } of brokers) await broker.close()
