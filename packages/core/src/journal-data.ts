import { sha256 } from './digest.ts'
import { deepestNesting } from './nesting.ts'
import { toPointer } from './schema.ts'
import { isTensor, type Tensor, tensor } from './tensor.ts'

/**
 * A copy of a value as plain JSON data. `replace` is asked about everything that JSON may not be able to say (objects,
 * numbers that are not finite, bigints) and answers with what stands for it, or undefined to let the value be walked.
 * `toJSON` is honoured. Throws a `TypeError` that names the place of what has no JSON form.
 */
function jsonForm(value: unknown, replace: (value: unknown) => unknown, path: PropertyKey[] = []): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (path.length > deepestNesting)
    throw new TypeError(`it is nested more than ${deepestNesting} deep, or holds itself`)
  const replaced = replace(value)
  if (replaced !== undefined) return replaced
  if (typeof value !== 'object') throw noForm(value, path)
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return jsonForm(toJSON.call(value), replace, path)
  if (Array.isArray(value))
    return Array.from(value, (item, i) => (item === undefined ? null : jsonForm(item, replace, [...path, i])))
  if (Object.prototype.toString.call(value) !== '[object Object]') throw noForm(value, path)
  // fromEntries defines every key as an own member, `__proto__` too.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, jsonForm(member, replace, [...path, key])]),
  )
}

function noForm(value: unknown, path: readonly PropertyKey[]): TypeError {
  const what = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : String(value)
  return new TypeError(`${toPointer(path) || 'the value'} is ${what}, which has no JSON form`)
}

/**
 * What a journal holds of some data: taken down at once, complete when the promise settles. A tensor becomes
 * `{ tensor: { dtype, shape, sha256 } }`, which proves which numbers they were and stays small; a number that JSON
 * cannot say becomes `{ number: 'NaN' }`, since a record that fails after an effect would hide the effect.
 */
export function journalData(value: unknown): { readonly data: unknown; readonly complete: Promise<void> } {
  const summaries: { readonly summary: { sha256: string }; readonly digest: Promise<string> }[] = []
  const data = jsonForm(value === undefined ? null : value, (member) => {
    if (typeof member === 'number') return { number: String(member) }
    if (typeof member === 'bigint') return { bigint: String(member) }
    const numbers = tensorIn(member)
    if (numbers === undefined) return undefined
    const { dtype, shape } = numbers
    const summary = { dtype, shape: [...shape], sha256: '' }
    const { buffer, byteOffset, byteLength } = numbers.data
    summaries.push({ summary, digest: sha256(new Uint8Array(buffer, byteOffset, byteLength).slice()) })
    return { tensor: summary }
  })
  const complete = async () => {
    for (const { summary, digest } of summaries) summary.sha256 = await digest
    freeze(data)
  }
  return { data, complete: complete() }
}

function tensorIn(value: unknown): Tensor | undefined {
  if (isTensor(value)) return value
  if (!ArrayBuffer.isView(value) || value instanceof DataView || value instanceof Uint8ClampedArray) return undefined
  return tensor(value as Float32Array)
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const member of Object.values(value)) freeze(member)
  Object.freeze(value)
}
