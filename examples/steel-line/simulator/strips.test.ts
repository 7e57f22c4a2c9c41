import { describe, expect, it } from 'vitest'
import { stripDefects, stripFeatures } from '../training/steel-plates.ts'
import { simulateStrip } from './strips.ts'

describe('simulateStrip', () => {
  it('gives the same strip for the same seed and another for another', () => {
    expect(simulateStrip({ defect: 'bumps', seed: 1 })).toEqual(simulateStrip({ defect: 'bumps', seed: 1 }))
    expect(simulateStrip({ defect: 'bumps', seed: 1 })).not.toEqual(simulateStrip({ defect: 'bumps', seed: 2 }))
  })

  it.each(stripDefects)('draws consistent strips with the defect %s', (defect) => {
    for (let seed = 0; seed < 50; seed += 1) {
      const strip = simulateStrip({ defect, seed })
      expect(Object.keys(strip)).toEqual(stripFeatures.map(({ name }) => name))
      expect(Object.values(strip).every(Number.isFinite)).toBe(true)
      const width = strip.xMaximum! - strip.xMinimum!
      const length = strip.yMaximum! - strip.yMinimum!
      expect(strip.pixelsAreas).toBeLessThanOrEqual(width * length)
      expect(strip.xMaximum).toBeLessThanOrEqual(strip.lengthOfConveyor!)
      expect(strip.typeOfSteelA300! + strip.typeOfSteelA400!).toBe(1)
      expect(strip.minimumOfLuminosity).toBeLessThanOrEqual(strip.maximumOfLuminosity!)
      expect(strip.emptyIndex).toBeCloseTo(1 - strip.pixelsAreas! / (width * length), 4)
    }
  })

  it('refuses a defect it has no distribution of', () => {
    expect(() => simulateStrip({ defect: 'rust', seed: 1 })).toThrow(TypeError)
  })
})
