import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@dinrail/core'
import type { ModelFiles } from './definition.ts'

/**
 * Reads a `.onnx` file, and later what it keeps beside itself: only files in its own folder, links followed. Throws
 * `not-found` where there is none, and `denied` for what lies outside.
 */
export async function readModel(file: string | URL): Promise<ModelFiles> {
  const at = typeof file === 'string' ? file : fileURLToPath(file)
  const bytes = await readBytes(at)
  const folder = await realpath(path.dirname(at))
  return {
    bytes,
    async external(location) {
      const target = await realpath(path.join(folder, location)).catch(() => path.join(folder, location))
      // A link may lead anywhere, whatever its name.
      if (!target.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep))
        throw new Fault('denied', `${at} keeps weights in '${location}', which leads out of its folder`, {
          field: '/model',
        })
      return readBytes(target)
    },
  }
}

async function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(file))
  } catch (problem) {
    throw new Fault('not-found', `${file} cannot be read: ${Fault.from(problem).message}`, {
      field: '/model',
      cause: problem,
    })
  }
}
