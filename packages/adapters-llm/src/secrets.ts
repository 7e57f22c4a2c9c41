const hidden = '…'
/** Shorter ones would blot out half of every message; no key is that short. */
const shortestSecret = 4

/** Takes every secret out of a text, as it is and as other programs write it: escaped, percent-encoded, in base64, in hexadecimal. */
export function secretHider(secrets: readonly (string | undefined)[]): (text: string) => string {
  const forms = secrets.flatMap((secret) =>
    secret === undefined || secret.length < shortestSecret ? [] : formsOf(secret),
  )
  if (forms.length === 0) return (text) => text
  // A long form may contain a short one, which must not leave the rest behind.
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (text) => {
    let shown = text
    for (const form of longestFirst) shown = shown.replaceAll(form, hidden)
    return shown
  }
}

/** Names of headers whose values nobody else may see. */
export const secretHeader = /auth|key|token|secret|cookie|credential/i

function formsOf(secret: string): string[] {
  const bytes = Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join('')
  const hex = Array.from(bytes, (sign) => sign.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  const escaped = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    escaped,
    escaped.replaceAll('/', '\\/'),
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((before) => base64Within(bytes, before)),
  ]
}

/** How base64 shows the secret where so many bytes stand before it: the signs that follow from the secret alone. */
function base64Within(bytes: string, before: number): string[] {
  const whole = btoa('\0'.repeat(before) + bytes)
  const from = Math.ceil((before * 8) / 6)
  const to = Math.floor(((before + bytes.length) * 8) / 6)
  const certain = whole.slice(from, to)
  // Of a short secret so little may be certain that ordinary words would match.
  return certain.length < 6 ? [] : [certain, certain.replaceAll('+', '-').replaceAll('/', '_')]
}
