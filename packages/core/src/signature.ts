import { canonicalJson, Fault } from '@dinrail/core'
import { type CryptoKey, FlattenedSign, flattenedVerify, importJWK, type JWK } from 'jose'
import type { Descriptor } from './descriptor.ts'
import type { Announcement } from './transport.ts'

/** An Ed25519 key: of WebCrypto, or a JSON Web Key of RFC 8037. */
export type SignatureKey = CryptoKey | JWK

/** Signs a descriptor: a detached JWS (RFC 7515, appendix F) over its canonical form, `header..signature`. */
export async function signDescriptor(descriptor: Descriptor, key: SignatureKey, keyId: string): Promise<string> {
  const { protected: header, signature } = await new FlattenedSign(bytesOf(descriptor))
    .setProtectedHeader({ alg: 'EdDSA', kid: keyId })
    .sign(await imported(key))
  return `${header}..${signature}`
}

/** Answers with the id of the key that signed. Throws `denied` for everything but a whole signature of one of `keys`. */
export async function verifyDescriptor(
  descriptor: Descriptor,
  signature: string,
  keys: Readonly<Record<string, SignatureKey>>,
): Promise<string> {
  const [header = '', payload, bytes = '', ...more] = signature.split('.')
  if (payload !== '' || header === '' || bytes === '' || more.length > 0)
    throw refused(descriptor, 'its signature is no detached JWS, header..signature')
  let signer = ''
  try {
    await flattenedVerify(
      { protected: header, payload: encoded(bytesOf(descriptor)), signature: bytes },
      async ({ kid = '' }) => {
        const key = Object.hasOwn(keys, kid) ? keys[kid] : undefined
        if (key === undefined) throw new Error(`nobody here trusts the key '${kid}'`)
        signer = kid
        return imported(key)
      },
      { algorithms: ['EdDSA'] },
    )
  } catch (problem) {
    throw refused(descriptor, (problem as Error).message)
  }
  return signer
}

/** For `connect` and `discover`: only models whose descriptor one of these keys has signed are used. */
export function trustedBy(keys: Readonly<Record<string, SignatureKey>>): (announcement: Announcement) => Promise<void> {
  return async ({ descriptor, signature }) => {
    if (signature === undefined) throw refused(descriptor, 'it is not signed: serve it with a signature')
    await verifyDescriptor(descriptor, signature, keys)
  }
}

function refused({ id }: Descriptor, problem: string): Fault {
  return new Fault('denied', `the descriptor of ${id} is not trusted: ${problem}`)
}

async function imported(key: SignatureKey) {
  return 'kty' in key ? importJWK(key, 'EdDSA') : key
}

function bytesOf(descriptor: Descriptor): Uint8Array {
  return new TextEncoder().encode(canonicalJson(descriptor))
}

/** base64url without padding. */
function encoded(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
