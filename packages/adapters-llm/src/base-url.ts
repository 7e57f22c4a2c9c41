/** Where an API begins. Throws a `TypeError` for what is none, without showing a password. */
export function readBaseUrl(factory: string, baseUrl: string): URL {
  if (!URL.canParse(baseUrl))
    throw new TypeError(
      `${factory}: baseUrl '${String(baseUrl)
        .replace(/[^/]*@/, '…@')
        .replace(/\?.*/s, '?…')}' is no URL`,
    )
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`${factory}: baseUrl begins with '${url.protocol}', not with http: or https:`)
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`${factory}: baseUrl holds a user's name or password: send it as a header`)
  return url
}
