/**
 * Reads the drive-end recordings of the Case Western Reserve University bearing data centre (12 kHz, seeded
 * faults). The data may not be redistributed: windows are read from the reader's own copy and never committed.
 */
import { type DataSlice, readDataFile, sha256 } from '../../training/data-file.ts'

/** The part of the bearing that is damaged; the output order of the model. */
export const bearingConditions = ['normal', 'inner-race', 'ball', 'outer-race'] as const
export type BearingCondition = (typeof bearingConditions)[number]

export const BEARING_SAMPLE_RATE = 12_000
export const BEARING_WINDOW = 2048
/** Standard gravity in m/s2, exact by definition. */
const STANDARD_GRAVITY = 9.80665

export interface BearingWindow {
  /** `BEARING_WINDOW` samples of acceleration in [g], as recorded. */
  readonly vibration: Float32Array
  readonly label: BearingCondition
  /** in 1/min */
  readonly shaftSpeed: number
  /** Motor load in horsepower, the unit of the test rig's records. */
  readonly loadHp: number
  readonly file: string
  /** Index of the first sample within the file. */
  readonly start: number
}

/**
 * Every record is cut in time: train, calibration, held-out. Between two slices lies a gap of at least `GAP` samples,
 * so no window of one slice shares a sample with another slice. Train windows overlap, the others do not.
 */
const HELD_OUT_WINDOWS = 7
const CALIBRATION_WINDOWS = 3
const GAP = 512
const TRAIN_STRIDE = 128

export const bearingSplit =
  `per record of 36,000 samples, by time: last ${HELD_OUT_WINDOWS} windows held out, ${CALIBRATION_WINDOWS} windows ` +
  `before them for calibration, everything earlier for training at a stride of ${TRAIN_STRIDE}; ${GAP} samples of gap ` +
  'between slices'

/** The windows of one slice, in the order of the manifest and then of time. */
export const readBearingWindows = (dataDirectory: string, slice: DataSlice): BearingWindow[] =>
  readManifest(dataDirectory).flatMap((record) => {
    const samples = readSamples(dataDirectory, record)
    return windowStarts(samples.length, slice).map((start) => ({
      vibration: samples.slice(start, start + BEARING_WINDOW),
      label: record.condition,
      shaftSpeed: record.rpm,
      loadHp: record.loadHp,
      file: record.file,
      start,
    }))
  })

/** SHA-256 over the recordings, concatenated in the order of the manifest. */
export const bearingDataDigest = (dataDirectory: string): string =>
  sha256(...readManifest(dataDirectory).map((record) => readDataFile(dataDirectory, FOLDER, record.file)))

export const toMetresPerSecondSquared = (vibration: Float32Array): Float32Array =>
  vibration.map((value) => value * STANDARD_GRAVITY)

const windowStarts = (samples: number, slice: DataSlice): number[] => {
  const heldOut = samples - HELD_OUT_WINDOWS * BEARING_WINDOW
  const calibration = heldOut - GAP - CALIBRATION_WINDOWS * BEARING_WINDOW
  const trainEnd = calibration - GAP
  const from = slice === 'held-out' ? heldOut : slice === 'calibration' ? calibration : 0
  const end = slice === 'held-out' ? samples : slice === 'calibration' ? heldOut - GAP : trainEnd
  const stride = slice === 'train' ? TRAIN_STRIDE : BEARING_WINDOW
  const starts: number[] = []
  for (let start = from; start + BEARING_WINDOW <= end; start += stride) starts.push(start)
  return starts
}

const FOLDER = 'cwru-bearing'

interface Recording {
  readonly file: string
  readonly condition: BearingCondition
  readonly rpm: number
  readonly loadHp: number
}

const readManifest = (dataDirectory: string): Recording[] => {
  const entries: unknown = JSON.parse(readDataFile(dataDirectory, FOLDER, 'manifest.json').toString('utf8'))
  if (!Array.isArray(entries)) throw new Error(`${FOLDER}/manifest.json is not a list of recordings`)
  return entries.map((entry: { file: string; label: string; rpm: number; loadHp: number; sampleRateHz: number }) => {
    if (entry.sampleRateHz !== BEARING_SAMPLE_RATE)
      throw new Error(`${FOLDER}/${entry.file} is sampled at ${entry.sampleRateHz} Hz, not ${BEARING_SAMPLE_RATE} Hz`)
    return { file: entry.file, condition: conditionOf(entry.label), rpm: entry.rpm, loadHp: entry.loadHp }
  })
}

/** CWRU names a fault by part and size in thousandths of an inch, such as IR007; the sizes are merged. */
const conditionOf = (label: string): BearingCondition => {
  if (label === 'Normal') return 'normal'
  if (label.startsWith('IR')) return 'inner-race'
  if (label.startsWith('OR')) return 'outer-race'
  if (label.startsWith('B')) return 'ball'
  throw new Error(`${FOLDER}/manifest.json names the unknown condition ${label}`)
}

const readSamples = (dataDirectory: string, record: Recording): Float32Array => {
  const bytes = readDataFile(dataDirectory, FOLDER, record.file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, index) => view.getFloat32(index * 4, true))
}
