import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commensurable, conversion, convert, parseUnit } from './units.ts'

const converted = (value: number, from: string, to: string, kind?: 'difference') =>
  convert(value, conversion(parseUnit(from), parseUnit(to), kind))

const commonUnits = [
  ['m', 'mm', 'um', 'km', '[in_i]', '[ft_i]', '[mi_i]'],
  ['m/s', 'mm/s', 'm/min', 'km/h', '[kn_i]'],
  ['Cel', 'K', '[degF]', 'mK'],
  ['Pa', 'kPa', 'MPa', 'bar', 'mbar', '[psi]', 'atm', 'mm[Hg]'],
  ['J', 'kW.h', 'MJ', '[Btu_IT]', 'N.m', 'eV'],
  ['W', 'kW', '[HP]', 'J/s'],
  ['kg', 'g', 't', '[lb_av]'],
  ['m3/h', 'L/min', 'm3/s', '[gal_us]/min'],
  ['1/min', 'Hz', 'kHz'],
  ['deg', 'rad', 'mrad'],
]

describe('units', () => {
  it.each([
    [2.4, 'mm/s', 'm/s', 0.0024],
    [212, '[degF]', 'Cel', 100],
    [100, 'Cel', '[degF]', 212],
    [25, 'Cel', 'K', 298.15],
    [-40, '[degF]', 'Cel', -40],
    [1, '[g]', 'm/s2', 9.80665],
    [25, 'Hz', '1/min', 1500],
    [1, 'bar', 'kPa', 100],
    [3.6, 'km/h', 'm/s', 1],
    [1, 'N.m', 'J', 1],
    [1, '{px}', '1', 1],
    [1, 'kW.h', 'MJ', 3.6],
    [50, '%', '1', 0.5],
    [1, 'mm2', 'm2', 1e-6],
    [600, 'm/min', 'm/s', 10],
    [1, 't', 'kg', 1000],
    [1, '[in_i]', 'mm', 25.4],
    [1, '10*3.m', 'km', 1],
    [0.1, 'm', 'mm', 100],
  ])('%d %s is exactly so many %s: %d', (value, from, to, expected) => {
    expect(converted(value, from, to)).toBe(expected)
  })

  it.each([
    [1, '[psi]', 'Pa', 6894.757293168361],
    [180, 'deg', 'rad', Math.PI],
    [1, '[HP]', 'W', 745.6998715822702],
    [1, 'eV', 'J', 1.602176634e-19],
  ])('%d %s is as near as a double gets to so many %s: %d', (value, from, to, expected) => {
    expect(converted(value, from, to) / expected).toBeCloseTo(1, 14)
  })

  it('a difference of temperatures has no zero', () => {
    expect(converted(10, 'Cel', 'K', 'difference')).toBe(10)
    expect(converted(10, 'Cel', '[degF]', 'difference')).toBe(18)
    expect(converted(10, 'Cel', 'K')).toBe(283.15)
  })

  it('convert there and back', () => {
    const pairs = commonUnits.flatMap((units) => units.flatMap((from) => units.map((to) => [from, to] as const)))
    fc.assert(
      fc.property(fc.constantFrom(...pairs), fc.double({ min: -1e6, max: 1e6, noNaN: true }), ([from, to], value) => {
        const back = converted(converted(value, from, to), to, from)
        // A scale's zero is up to some hundred degrees away: rounding there is rounding of that.
        const size = Math.max(Math.abs(value), parseUnit(from).offset || parseUnit(to).offset ? 1e6 : 1e-280)
        expect(Math.abs(back - value)).toBeLessThanOrEqual(size * 1e-12)
      }),
      { numRuns: 2_000 },
    )
  })

  it('of different dimensions are never converted', () => {
    for (const [i, some] of commonUnits.entries())
      for (const others of commonUnits.slice(i + 1))
        if (some[0] !== '1/min' || others[0] !== 'deg')
          expect(commensurable(parseUnit(some[0]!), parseUnit(others[0]!)), `${some[0]} ${others[0]}`).toBe(false)
  })

  it.each([
    ['rpm', /1\/min/],
    ['°F', /\[degF\]/],
    ['kWh', /kW\.h/],
    ['', /1 to 128/],
    ['m'.repeat(200), /1 to 128/],
    ['m.'.repeat(40), /16 terms/],
    ['Cel/h', /Cel/],
    ['kdeg', /kdeg/],
    ['constructor', /constructor/],
    ['m0', /m0/],
    ['10*999', /10\*999/],
    ['unece:XYZ', /aliases/],
    ['qudt:NoSuchUnit', /aliases/],
    ['0112/2///62720#UAA999', /aliases/],
  ])('that nobody knows are refused with what to do: %s', (code, problem) => {
    expect(() => parseUnit(code)).toThrow(problem)
  })
})
