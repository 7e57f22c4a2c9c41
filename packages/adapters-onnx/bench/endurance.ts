// What must hold for months: a million overlapped calls, and ten thousand models that come and go.
import { against } from '../../../bench/measure.ts'
import { overlappedInvokes } from '../src/overlapped-invokes.test-support.ts'
import { served, subjects } from './models.ts'

export async function millionCalls(times = 1_000_000): Promise<void> {
  const { answered, wrong, lost, seconds } = await overlappedInvokes(times)
  console.log(`\n${times} overlapped calls of three models, 64 at a time: ${seconds.toFixed(0)} s`)
  const isRight = answered === times && wrong === 0 && lost === 0
  against('zero wrong, zero lost', `${wrong} wrong, ${lost} lost, ${answered} answered`, isRight)
}

export async function loadsAndReleases(cycles = 10_000): Promise<void> {
  const megabytes = () => {
    globalThis.gc?.()
    return process.memoryUsage.rss() / 2 ** 20
  }
  const readings: number[] = []
  const settling = Math.floor(cycles / 10)
  for (let cycle = 0; cycle < cycles; cycle++) {
    const model = await served(subjects.autoencoder)
    await model.dispose()
    if (cycle >= settling && cycle % Math.floor(cycles / 20) === 0) readings.push(megabytes())
  }
  const [first, last] = [readings[0]!, readings.at(-1)!]
  console.log(
    `\n${cycles} times loaded and released; resident memory after ${settling}: ${readings.map((each) => each.toFixed(0)).join(' ')} MB`,
  )
  const growth = last / first - 1
  against('flat within 5 %', `grew by ${(growth * 100).toFixed(1)} %`, growth <= 0.05)
}
