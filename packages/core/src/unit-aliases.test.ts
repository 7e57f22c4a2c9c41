import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aliasedUnit } from './unit-aliases.ts'
import { commensurable, parseUnit } from './units.ts'

describe('aliases of units', () => {
  it.each([
    ['unece:CEL', 'Cel'],
    ['unece:P1', '%'],
    ['unece:RPM', '1/min'],
    ['qudt:KiloW-HR', 'kW.h'],
    ['http://qudt.org/vocab/unit/MilliM-PER-SEC', 'mm/s'],
    ['https://qudt.org/vocab/unit/N-M', 'N.m'],
    ['0112/2///62720#UAA862', 'mm'],
    ['0112/2///62720#UAA619#003', 'kg/m3'],
  ])('%s is %s', (alias, ucum) => {
    expect(parseUnit(alias).code).toBe(ucum)
  })

  it('are never mistaken for UCUM codes that are written alike', () => {
    expect(commensurable(parseUnit('P'), parseUnit('Pa.s'))).toBe(true)
    expect(commensurable(parseUnit('unece:P1'), parseUnit('%'))).toBe(true)
    expect(() => parseUnit('CEL')).toThrow(TypeError)
  })

  it.each([
    'unece:',
    'unece:constructor',
    'qudt:undefined',
    'http://qudt.org/vocab/unit/',
    '0112/2///62720#UAA033#1',
    'unece:CEL ',
  ])('that are none are refused: %s', (alias) => {
    expect(() => parseUnit(alias)).toThrow(TypeError)
  })

  it('all lead to a unit, and no two rows share a name', () => {
    const source = readFileSync(new URL('unit-aliases.ts', import.meta.url), 'utf8')
    const rows = /`([\s\S]*?)`/
      .exec(source)![1]!
      .split('\n')
      .map((row) => row.split(' '))
    expect(rows.length).toBeGreaterThan(60)
    for (const column of [0, 1, 2, 3]) {
      const names = rows.flatMap((row) => row[column] ?? [])
      expect(new Set(names).size, `column ${column}`).toBe(names.length)
    }
    for (const [ucum, unece, qudt] of rows) {
      expect(parseUnit(ucum!).code).toBe(ucum)
      expect([aliasedUnit(`unece:${unece}`), aliasedUnit(`qudt:${qudt}`)]).toEqual([ucum, ucum])
    }
  })
})
