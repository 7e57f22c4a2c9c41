import { Fault } from '@dinrail/core'
import type { OnnxSessionOptions } from './runtime.ts'

/** Gives the bytes of a file that a model keeps beside itself, by the location that the model states. */
export type ExternalReader = (location: string) => Promise<Uint8Array>

/**
 * Reads what a model keeps outside of its file. Throws `denied` where a location leaves the model's folder, since the
 * runtime would read any file of the machine, and `invalid-input` where there is no reader or nothing to read.
 */
export async function readExternalData(
  id: string,
  locations: readonly string[],
  read: ExternalReader | undefined,
): Promise<OnnxSessionOptions> {
  for (const location of locations) {
    const problem = locationProblem(location)
    if (problem !== undefined)
      throw new Fault(
        'denied',
        `${id}: the model keeps weights in ${JSON.stringify(location)}, which ${problem}: only files in its own folder are read`,
        { field: '/model' },
      )
  }
  if (locations.length === 0) return {}
  if (read === undefined)
    throw new Fault(
      'invalid-input',
      `${id}: the model keeps weights in ${locations.join(', ')}: load it with readModel of @dinrail/adapters-onnx/node, or save the model as one file`,
      { field: '/model' },
    )
  return {
    externalData: await Promise.all(
      locations.map(async (location) => ({ path: location, data: await readOne(id, location, read) })),
    ),
  }
}

async function readOne(id: string, location: string, read: ExternalReader): Promise<Uint8Array> {
  try {
    return await read(location)
  } catch (problem) {
    const fault = Fault.from(problem)
    if (fault === problem) throw fault
    throw new Fault('invalid-input', `${id}: the model’s weights in ${location} cannot be read: ${fault.message}`, {
      field: '/model',
      cause: problem,
    })
  }
}

/** Why a location is not a file below the model's folder, whatever the operating system. */
export function locationProblem(location: string): string | undefined {
  if (location === '') return 'is empty'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be
  if (/[\u0000-\u001f]/.test(location)) return 'has control characters'
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return 'is a URL or names a drive'
  if (/^[\\/]/.test(location)) return 'is absolute'
  if (location.includes('\\')) return 'has a backslash'
  if (location.split('/').some((part) => part === '..')) return 'goes up'
  return undefined
}
