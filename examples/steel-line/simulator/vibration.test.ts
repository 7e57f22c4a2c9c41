import { describe, expect, it } from 'vitest'
import type { BearingCondition } from '../training/cwru-bearing.ts'
import { bearing6205, bearingOrders } from './bearing-geometry.ts'
import { simulateVibration } from './vibration.ts'

const SAMPLE_RATE = 12_000
const SHAFT_SPEED = 1772

/** Amplitude of the rectified signal's modulation at a frequency, by its mean. */
const modulationAt = (signal: Float32Array, frequency: number): number => {
  const rectified = signal.map(Math.abs)
  const mean = rectified.reduce((sum, value) => sum + value, 0) / rectified.length
  let real = 0
  let imaginary = 0
  rectified.forEach((value, sample) => {
    const angle = (2 * Math.PI * frequency * sample) / SAMPLE_RATE
    real += (value / mean - 1) * Math.cos(angle)
    imaginary += (value / mean - 1) * Math.sin(angle)
  })
  return (2 * Math.hypot(real, imaginary)) / rectified.length
}

const simulate = (condition: BearingCondition, seed: number) =>
  simulateVibration({ condition, seed, shaftSpeed: SHAFT_SPEED, samples: 12_000 })

describe('simulateVibration', () => {
  it('gives the same signal for the same seed and another for another', () => {
    expect(simulate('ball', 1)).toEqual(simulate('ball', 1))
    expect(simulate('ball', 1)).not.toEqual(simulate('ball', 2))
  })

  it('gives as many samples as asked for, all of them finite', () => {
    const signal = simulateVibration({ condition: 'inner-race', seed: 3 })
    expect(signal).toHaveLength(2048)
    expect(signal.every(Number.isFinite)).toBe(true)
  })

  it.each([
    ['outer-race', bearingOrders(bearing6205).outerRace],
    ['inner-race', bearingOrders(bearing6205).innerRace],
  ] as const)('modulates the %s signal at the rate at which balls pass the defect', (condition, order) => {
    const rate = (order * SHAFT_SPEED) / 60
    const peak = (signal: Float32Array) =>
      Math.max(...[-3, -2, -1, 0, 1, 2, 3].map((offset) => modulationAt(signal, rate + offset)))
    expect(peak(simulate(condition, 4))).toBeGreaterThan(5 * peak(simulate('normal', 4)))
  })

  it('grows with the severity', () => {
    const level = (severity: number) =>
      simulateVibration({ condition: 'outer-race', severity, seed: 5 }).reduce((sum, value) => sum + value ** 2, 0)
    expect(level(2)).toBeGreaterThan(level(1))
    expect(level(0)).toBeLessThan(level(0.5))
  })
})

describe('bearingOrders', () => {
  it('gives the published rates of the 6205 bearing', () => {
    const orders = bearingOrders(bearing6205)
    expect(orders.innerRace).toBeCloseTo(5.4152, 2)
    expect(orders.outerRace).toBeCloseTo(3.5848, 2)
    expect(orders.cage).toBeCloseTo(0.39828, 2)
    expect(2 * orders.ballSpin).toBeCloseTo(4.7135, 2)
  })
})
