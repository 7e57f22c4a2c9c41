import type { Measurement } from './measure.ts'
import type { RegressionMeasurement } from './regression-measure.ts'

/** The part of a card that says where a model comes from. */
interface CardOrigin {
  readonly data: { readonly name: string; readonly source: string; readonly licence: string; readonly sha256: string }
  readonly licence: string
  readonly limitations: readonly string[]
}

/** What a card says of where a model comes from and how far it may be believed, as its descriptor says it. */
export const provenanceOf = (
  { data: { name, source, licence: dataLicence, sha256 }, licence, limitations }: CardOrigin,
  metrics: Readonly<Record<string, number | readonly number[] | string>>,
) => ({ data: [{ name, source, licence: dataLicence, sha256 }], metrics, licence, limitations })

type Figures<Measured> = {
  readonly [Key in keyof Measured]: Measured[Key] extends readonly number[] ? readonly number[] : Measured[Key]
}

/** What a classifier's card measured on held-out records, as a descriptor says it. */
export const heldOutAccuracy = ({
  accuracy,
  accuracyInterval,
  n,
}: Figures<Pick<Measurement, 'accuracy' | 'accuracyInterval' | 'n'>>) => ({
  heldOutAccuracy: accuracy,
  heldOutAccuracyInterval: accuracyInterval,
  heldOutRecords: n,
})

type RegressionFigures = Figures<Pick<RegressionMeasurement, 'rootMeanSquareError' | 'errorInterval' | 'interval'>>

/**
 * What the card of an estimator measured first, on held-out records: the metrics as a descriptor says them, and the interval of a
 * network that gives low end, estimate and high end.
 */
export const heldOutError = ({ measured: [first] }: { readonly measured: readonly RegressionFigures[] }) => {
  const { rootMeanSquareError, errorInterval, interval } = first!
  const { level, coverage } = interval
  return {
    metrics: {
      heldOutRootMeanSquareError: rootMeanSquareError,
      heldOutRootMeanSquareErrorInterval: errorInterval,
      heldOutIntervalCoverage: coverage,
    },
    interval: { level, quantiles: [(1 - level) / 2, 0.5, (1 + level) / 2] },
  } as const
}

/** A card's range of a feature as the limits of a field. */
export const trainingLimits = ({
  minimum: min,
  maximum: max,
}: {
  readonly minimum: number
  readonly maximum: number
}) => ({
  training: { min, max },
})
