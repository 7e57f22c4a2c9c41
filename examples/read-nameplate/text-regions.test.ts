import { describe, expect, it } from 'vitest'
import { textRegions } from './text-regions.ts'

/** A map of 60 × 100 with blobs of one probability each. */
function map(...blobs: readonly (readonly [top: number, left: number, height: number, width: number, sure: number])[]) {
  const probability = new Float32Array(60 * 100)
  for (const [top, left, height, width, sure] of blobs)
    for (let y = top; y < top + height; y++) probability.fill(sure, y * 100 + left, y * 100 + left + width)
  return { probability, height: 60, width: 100 }
}

describe('text regions', () => {
  it('are read line by line and from left to right, grown around the core that the network marks', () => {
    const { regions, confidence } = textRegions(map([41, 60, 6, 30, 0.9], [40, 10, 8, 30, 0.9], [10, 30, 8, 40, 0.9]))
    expect(regions.map(({ top, left }) => [top < 20, left < 50])).toEqual([
      [true, true],
      [false, true],
      [false, false],
    ])
    expect(regions[0]).toEqual({ top: 4, left: 24, height: 20, width: 52 })
    expect(confidence).toBeCloseTo(0.9)
  })

  it('leave out what is unsure or a speck, and stay inside the picture', () => {
    expect(textRegions(map([10, 10, 10, 40, 0.5], [40, 40, 3, 3, 0.99])).regions).toEqual([])
    expect(textRegions(map([0, 0, 10, 100, 0.9])).regions).toEqual([{ top: 0, left: 0, height: 18, width: 100 }])
  })

  it('are none in an empty map', () => {
    expect(textRegions(map())).toEqual({ regions: [], confidence: 0 })
  })
})
