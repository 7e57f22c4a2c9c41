/** What a model file is, where it comes from, how good it is and where it must not be trusted. */
import type { Measurement } from './measure.ts'
import type { RegressionMeasurement } from './regression-measure.ts'

export interface CardPort {
  readonly name: string
  readonly shape: readonly (number | string)[]
  /** UCUM; several units are given in `features`. */
  readonly unit: string
  readonly description: string
}

export interface ModelCard {
  readonly id: string
  readonly version: string
  readonly task: string
  readonly licence: string
  readonly artefact: { readonly file: string; readonly sha256: string; readonly bytes: number }
  readonly input: CardPort
  readonly output: CardPort
  /** Of a classifier. */
  readonly labels?: readonly string[]
  readonly features?: readonly { readonly name: string; readonly unit: string; readonly description: string }[]
  readonly data: {
    readonly name: string
    readonly source: string
    readonly licence: string
    readonly sha256: string
    readonly sha256Of: string
  }
  readonly split: string
  readonly slices?: { readonly train: number; readonly calibration: number; readonly heldOut: number }
  readonly seed: number
  readonly method: string
  /** Of a classifier: logits are divided by it. */
  readonly temperature?: number
  readonly metrics: ClassificationMetrics | RegressionMetrics
  /** Ranges of the training data, by quantity. */
  readonly trainingRange: Readonly<
    Record<string, { readonly minimum: number; readonly maximum: number; readonly unit: string }>
  >
  readonly limitations: readonly string[]
  /** Inputs with the answer that the file must give within the tolerance. */
  readonly golden: readonly {
    /** Options of the simulator's function that makes the input. */
    readonly simulated?: Readonly<Record<string, string | number>>
    /** The input's values, where they are few. */
    readonly input?: readonly number[]
    readonly output: readonly number[]
    readonly tolerance: number
  }[]
}

export interface ClassificationMetrics {
  /** Measured through the model file itself. */
  readonly heldOut: Measurement
  readonly validation: {
    readonly kind: string
    readonly accuracies: readonly number[]
    readonly mean: number
    /** Wilson score interval at 95 % of all folds together. */
    readonly interval?: readonly number[]
  }
  /** On simulated inputs, which the model is not trained on. */
  readonly simulated?: Measurement
}

export interface RegressionMetrics {
  readonly measured: readonly (RegressionMeasurement & { readonly kind: string })[]
  /** What else gives such a number, for comparison. */
  readonly beside: readonly { readonly name: string; readonly rootMeanSquareError: number }[]
}

/** What training gives: the file and what is to be known of it. */
export interface TrainedModel {
  readonly bytes: Uint8Array
  readonly card: ModelCard
}

/** The card for people; everything in it comes from the card for machines. */
export const cardMarkdown = (card: ModelCard): string => {
  const port = ({ name, shape, unit, description }: CardPort) =>
    `\`${name}\` float32 [${shape.join(', ')}], unit ${unit}: ${description}`
  return [
    `# ${card.id} ${card.version}`,
    '',
    `${card.task} Generated from the JSON card beside this file; licence ${card.licence}.`,
    '',
    `- File: \`${card.artefact.file}\`, ${card.artefact.bytes} bytes, SHA-256 \`${card.artefact.sha256}\``,
    `- Input: ${port(card.input)}`,
    `- Output: ${port(card.output)}`,
    ...(card.labels === undefined ? [] : [`- Labels: ${card.labels.join(', ')}`]),
    `- Method: ${card.method}`,
    `- Seed: ${card.seed}`,
    '',
    '## Data',
    '',
    `${card.data.name}, ${card.data.source}. Licence: ${card.data.licence}. SHA-256 of ${card.data.sha256Of}: \`${card.data.sha256}\`.`,
    '',
    `Split: ${card.split}.${card.slices === undefined ? '' : ` Train ${card.slices.train}, calibration ${card.slices.calibration}, held out ${card.slices.heldOut}.`}`,
    '',
    '## How good it is',
    '',
    ...('measured' in card.metrics ? regressionLines(card.metrics) : classificationLines(card, card.metrics)),
    '',
    '## Training range',
    '',
    table(
      ['quantity', 'minimum', 'maximum', 'unit'],
      Object.entries(card.trainingRange).map(([name, range]) => [
        name,
        String(range.minimum),
        String(range.maximum),
        `\`${range.unit}\``,
      ]),
    ),
    '',
    '## Limitations',
    '',
    ...card.limitations.map((limitation) => `- ${limitation}`),
    '',
  ].join('\n')
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

const classificationLines = (
  { labels = [], temperature }: ModelCard,
  { heldOut, validation, simulated }: ClassificationMetrics,
): string[] => {
  const accuracy = ({ accuracy, accuracyInterval: [low, high], n }: Measurement) =>
    `${percent(accuracy)} (95 % interval ${percent(low)} to ${percent(high)}, n = ${n})`
  const confusion = (measurement: Measurement) =>
    table(
      ['true \\ answer', ...labels, 'recall'],
      labels.map((label, row) => [
        label,
        ...measurement.confusion[row]!.map(String),
        percent(measurement.recall[label]!),
      ]),
    )
  const { kind, accuracies, mean, interval } = validation
  const within = interval === undefined ? '' : `, 95 % interval ${interval.map(percent).join(' to ')}`
  return [
    `- Held-out accuracy: ${accuracy(heldOut)}`,
    `- Macro F1: ${heldOut.macroF1}`,
    `- Expected calibration error: ${heldOut.expectedCalibrationError} at temperature ${temperature}`,
    `- ${kind}: ${accuracies.map(percent).join(', ')}; mean ${percent(mean)}${within}`,
    ...(simulated === undefined ? [] : [`- Simulated inputs, never trained on: ${accuracy(simulated)}`]),
    '',
    'Held out:',
    '',
    confusion(heldOut),
    ...(simulated === undefined ? [] : ['', 'Simulated:', '', confusion(simulated)]),
  ]
}

const regressionLines = ({ measured, beside }: RegressionMetrics): string[] => [
  table(
    ['measured on', 'n', 'RMSE', '95 % interval of it', 'mean error', 'truths inside the interval', 'its mean width'],
    measured.map(({ kind, n, unit, rootMeanSquareError, errorInterval, meanAbsoluteError, interval }) => [
      kind,
      String(n),
      `${rootMeanSquareError} ${unit}`,
      errorInterval.join(' to '),
      String(meanAbsoluteError),
      `${percent(interval.coverage)} of ${percent(interval.level)} promised`,
      String(interval.meanWidth),
    ]),
  ),
  '',
  'Beside it:',
  '',
  table(
    ['other', 'RMSE'],
    beside.map(({ name, rootMeanSquareError }) => [name, String(rootMeanSquareError)]),
  ),
]

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heading, heading.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
