/**
 * Reads Steel Plates Faults (Semeion, UCI 198, CC BY 4.0): geometry and brightness of a suspicious region on a steel
 * strip, and which defect it is.
 */
import { type DataSlice, readDataFile, sha256 } from '../../training/data-file.ts'
import { seededRandom } from '../../training/random.ts'

/** The output order of the model. */
export const stripDefects = ['pastry', 'z-scratch', 'k-scratch', 'stains', 'dirtiness', 'bumps', 'other'] as const
export type StripDefect = (typeof stripDefects)[number]

export interface StripFeature {
  readonly name: string
  /** Heading of the column in the CSV file. */
  readonly column: string
  /** UCUM; `1` has no dimension, `{…}` annotates a count. */
  readonly unit: string
  readonly description: string
}

const feature = (name: string, column: string, unit: string, description: string): StripFeature => ({
  name,
  column,
  unit,
  description,
})

/** The 27 inputs, in the order of the CSV file and of the model's input. */
export const stripFeatures: readonly StripFeature[] = [
  feature('xMinimum', 'X_Minimum', '{px}', 'Left edge of the region, across the strip'),
  feature('xMaximum', 'X_Maximum', '{px}', 'Right edge of the region, across the strip'),
  feature('yMinimum', 'Y_Minimum', '{px}', 'Start of the region along the strip'),
  feature('yMaximum', 'Y_Maximum', '{px}', 'End of the region along the strip'),
  feature('pixelsAreas', 'Pixels_Areas', '{px2}', 'Area of the region'),
  feature('xPerimeter', 'X_Perimeter', '{px}', 'Length of the outline across the strip'),
  feature('yPerimeter', 'Y_Perimeter', '{px}', 'Length of the outline along the strip'),
  feature('sumOfLuminosity', 'Sum_of_Luminosity', '{grey level}', 'Sum of the grey levels, 0 to 255 each'),
  feature('minimumOfLuminosity', 'Minimum_of_Luminosity', '{grey level}', 'Darkest grey level'),
  feature('maximumOfLuminosity', 'Maximum_of_Luminosity', '{grey level}', 'Brightest grey level'),
  feature(
    'lengthOfConveyor',
    'Length_of_Conveyer',
    '{px}',
    'Width of the conveyor in the image; the source calls it length',
  ),
  feature('typeOfSteelA300', 'TypeOfSteel_A300', '1', '1 when the steel is of type A300, else 0'),
  feature('typeOfSteelA400', 'TypeOfSteel_A400', '1', '1 when the steel is of type A400, else 0'),
  feature('steelPlateThickness', 'Steel_Plate_Thickness', '1', 'Thickness of the plate; the source states no unit'),
  feature('edgesIndex', 'Edges_Index', '1', 'Distance to the nearer edge by half the conveyor'),
  feature('emptyIndex', 'Empty_Index', '1', 'Share of the bounding box outside the region'),
  feature('squareIndex', 'Square_Index', '1', 'Shorter by longer side of the bounding box'),
  feature('outsideXIndex', 'Outside_X_Index', '1', 'Width of the region by that of the conveyor'),
  feature('edgesXIndex', 'Edges_X_Index', '1', 'Width of the region by its outline across the strip'),
  feature('edgesYIndex', 'Edges_Y_Index', '1', 'Length of the region by its outline along the strip'),
  feature('outsideGlobalIndex', 'Outside_Global_Index', '1', '1 when longer than wide, 0.5 when equal, else 0'),
  feature('logOfAreas', 'LogOfAreas', '1', 'Decimal logarithm of the area in pixels'),
  feature('logXIndex', 'Log_X_Index', '1', 'Decimal logarithm of the width in pixels'),
  feature('logYIndex', 'Log_Y_Index', '1', 'Decimal logarithm of the length in pixels'),
  feature('orientationIndex', 'Orientation_Index', '1', 'Length less width, by the longer of the two'),
  feature('luminosityIndex', 'Luminosity_Index', '1', 'Mean grey level by 128, less 1'),
  feature('sigmoidOfAreas', 'SigmoidOfAreas', '1', 'Size of the bounding box, squeezed into 0 to 1'),
]

export interface StripRecord {
  /** One value for each of `stripFeatures`, by name. */
  readonly features: Record<string, number>
  readonly label: StripDefect
}

const SPLIT_SEED = 2026
const HELD_OUT_SHARE = 0.2
const CALIBRATION_SHARE = 0.1

export const stripSplit =
  `stratified by defect, drawn with seed ${SPLIT_SEED}: ${HELD_OUT_SHARE * 100} % held out, ` +
  `${CALIBRATION_SHARE * 100} % for calibration, the rest for training`

/** The rows of one slice, in the order of the file. */
export const readStrips = (dataDirectory: string, slice: DataSlice): StripRecord[] => {
  const records = parseStrips(readDataFile(dataDirectory, ...FILE).toString('utf8'))
  const random = seededRandom(SPLIT_SEED)
  const chosen = stripDefects.flatMap((defect) => {
    const rows = random.shuffled(records.flatMap((record, row) => (record.label === defect ? [row] : [])))
    const heldOut = Math.ceil(rows.length * HELD_OUT_SHARE)
    const calibration = heldOut + Math.ceil(rows.length * CALIBRATION_SHARE)
    if (slice === 'held-out') return rows.slice(0, heldOut)
    return slice === 'calibration' ? rows.slice(heldOut, calibration) : rows.slice(calibration)
  })
  return chosen.sort((a, b) => a - b).map((row) => records[row]!)
}

export const stripDataDigest = (dataDirectory: string): string => sha256(readDataFile(dataDirectory, ...FILE))

/** The values in the order of `stripFeatures`, as the model takes them. */
export const stripVector = (features: Readonly<Record<string, number>>): Float32Array =>
  Float32Array.from(stripFeatures, ({ name }) => {
    const value = features[name]
    if (value === undefined) throw new TypeError(`The strip has no ${name}`)
    return value
  })

const FILE = ['steel-plates', 'SteelPlatesFaults.csv'] as const

const defectColumns: Readonly<Record<StripDefect, string>> = {
  pastry: 'Pastry_Fault',
  'z-scratch': 'Z_Scratch_Fault',
  'k-scratch': 'K_Scatch_Fault',
  stains: 'Stains_Fault',
  dirtiness: 'Dirtiness_Fault',
  bumps: 'Bumps_Fault',
  other: 'Other_Faults',
}

const parseStrips = (text: string): StripRecord[] => {
  const [heading, ...lines] = text.trim().split(/\r?\n/)
  const columns = heading!.split(',')
  const indexOf = (column: string): number => {
    const index = columns.indexOf(column)
    if (index < 0) throw new Error(`${FILE.join('/')} has no column ${column}`)
    return index
  }
  const featureColumns = stripFeatures.map(({ name, column }) => [name, indexOf(column)] as const)
  const labelColumns = stripDefects.map((defect) => [defect, indexOf(defectColumns[defect])] as const)
  return lines.map((line, row) => {
    const cells = line.split(',').map(Number)
    const label = labelColumns.find(([, column]) => cells[column] === 1)?.[0]
    const features = Object.fromEntries(featureColumns.map(([name, column]) => [name, cells[column]!]))
    if (label === undefined || Object.values(features).some((value) => !Number.isFinite(value)))
      throw new Error(`${FILE.join('/')}, line ${row + 2}, is not a labelled row of numbers`)
    return { features, label }
  })
}
