import { canonicalJson, Fault, sha256 } from '@dinrail/core'
import type { ModelFiles } from './definition.ts'
import { type ExternalReader, readExternalData } from './external-data.ts'
import { type ModelFile, readModelFile } from './model-file.ts'

/** A network's bytes, all of them, and what identifies them. */
export interface Artefact {
  readonly file: ModelFile
  /**
   * The SHA-256 of the file. Where it keeps weights beside itself, that of the canonical JSON `{"beside":{location: digest},
   * "file": digest}`: a file vouches for nothing that it only names.
   */
  readonly digest: string
  /** Gives what was read beside the file, so that what is loaded is what was identified. */
  readonly external?: ExternalReader
}

/** Reads all of a network. Throws `denied` where it is not the one that is claimed, by `pin` or by the stated provenance. */
export async function readArtefact(
  id: string,
  { bytes, external }: ModelFiles,
  claims: { readonly pin?: string | undefined; readonly stated?: string | undefined } = {},
): Promise<Artefact> {
  const own = await sha256(bytes)
  const known = [claims.pin, claims.stated].find((claim) => claim !== undefined)
  let file: ModelFile
  try {
    file = readModelFile(bytes)
  } catch (problem) {
    throw known === undefined || known === own ? problem : denied(id, own, claims)
  }
  const { externalData } = await readExternalData(id, file.externalData, external)
  if (externalData === undefined) {
    refuseOthers(id, own, own, claims)
    return { file, digest: own }
  }
  const digests = await Promise.all(
    externalData.map(async ({ path, data }) => [path, await sha256(data as Uint8Array<ArrayBuffer>)]),
  )
  const whole = new TextEncoder().encode(canonicalJson({ file: own, beside: Object.fromEntries(digests) }))
  const digest = await sha256(whole)
  refuseOthers(id, own, digest, claims)
  return {
    file,
    digest,
    external: async (location) => externalData.find(({ path }) => path === location)!.data,
  }
}

type Claims = Parameters<typeof readArtefact>[2] & object

function refuseOthers(id: string, own: string, digest: string, claims: Claims): void {
  for (const claim of [claims.pin, claims.stated])
    if (claim !== undefined && claim !== digest) {
      if (claim !== own) throw denied(id, digest, claims)
      throw new Fault(
        'denied',
        `${id}: ${claim} is of the .onnx file alone, which keeps weights beside itself: pin ${digest}, which covers them too`,
      )
    }
}

function denied(id: string, digest: string, { pin, stated }: Claims): Fault {
  const claimed = pin === undefined || pin === digest ? `provenance.artefact says ${stated}` : `pinned are ${pin}`
  return new Fault(
    'denied',
    `${id}: the weights are ${digest}, ${claimed}: load the file that belongs to this contract`,
  )
}
