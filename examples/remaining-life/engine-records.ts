import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDataFile } from '../training/data-file.ts'
import { type EngineCycle, engineSensors, LONGEST } from './engine-sensors.ts'

/** One engine's cycles, oldest first. */
export interface EngineRecord {
  readonly unit: number
  readonly cycles: readonly EngineCycle[]
}

const FOLDER = 'cmapss'
/** Unit, cycle and three settings stand before the sensors. */
const BEFORE_SENSORS = 5

/** Engines of FD001 that ran until they failed (`train`), or until some cycle before (`test`). */
export const readEngines = (dataDirectory: string, part: 'train' | 'test'): EngineRecord[] => {
  const engines = new Map<number, EngineCycle[]>()
  for (const line of readDataFile(dataDirectory, FOLDER, `${part}_FD001.txt`).toString('utf8').split('\n')) {
    const row = line.trim().split(/\s+/).map(Number)
    if (row.length < 26) continue
    const cycles = engines.get(row[0]!) ?? []
    engines.set(row[0]!, cycles)
    cycles.push(
      Object.fromEntries(
        engineSensors.map(({ name, column, unit }) => {
          const recorded = row[BEFORE_SENSORS + column - 1]!
          return [name, unit === 'K' ? (recorded * 5) / 9 : recorded]
        }),
      ) as EngineCycle,
    )
  }
  return [...engines].map(([unit, cycles]) => ({ unit, cycles }))
}

export const engineDataDigest = (dataDirectory: string): string =>
  createHash('sha256')
    .update(readDataFile(dataDirectory, FOLDER, 'train_FD001.txt'))
    .digest('hex')

/** What was left after the cycle at `index` of an engine that ran until it failed. */
export const remainingLife = ({ cycles }: EngineRecord, index: number): number =>
  Math.min(LONGEST, cycles.length - 1 - index)

/** The true lives of the test engines, capped; undefined where the file is not there, as in the published competition. */
export const readTestLives = (dataDirectory: string): number[] | undefined => {
  const file = join(dataDirectory, FOLDER, 'RUL_FD001.txt')
  if (!existsSync(file)) return undefined
  const lives = readFileSync(file, 'utf8').trim().split(/\s+/).map(Number)
  return lives.map((life) => Math.min(LONGEST, life))
}
