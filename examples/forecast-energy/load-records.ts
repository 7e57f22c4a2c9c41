import { createHash } from 'node:crypto'
import { readDataFile } from '../training/data-file.ts'

/** What a plant used in a quarter of an hour. */
export interface Quarter {
  /** kW.h */
  readonly usage: number
  /** Hours of the day at its end, above 0 to 24: the record of midnight belongs to the day that it ends. */
  readonly hour: number
  readonly weekday: Weekday
}

export const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const
export type Weekday = (typeof weekdays)[number]

/** A day of quarters: what a forecast looks back at. */
export const DAY = 96

const FILE = ['steel-energy', 'Steel_industry_data_jan_oct.csv'] as const

/**
 * The quarters in the order of the file. Nothing but usage and the calendar is read: reactive power, power factors, CO₂ and the
 * class of the load are measured in the same quarter as the usage, so they would tell the answer.
 */
export const readQuarters = (dataDirectory: string): Quarter[] => {
  const [head = '', ...rows] = readDataFile(dataDirectory, ...FILE)
    .toString('utf8')
    .trim()
    .split(/\r?\n/)
  const names = head.replace(/^\uFEFF/, '').split(',')
  const column = (name: string) => names.indexOf(name)
  const [usage, seconds, weekday] = [column('Usage_kWh'), column('NSM'), column('Day_of_week')]
  return rows.map((row) => {
    const cells = row.split(',')
    return {
      usage: Number(cells[usage]),
      hour: Number(cells[seconds]) / 3600 || 24,
      weekday: cells[weekday] as Weekday,
    }
  })
}

export const loadDataDigest = (dataDirectory: string): string =>
  createHash('sha256')
    .update(readDataFile(dataDirectory, ...FILE))
    .digest('hex')

/** What is asked: the quarter after a day that is known. */
export interface Forecast {
  /** The 96 quarters before, oldest first. */
  readonly usage: Float32Array
  readonly next: Quarter
  /** Number of the day in the record. */
  readonly day: number
}

export const forecastsOf = (quarters: readonly Quarter[]): Forecast[] =>
  quarters.slice(DAY).map((next, index) => ({
    usage: Float32Array.from(quarters.slice(index, index + DAY), ({ usage }) => usage),
    next,
    day: Math.floor((index + DAY) / DAY),
  }))

/** Shares of the record by time: the model learns from the first, its interval from the second, the last is held out. */
const SHARES = { train: 0.7, calibration: 0.1 } as const

export const slicesOf = (forecasts: readonly Forecast[]) => {
  const [first, second] = [SHARES.train, SHARES.train + SHARES.calibration].map((share) =>
    Math.floor(forecasts.length * share),
  )
  return {
    train: forecasts.slice(0, first),
    calibration: forecasts.slice(first, second),
    heldOut: forecasts.slice(second),
  }
}
