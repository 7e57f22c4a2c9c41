import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Which part of a data set: fitted on, calibrated on, or never seen before the model is measured. */
export type DataSlice = 'train' | 'calibration' | 'held-out'

/** Reads one file of the data directory; a missing file is an error that says what to do. */
export const readDataFile = (dataDirectory: string, ...path: readonly string[]): Buffer => {
  const file = join(dataDirectory, ...path)
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new Error(`Cannot read ${file}. Point --data at the directory that holds ${path[0]}/.`, { cause })
  }
}

export const sha256 = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
