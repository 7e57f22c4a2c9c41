import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@dinrail/core'
import type { ModelFiles } from './definition.ts'
import { locationProblem } from './external-data.ts'

/** What protocol buffers can hold, and Node reads at once; more than any model that this package is for. */
const largestFile = 2 ** 31 - 1
/** A named pipe would be waited for until somebody writes into it. Windows has no such pipes in folders. */
const withoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Reads a `.onnx` file, and later what it keeps beside itself: only files in its own folder. Throws `not-found` where there
 * is none, `invalid-input` where it is no file or over 2 GiB, and `denied` for a location that leads out of the folder by its
 * words or through a link.
 */
export async function readModel(file: string | URL): Promise<ModelFiles> {
  // `import.meta.resolve` gives an address as a text.
  const isPath = typeof file === 'string' && !file.startsWith('file:')
  const at = path.resolve(isPath ? file : fileURLToPath(file))
  const bytes = await readBytes(at)
  const folder = await realpath(path.dirname(at))
  return {
    bytes,
    async external(location) {
      const problem = locationProblem(location)
      if (problem !== undefined) throw denied(at, location, problem)
      const wanted = path.join(folder, ...location.split('/'))
      const target = await realpath(wanted).catch(() => wanted)
      // A link may lead anywhere, whatever its name.
      if (!target.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep))
        throw denied(at, location, 'leads out of its folder through a link')
      return readBytes(target)
    },
  }
}

function denied(file: string, location: string, problem: string): Fault {
  return new Fault(
    'denied',
    `${file} keeps weights in ${JSON.stringify(location)}, which ${problem}: only files in its own folder are read`,
    { field: '/model' },
  )
}

async function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const field = '/model'
  const handle = await open(file, withoutWaiting).catch((cause) => {
    throw new Fault('not-found', `${file} cannot be read: ${Fault.from(cause).message}`, { field, cause })
  })
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Fault('invalid-input', `${file} is not a file`, { field })
    if (found.size > largestFile)
      throw new Fault('invalid-input', `${file} has ${found.size} bytes, at most ${largestFile} may be`, { field })
    const { buffer, byteOffset, byteLength } = await handle.readFile()
    return new Uint8Array(buffer, byteOffset, byteLength)
  } finally {
    await handle.close()
  }
}
