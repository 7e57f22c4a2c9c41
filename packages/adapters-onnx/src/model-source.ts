import { Fault, isFault } from '@dinrail/core'
import type { ModelFiles, ModelSource } from './definition.ts'

/** Reads a model wherever it is. Throws `unavailable` where it cannot be fetched, and a `TypeError` for a path. */
export async function readSource(source: ModelSource): Promise<ModelFiles> {
  if (source instanceof Uint8Array) return { bytes: source }
  if (source instanceof URL || typeof source === 'string') return { bytes: await fetched(source) }
  if (source?.bytes instanceof Uint8Array) return source
  const given = (source as object | undefined)?.constructor.name ?? String(source)
  throw new TypeError(
    `model is ${given}: pass its bytes as a Uint8Array, an https: address, or what readModel of @dinrail/adapters-onnx/node gives`,
  )
}

async function fetched(source: URL | string): Promise<Uint8Array<ArrayBuffer>> {
  if (!/^(https?|data|blob):/.test(String(source)))
    throw new TypeError(
      `model is '${source}': a path is read by readModel(path) of @dinrail/adapters-onnx/node, other places by fetch`,
    )
  try {
    const response = await fetch(source)
    if (!response.ok) throw new Fault('unavailable', `${source} answers ${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (problem) {
    if (isFault(problem)) throw problem
    throw new Fault('unavailable', `the model cannot be fetched from ${source}: ${Fault.from(problem).message}`, {
      cause: problem,
    })
  }
}
