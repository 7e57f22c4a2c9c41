/** A server's name of a model as the name of an id: lower-case letters, digits and hyphens. */
export function slug(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return plain.slice(0, 60).replace(/^-+|-+$/g, '') || 'model'
}
