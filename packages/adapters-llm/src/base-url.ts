/** Where an API begins. Throws a `TypeError` for what is none, and for keys that no header can carry, without showing either key. */
export function readBaseUrl(
  factory: string,
  {
    baseUrl,
    key,
    headers = {},
  }: { baseUrl: string; key?: string | undefined; headers?: Readonly<Record<string, string>> },
): URL {
  if (!URL.canParse(baseUrl))
    throw new TypeError(`${factory}: baseUrl '${baseUrl.replace(/[^/]*@/, '…@').replace(/\?.*/s, '?…')}' is no URL`)
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`${factory}: baseUrl begins with '${url.protocol}', not with http: or https:`)
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`${factory}: baseUrl holds a user's name or password: send it as a header`)
  for (const [name, value] of [['key', key ?? ''], ...Object.entries(headers)] as const)
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new TypeError(`${factory}: ${name} holds a sign that no header can carry, such as a line's end`)
  return url
}
