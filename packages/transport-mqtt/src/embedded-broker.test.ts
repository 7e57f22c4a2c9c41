import mqtt from 'mqtt'
import { expect, it } from 'vitest'
import { embeddedBroker } from './embedded-broker.ts'

it('answers on the loopback address alone unless another host is stated', async () => {
  const broker = await embeddedBroker()
  expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`)
  await broker.close()
  await expect(mqtt.connectAsync(broker.url, { reconnectPeriod: 0 }, false)).rejects.toThrow()
})

it('does not hold back an acknowledgement behind a message on the same connection', async () => {
  const broker = await embeddedBroker()
  const client = await mqtt.connectAsync(broker.url)
  await client.subscribeAsync('a', { qos: 0 })
  const times: number[] = []
  for (let i = 0; i < 15; i++) {
    const began = performance.now()
    await Promise.all([
      new Promise((resolve) => client.once('message', resolve)),
      client.publishAsync('a', 'x', { qos: 1 }),
    ])
    times.push(performance.now() - began)
  }
  await client.endAsync()
  await broker.close()
  // Nagle and a delayed acknowledgement make it 40 ms; without them it is less than one.
  expect(times.sort((a, b) => a - b)[7]).toBeLessThan(20)
})

it('says so when the port is taken, and frees it when closed', async () => {
  const first = await embeddedBroker()
  await expect(embeddedBroker({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await first.close()
  const second = await embeddedBroker({ port: first.port })
  await second.close()
  await second.close()
})
