import { Fault, isFault } from '@dinrail/core'
import type { ModelSource } from './definition.ts'

/** Reads a model wherever it is. Throws `unavailable` where it cannot be fetched, and a `TypeError` for a path. */
export async function readSource(source: ModelSource): Promise<Uint8Array<ArrayBuffer>> {
  return source instanceof Uint8Array ? source : fetched(source)
}

async function fetched(source: URL | string): Promise<Uint8Array<ArrayBuffer>> {
  if (!/^(https?|data|blob):/.test(String(source)))
    throw new TypeError(
      `model is '${source}': { model, external } of a path come from readModel(path) of @dinrail/adapters-onnx/model-folder, other places are fetched`,
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
