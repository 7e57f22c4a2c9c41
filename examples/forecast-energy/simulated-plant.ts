import { seededRandom } from '../training/random.ts'
import profile from './load-profile.json' with { type: 'json' }
import { DAY, type Quarter, weekdays } from './load-records.ts'

export interface LoadProfile {
  /** kW.h of each quarter of a day. */
  readonly means: Readonly<Record<'workday' | 'saturday' | 'sunday', readonly number[]>>
  /** Relative to the mean. */
  readonly deviation: number
  /** Correlation of one quarter's deviation with the next one's. */
  readonly persistence: number
  /** kW.h between which all quarters are. */
  readonly least: number
  readonly most: number
}

/** A plant that never was: the mean day of the recorded one (CC BY 4.0, as the card says), straying as far and as long as it did. */
export const simulateQuarters = ({ seed, days }: { readonly seed: number; readonly days: number }): Quarter[] => {
  const random = seededRandom(seed)
  const { means, deviation, persistence, least, most } = profile
  let away = 0
  return Array.from({ length: days * DAY }, (_, index) => {
    const weekday = weekdays[Math.floor(index / DAY) % 7]!
    const kind = weekday === 'Saturday' ? 'saturday' : weekday === 'Sunday' ? 'sunday' : 'workday'
    away = persistence * away + Math.sqrt(1 - persistence ** 2) * deviation * random.normal()
    const usage = means[kind][index % DAY]! * (1 + away)
    return { usage: Math.min(most, Math.max(least, usage)), hour: ((index % DAY) + 1) / 4, weekday }
  })
}
