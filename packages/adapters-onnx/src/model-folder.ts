import { open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '@dinrail/core'
import { type ExternalReader, locationProblem } from './external-data.ts'

/** A model read from a folder, in the words of `onnxModel`: spread it into the definition. */
export interface ModelOfFolder {
  readonly model: Uint8Array<ArrayBuffer>
  /** Reads what the model keeps beside its file, and nothing outside of its folder. */
  readonly external: ExternalReader
}

/** More than any model that this package is for; a file that claims more is refused before it is read. */
const largestFile = 2 ** 31

/** Reads a model's file. Throws `not-found` where there is none and `invalid-input` where it is no file or over 2 GiB. */
export async function readModel(file: string): Promise<ModelOfFolder> {
  return {
    model: await readFileOnce(path.resolve(file), await existing(file)),
    external: readFolder(path.dirname(path.resolve(file))),
  }
}

/**
 * Reads files of one folder by locations that a model states. Throws `denied` for a location that leaves the folder by its
 * words or through a link, wherever the link points.
 */
export function readFolder(folder: string): ExternalReader {
  return async (location) => {
    const problem = locationProblem(location)
    if (problem !== undefined) throw denied(location, problem)
    const base = await existing(folder)
    const wanted = path.join(base, ...location.split('/'))
    const real = await existing(wanted)
    if (real !== wanted) throw denied(location, `is reached through a link, to ${real}`)
    return readFileOnce(location, real)
  }
}

function denied(location: string, problem: string): Fault {
  return new Fault(
    'denied',
    `the location ${JSON.stringify(location)} ${problem}: only files in the model’s folder are read`,
  )
}

async function existing(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (problem) {
    throw new Fault('not-found', `there is no file ${file}`, { field: '/model', cause: problem })
  }
}

async function readFileOnce(named: string, real: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(real)
  try {
    const { size, isFile } = await handle.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }))
    if (!isFile) throw new Fault('invalid-input', `${named} is not a file`, { field: '/model' })
    if (size > largestFile)
      throw new Fault('invalid-input', `${named} has ${size} bytes, at most ${largestFile} may be`, { field: '/model' })
    return new Uint8Array(await handle.readFile())
  } finally {
    await handle.close()
  }
}
