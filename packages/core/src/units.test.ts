import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commensurable, conversion, parseUnit } from './units.ts'

const convert = (value: number, from: string, to: string) => {
  const { scale, shift } = conversion(parseUnit(from), parseUnit(to))
  return value * scale + shift
}

describe('units', () => {
  it.each([
    [1, '[g]', 'm/s2', 9.80665],
    [25, 'Hz', '1/min', 1500],
    [100, 'Cel', 'K', 373.15],
    [212, '[degF]', 'Cel', 100],
    [1, 'bar', 'kPa', 100],
    [3.6, 'km/h', 'm/s', 1],
    [1, 'kW.h', 'MJ', 3.6],
    [1, 'N.m', 'J', 1],
    [50, '%', '1', 0.5],
    [1, 'mm2', 'm2', 1e-6],
    [1, 'um', 'mm', 1e-3],
    [600, 'm/min', 'm/s', 10],
    [1, '{px}', '1', 1],
    [1, 't', 'kg', 1000],
    [1, '[psi]', 'Pa', 6894.757293168361],
  ])('%d %s is so many %s: %d', (value, from, to, expected) => {
    expect(commensurable(parseUnit(from), parseUnit(to))).toBe(true)
    expect(convert(value, from, to)).toBeCloseTo(expected, 9)
  })

  it.each([
    ['m/s2', 'mm/s'],
    ['Cel', 'm'],
    ['A', 'V'],
  ])('%s is no %s', (from, to) => {
    expect(commensurable(parseUnit(from), parseUnit(to))).toBe(false)
  })

  it.each([
    ['degC', /'Cel'/],
    ['rpm', /'1\/min'/],
    ['Nm', /'N.m'/],
    ['furlong', /no UCUM unit/],
    ['toString', /no UCUM unit/],
    ['', /no UCUM unit/],
  ])('%s is refused, with what it should be where that is known', (code, message) => {
    expect(() => parseUnit(code)).toThrow(message)
  })

  it('convert there and back', () => {
    const groups = [
      ['m', 'mm', 'km', '[in_i]', '[ft_i]'],
      ['Cel', 'K', '[degF]'],
      ['Pa', 'bar', 'MPa', '[psi]'],
      ['1/min', 'Hz', '1/s'],
    ]
    const pair = fc
      .constantFrom(...groups)
      .chain((group) => fc.tuple(fc.constantFrom(...group), fc.constantFrom(...group)))
    fc.assert(
      fc.property(pair, fc.double({ min: -1e6, max: 1e6, noNaN: true }), ([from, to], value) => {
        expect(Math.abs(convert(convert(value, from, to), to, from) - value)).toBeLessThanOrEqual(
          1e-9 * Math.max(1, Math.abs(value)),
        )
      }),
    )
  })
})
