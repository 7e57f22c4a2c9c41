/**
 * Draws regions of a steel strip from distributions fitted per defect: quantiles of each primary quantity, tied by the
 * correlation of their normal scores (a Gaussian copula). What follows from the primary quantities is computed,
 * so a simulated strip is as consistent as a measured one. `strips.json` holds these parameters and no rows.
 */
import { readFileSync } from 'node:fs'
import { seededRandom } from '../../training/random.ts'

/** Quantities that the 27 features follow from. */
export const primaryQuantities = [
  'position',
  'logWidth',
  'logLength',
  'yMinimum',
  'logFill',
  'logXRoughness',
  'logYRoughness',
  'brightness',
  'darkGap',
  'brightGap',
  'lengthOfConveyor',
  'typeOfSteelA300',
  'steelPlateThickness',
] as const
export type PrimaryQuantity = (typeof primaryQuantities)[number]

export interface StripDistribution {
  /** Values at `levels`, for each quantity; the first and the last are the observed range. */
  readonly quantiles: Readonly<Record<PrimaryQuantity, readonly number[]>>
  /** Lower Cholesky factor of the correlation of the normal scores, row by row. */
  readonly factor: readonly (readonly number[])[]
  /** Share of these strips among all strips. */
  readonly share: number
}

export interface StripDistributions {
  /** Shares of the population below each quantile. */
  readonly levels: readonly number[]
  /** Thicknesses that are rolled. */
  readonly thicknesses: readonly number[]
  /** By defect: one distribution, or one for each steel type where there are enough strips of both. */
  readonly defects: Readonly<Record<string, readonly StripDistribution[]>>
}

export interface StripOptions {
  readonly defect: string
  readonly seed: number
  /** Without it, the committed `strips.json`. */
  readonly distributions?: StripDistributions
}

/** The 27 features of one strip, by name. The same options give the same strip; an unknown defect is a `TypeError`. */
export const simulateStrip = (options: StripOptions): Record<string, number> => {
  const distributions = options.distributions ?? committedDistributions()
  const candidates = distributions.defects[options.defect]
  if (candidates === undefined) throw new TypeError(`No distribution of strips with the defect ${options.defect}`)
  const random = seededRandom(options.seed)
  const distribution = drawByShare(candidates, random.uniform())
  const scores = primaryQuantities.map(() => random.normal())
  const drawn = Object.fromEntries(
    primaryQuantities.map((quantity, row) => {
      const score = distribution.factor[row]!.reduce((sum, weight, column) => sum + weight * scores[column]!, 0)
      return [quantity, interpolate(distributions.levels, distribution.quantiles[quantity], normalShare(score))]
    }),
  ) as Record<PrimaryQuantity, number>
  return stripFromQuantities(drawn, distributions.thicknesses)
}

/** A defect as often as it occurs; `level` in [0, 1) decides which. */
export const drawDefect = (level: number, distributions: StripDistributions = committedDistributions()): string => {
  let below = 0
  for (const [defect, own] of Object.entries(distributions.defects)) {
    below += own.reduce((sum, { share }) => sum + share, 0)
    if (level < below) return defect
  }
  return 'other'
}

