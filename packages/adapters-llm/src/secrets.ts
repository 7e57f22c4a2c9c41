const hidden = '…'
/** Shorter ones would blot out half of every message; no key is that short. */
const shortestSecret = 4

/** Takes every secret out of a text, in all the forms in which other programs write it, also where `cut` has left only its beginning. */
export function secretHider(secrets: readonly (string | undefined)[]): (text: string) => string {
  // A long form may contain a short one, which must not leave the rest behind.
  const forms = [...new Set(secrets.flatMap(secretForms))].sort((a, b) => b.length - a.length)
  if (forms.length === 0) return (text) => text
  return (text) => {
    const shown = forms.reduce((rest, form) => rest.replaceAll(form, hidden), text)
    return shown
      .split(hidden)
      .map((piece) => withoutBeginning(piece, forms))
      .join(hidden)
  }
}

/** What is as long and holds a digit is no word that an answer may need, as those are that stand for a key (`ollama`, `EMPTY`). */
const isKey = /^(?=.*\d)\s*\S.{14,}\S/

/** Whether a value says one of the secrets that are keys, in any of those forms. */
export function keyFinder(secrets: readonly (string | undefined)[]): (value: object) => boolean {
  const forms = secrets.filter((secret = '') => isKey.test(secret)).flatMap(secretForms)
  return (value) => {
    const text = forms.length > 0 ? JSON.stringify(value) : ''
    return forms.some((form) => text.includes(form))
  }
}

/** A text of at most so many characters, and the mark of a cut where there were more. */
export function cut(text: string, longest: number): string {
  return text.length > longest ? text.slice(0, longest) + hidden : text
}

function withoutBeginning(text: string, forms: readonly string[]): string {
  for (const form of forms)
    for (let length = Math.min(form.length - 1, text.length); length >= shortestSecret; length--)
      if (text.endsWith(form.slice(0, length))) return text.slice(0, -length) + hidden
  return text
}

/** Names of headers whose values nobody else may see. */
const secretHeader = /auth|key|token|secret|cookie|credential|pass|session/i

/** What nobody may see of a request: its key, the values of its URL, and those of its headers that say so by their names. */
export function secretsOf({
  key,
  url,
  headers,
}: {
  readonly key?: string | undefined
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}): string[] {
  const inHeaders = Object.entries(headers).flatMap(([name, value]) =>
    secretHeader.test(name) ? [value, ...credentialsIn(value)] : [],
  )
  // What an interface's version is helps whoever reads that it is refused.
  const inQuery = [...url.searchParams].flatMap(([name, value]) => (name === 'api-version' ? [] : [value]))
  return [...(key === undefined ? [] : [key]), ...inHeaders, ...inQuery]
}

/** A header's secrets without what stands before them: a scheme, the name of a cookie, the user beside a password. */
function credentialsIn(value: string): string[] {
  const [, scheme = '', rest = ''] = /^(\S+)\s+(.+)$/s.exec(value.trim()) ?? []
  const pieces = value.split(/[\s;,=]+/).filter((piece) => piece.length >= 2 * shortestSecret)
  if (scheme.toLowerCase() !== 'basic') return [rest, ...pieces]
  try {
    const pair = atob(rest)
    return [rest, pair, pair.slice(pair.indexOf(':') + 1)]
  } catch {
    return [rest]
  }
}

/** A secret as it is and as other programs write it: escaped, percent-encoded, in base64, in hexadecimal. */
export function secretForms(stated: string | undefined): string[] {
  // The blanks around a header's value are no part of what a server sees.
  const secret = stated?.trim() ?? ''
  if (secret.length < shortestSecret) return []
  const bytes = Array.from(new TextEncoder().encode(secret), (byte) => String.fromCharCode(byte)).join('')
  const hex = Array.from(bytes, (sign) => sign.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  const escaped = JSON.stringify(secret).slice(1, -1)
  const percent = encodeURIComponent(secret)
  return [
    secret,
    escaped,
    escaped.replaceAll('/', '\\/'),
    percent,
    percent.replace(/%../g, (octet) => octet.toLowerCase()),
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
