import { Fault } from './fault.ts'
import { deepestNesting } from './nesting.ts'

/**
 * Reads JSON of others as RFC 8259 recommends and RFC 7493 (I-JSON) demands: no member twice, no lone surrogate, no number
 * beyond a double, none named `__proto__`, at most 256 deep. Throws `invalid-input` that says where.
 */
export function parseJson(text: string): unknown {
  refuseDepthAndDoubles(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (problem) {
    throw new Fault('invalid-input', `is not JSON: ${(problem as Error).message}`)
  }
  refuseUnsafe(value, '')
  return value
}

const token = /["{}[\],:]/g

/** Where the text that begins there is over. A pattern would look through what has no end again from each quote in it. */
function endOfText(json: string, from: number): number {
  for (let end = json.indexOf('"', from + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let before = end
    while (json[before - 1] === '\\') before -= 1
    if ((end - before) % 2 === 0) return end + 1
  }
  return json.length
}

/** One pass over the brackets and names. What is no JSON passes here and is found by the parser. */
function refuseDepthAndDoubles(text: string): void {
  // The names of each object that is open; undefined for an array.
  const open: (Set<string> | undefined)[] = []
  let name: string | undefined
  let mayBeName = false
  token.lastIndex = 0
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [lexeme] = found
    switch (lexeme) {
      case '{':
      case '[':
        if (open.length >= deepestNesting)
          throw new Fault('invalid-input', `is nested more than ${deepestNesting} deep`)
        open.push(lexeme === '{' ? new Set() : undefined)
        mayBeName = lexeme === '{'
        break
      case '}':
      case ']':
        open.pop()
        mayBeName = false
        break
      case ',':
        mayBeName = open.at(-1) !== undefined
        break
      case ':': {
        const names = open.at(-1)
        if (names === undefined || name === undefined) break
        if (names.has(name)) throw new Fault('invalid-input', `has the member ${JSON.stringify(name)} twice`)
        names.add(name)
        mayBeName = false
        break
      }
      default:
        token.lastIndex = endOfText(text, found.index)
        name = mayBeName ? readName(text.slice(found.index, token.lastIndex)) : undefined
    }
  }
}

function readName(lexeme: string): string {
  if (!lexeme.includes('\\')) return lexeme.slice(1, -1)
  try {
    return JSON.parse(lexeme)
  } catch {
    return lexeme
  }
}

function refuseUnsafe(value: unknown, at: string): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Fault('invalid-input', `holds a number at ${at || 'its root'} that no double can hold`)
  if (typeof value === 'string' && !value.isWellFormed())
    throw new Fault('invalid-input', `holds half a surrogate pair at ${at || 'its root'}`)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (typeof item === 'number' ? !Number.isFinite(item) : typeof item === 'object' || typeof item === 'string')
        refuseUnsafe(item, `${at}/${i}`)
    }
    return
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw new Fault('invalid-input', `has a member named __proto__ at ${at || 'its root'}`)
    if (!key.isWellFormed())
      throw new Fault('invalid-input', `has a name with half a surrogate pair at ${at || 'its root'}`)
    if (typeof member !== 'boolean' && member !== null) refuseUnsafe(member, `${at}/${key}`)
  }
}