/** The features that follow from the primary quantities, rounded as the source rounds them. */
const stripFromQuantities = (
  quantities: Readonly<Record<PrimaryQuantity, number>>,
  thicknesses: readonly number[],
): Record<string, number> => {
  const lengthOfConveyor = Math.round(quantities.lengthOfConveyor)
  const width = Math.min(lengthOfConveyor - 1, Math.max(1, Math.round(Math.exp(quantities.logWidth))))
  const length = Math.max(1, Math.round(Math.exp(quantities.logLength)))
  const xMinimum = Math.max(0, Math.round(quantities.position * (lengthOfConveyor - width)))
  const yMinimum = Math.round(quantities.yMinimum)
  const box = width * length
  const area = Math.min(box, Math.max(1, Math.round(box * Math.exp(quantities.logFill))))
  const xPerimeter = Math.max(width, Math.round(width * Math.exp(quantities.logXRoughness)))
  const yPerimeter = Math.max(length, Math.round(length * Math.exp(quantities.logYRoughness)))
  const sumOfLuminosity = Math.round(quantities.brightness * area)
  const brightness = sumOfLuminosity / area
  const a300 = quantities.typeOfSteelA300 >= 0.5 ? 1 : 0
  const longer = Math.max(width, length)
  return {
    xMinimum,
    xMaximum: xMinimum + width,
    yMinimum,
    yMaximum: yMinimum + length,
    pixelsAreas: area,
    xPerimeter,
    yPerimeter,
    sumOfLuminosity,
    minimumOfLuminosity: greyLevel(brightness - quantities.darkGap),
    maximumOfLuminosity: greyLevel(brightness + quantities.brightGap),
    lengthOfConveyor,
    typeOfSteelA300: a300,
    typeOfSteelA400: 1 - a300,
    steelPlateThickness: nearest(thicknesses, quantities.steelPlateThickness),
    edgesIndex: fourDecimals((2 * Math.min(xMinimum, lengthOfConveyor - xMinimum - width)) / lengthOfConveyor),
    emptyIndex: fourDecimals(1 - area / box),
    squareIndex: fourDecimals(Math.min(width, length) / longer),
    outsideXIndex: fourDecimals(width / lengthOfConveyor),
    edgesXIndex: fourDecimals(width / xPerimeter),
    edgesYIndex: fourDecimals(length / yPerimeter),
    outsideGlobalIndex: (Math.sign(length - width) + 1) / 2,
    logOfAreas: fourDecimals(Math.log10(area)),
    logXIndex: fourDecimals(Math.log10(width)),
    logYIndex: fourDecimals(Math.log10(length)),
    orientationIndex: fourDecimals((length - width) / longer),
    luminosityIndex: fourDecimals(brightness / 128 - 1),
    sigmoidOfAreas: fourDecimals(1 / (1 + Math.exp(2.015 - box / 150))),
  }
}

/** What `simulateStrip` draws, from the features of a measured strip: the inverse of the derivation. */
export const quantitiesOfStrip = (features: Readonly<Record<string, number>>): Record<PrimaryQuantity, number> => {
  const value = (name: string): number => {
    const own = features[name]
    if (own === undefined) throw new TypeError(`The strip has no ${name}`)
    return own
  }
  const width = value('xMaximum') - value('xMinimum')
  const length = value('yMaximum') - value('yMinimum')
  const brightness = value('sumOfLuminosity') / value('pixelsAreas')
  return {
    position: value('xMinimum') / (value('lengthOfConveyor') - width),
    logWidth: Math.log(width),
    logLength: Math.log(length),
    yMinimum: value('yMinimum'),
    logFill: Math.log(value('pixelsAreas') / (width * length)),
    logXRoughness: Math.log(value('xPerimeter') / width),
    logYRoughness: Math.log(value('yPerimeter') / length),
    brightness,
    darkGap: brightness - value('minimumOfLuminosity'),
    brightGap: value('maximumOfLuminosity') - brightness,
    lengthOfConveyor: value('lengthOfConveyor'),
    typeOfSteelA300: value('typeOfSteelA300'),
    steelPlateThickness: value('steelPlateThickness'),
  }
}

const drawByShare = (candidates: readonly StripDistribution[], level: number): StripDistribution => {
  let rest = level * candidates.reduce((sum, { share }) => sum + share, 0)
  for (const candidate of candidates) {
    if (rest < candidate.share) return candidate
    rest -= candidate.share
  }
  const last = candidates.at(-1)
  if (last === undefined) throw new TypeError('A defect needs at least one distribution')
  return last
}

let committed: StripDistributions | undefined
const committedDistributions = (): StripDistributions => {
  committed ??= JSON.parse(readFileSync(new URL('./strips.json', import.meta.url), 'utf8')) as StripDistributions
  return committed
}

const greyLevel = (value: number): number => Math.min(255, Math.max(0, Math.round(value)))
const fourDecimals = (value: number): number => Math.round(value * 1e4) / 1e4

const nearest = (values: readonly number[], wanted: number): number =>
  values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best))

const interpolate = (levels: readonly number[], values: readonly number[], level: number): number => {
  const above = Math.max(
    1,
    levels.findIndex((own) => own >= level),
  )
  const low = levels[above - 1]!
  const share = Math.min(1, Math.max(0, (level - low) / (levels[above]! - low)))
  return values[above - 1]! + share * (values[above]! - values[above - 1]!)
}

/** Standard normal distribution function; Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
const normalShare = (score: number): number => {
  const t = 1 / (1 + 0.2316419 * Math.abs(score))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-score * score) / 2) / Math.sqrt(2 * Math.PI)) * series
  return score > 0 ? 1 - tail : tail
}
