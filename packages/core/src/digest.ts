/** RFC 8785 canonical JSON: keys sorted by UTF-16 code units, no white space, numbers as ECMAScript prints them. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
  if (typeof value === 'string' && !value.isWellFormed()) throw new TypeError('half a surrogate pair has no JSON form')
  if (typeof value !== 'object' || value === null) {
    const text = JSON.stringify(value)
    if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
    return text
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const form = Object.prototype.toString.call(value)
  if (form !== '[object Object]') throw new TypeError(`a ${form.slice(8, -1)} has no JSON form`)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join(',')}}`
}

/** The SHA-256 of the canonical form, as `sha256:` and 64 hexadecimal digits. */
export function canonicalDigest(value: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(canonicalJson(value)))
}

/** `sha256:` and the 64 hexadecimal digits of the SHA-256 of some bytes. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha256:${hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}`
}

/** Two lower-case digits a byte. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
