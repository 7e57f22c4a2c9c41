import type { Limits } from '@dinrail/core'
import { dataTypes } from './element-types.ts'

/**
 * Whether a contract has its form: it may come from a file that others wrote, or from code that no compiler has seen. Throws
 * a `TypeError` that names the place. What the members mean is held against the file later.
 */
export function checkForm(contract: object): void {
  for (const [key, value] of Object.entries(contract)) {
    // What a contract does not say, such as an effect, a file must not say either.
    if (!Object.hasOwn(parts, key))
      throw new TypeError(`${key} is nothing that a contract states: it takes ${Object.keys(parts).join(', ')}`)
    if (value !== undefined) parts[key]!(value, key)
  }
}

/** Throws where a value has not this form. */
type Form = (value: unknown, at: string) => void

const wrong = (at: string, value: unknown, wanted: string) =>
  new TypeError(`${at} is ${typeof value === 'object' ? objectText(value) : String(value)}: ${wanted}`)

/** A circle, for one, has no JSON form. */
function objectText(value: object | null): string {
  try {
    return JSON.stringify(value).slice(0, 60)
  } catch {
    return 'no JSON'
  }
}

export const text: Form = (value, at) => {
  if (typeof value !== 'string') throw wrong(at, value, 'it must be a text')
}
const number: Form = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(at, value, 'it must be a number')
}
export const wholeNumber: Form = (value, at) => {
  if (!(Number.isInteger(value) && (value as number) > 0)) throw wrong(at, value, 'it must be a whole number above 0')
}
export const numberFrom =
  (least: number, most = Number.POSITIVE_INFINITY): Form =>
  (value, at) => {
    number(value, at)
    if (!((value as number) >= least && (value as number) <= most))
      throw wrong(at, value, `it must be ${least} ${most < Number.POSITIVE_INFINITY ? `to ${most}` : 'or more'}`)
  }
export const anything: Form = () => {}

export const oneOf =
  (...words: readonly (string | number)[]): Form =>
  (value, at) => {
    if (!words.includes(value as string)) throw wrong(at, value, `it must be ${words.join(' or ')}`)
  }

export const listOf =
  (item: Form): Form =>
  (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, value, 'it must be a list')
    value.forEach((one, i) => {
      item(one, `${at}[${i}]`)
    })
  }

const either =
  (one: Form, other: Form): Form =>
  (value, at) =>
    typeof value === 'object' ? other(value, at) : one(value, at)

function membersOf(value: unknown, at: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(at, value, 'it must be an object')
  return Object.entries(value).filter(([, member]) => member !== undefined)
}

const record =
  (member: Form): Form =>
  (value, at) => {
    for (const [name, one] of membersOf(value, at)) {
      fieldName(name, at)
      member(one, `${at}.${name}`)
    }
  }

const fieldName: Form = (value, at) => {
  text(value, at)
  // As a key it would reach the prototype of whatever holds it.
  if (value === '__proto__' || value === '') throw new TypeError(`${at}: no field can be named ${value || 'nothing'}`)
}

type Members = Readonly<Record<string, Form>>

/** Members that must be there, and members that may. */
export const object =
  (required: Members, optional: Members = {}): Form =>
  (value, at) => {
    const known = { ...required, ...optional }
    const given = membersOf(value, at)
    for (const [name, one] of given) {
      const form = Object.hasOwn(known, name) ? known[name] : undefined
      if (form === undefined)
        throw new TypeError(`${at}.${name} is no member of it: it takes ${Object.keys(known).join(', ')}`)
      form(one, `${at}.${name}`)
    }
    for (const name of Object.keys(required))
      if (!given.some(([has]) => has === name)) throw new TypeError(`${at}.${name} is missing`)
  }

/** One of several forms, told apart by the member that only it has. */
const kinds =
  (forms: Readonly<Record<string, Form>>): Form =>
  (value, at) => {
    const given = membersOf(value, at).map(([name]) => name)
    const kind = given.find((name) => Object.hasOwn(forms, name))
    if (kind === undefined)
      throw new TypeError(
        `${at} has the members ${given.join(', ') || 'none'}: state one of ${Object.keys(forms).join(', ')}`,
      )
    forms[kind]!(value, at)
  }

const range = object({}, { min: number, max: number })
const limits: Form = (value, at) => {
  object({}, { physical: range, operating: range, training: range })(value, at)
  const { physical = {}, training = {} } = value as Limits
  if (training.min! > physical.max! || training.max! < physical.min!)
    throw wrong(at, value, 'nothing that can be is what the model was trained on')
}
const scale = kinds({
  mean: object({ mean: number, deviation: number }),
  median: object({ median: number, spread: number }),
  min: object({ min: number, max: number }),
  period: object({ period: number }),
})
const described = { description: text }
const meaning = { ...described, quantity: text, semantics: listOf(text) }
const measured = { ...meaning, limits, maxAge: number }
const numberField = { ...measured, missing: oneOf('reject', 'hold', 'impute'), default: number }
/** A value that stands in for a missing one is used by nothing else. */
const withDefault =
  (form: Form): Form =>
  (value, at) => {
    form(value, at)
    const { missing, default: standIn } = value as { missing?: unknown; default?: unknown }
    if (standIn !== undefined && missing !== 'impute')
      throw wrong(`${at}.default`, standIn, "it stands in for a missing value, so state missing: 'impute' too")
  }
const column = withDefault((value, at) =>
  typeof value === 'object' && value !== null && 'categories' in value
    ? object(
        { name: fieldName, categories: listOf(text) },
        { ...described, encode: oneOf('one-hot', 'index'), missing: oneOf('reject', 'impute'), default: text },
      )(value, at)
    : object({ name: fieldName, unit: text }, { ...numberField, scale })(value, at),
)
const isLength = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const lengths = listOf((value, at) => {
  if (!isLength(value)) throw wrong(at, value, 'it must be a length')
})
const shape = listOf((value, at) => {
  if (!isLength(value) && (typeof value !== 'string' || value === ''))
    throw wrong(at, value, 'it must be a length or a word')
})
const truth: Form = (value, at) => {
  if (value !== true) throw wrong(at, value, 'it must be true or absent')
}
const textField = { ...described, field: fieldName, many: truth }
const tensorField = { field: fieldName, dtype: oneOf(...dataTypes), shape, axes: listOf(text), unit: text, scale }

const image = object(
  { size: listOf(anything) },
  {
    ...described,
    field: fieldName,
    multipleOf: number,
    longest: number,
    fit: oneOf('stretch', 'cover', 'contain'),
    pad: number,
    crop: number,
    resize: oneOf('bilinear', 'nearest', 'area'),
    colour: oneOf('rgb', 'bgr', 'grey'),
    layout: oneOf('nchw', 'nhwc'),
    range: oneOf(1, 255),
    normalise: object({ mean: listOf(number), deviation: listOf(number) }),
  },
)
const window = object(
  { length: number, from: oneOf('input', 'calls') },
  { layout: oneOf('time-first', 'fields-first'), filling: oneOf('refuse', 'repeat') },
)
const scores = oneOf('probabilities', 'logits')
const intervalOf = (halfWidth: Form) =>
  kinds({
    halfWidth: object({ level: number, halfWidth }),
    quantiles: object({ level: number, quantiles: listOf(number) }, { margin: number }),
  })
const ofAnswer = { ...meaning, clamp: range, limits: object({}, { physical: range }) }
const ofValue = { ...ofAnswer, interval: intervalOf(number), scale }
const ofTensor = { ...ofAnswer, interval: intervalOf(either(number, listOf(number))) }

const inputs = kinds({
  vector: object({ vector: listOf(column) }, { window }),
  tensor: object({ tensor: object({}, { ...measured, ...tensorField, overlap: number }) }),
  image: object({ image }),
  text: object({ text: object({}, { ...textField, longest: wholeNumber }) }),
  state: object({ state: text }, { shape: lengths }),
  constant: object({ constant: either(number, listOf(number)) }, { shape: lengths }),
})
const outputs = kinds({
  labels: object(
    { labels: listOf(text) },
    {
      field: fieldName,
      scores,
      temperature: number,
      isotonic: object({ score: listOf(number), probability: listOf(number) }),
    },
  ),
  values: object({ values: listOf(object({ name: fieldName, unit: text }, ofValue)) }),
  tensor: object({ tensor: object({}, { ...ofTensor, ...tensorField }) }),
  text: object({ text: object({}, textField) }),
  characters: object({ characters: object({ field: fieldName, alphabet: listOf(text) }, { scores }) }),
})
const matrix = listOf(listOf(number))
const novelty: Form = (value, at) => {
  const scored = { kind: text, threshold: number, of: text }
  const forms: Readonly<Record<string, Form>> = {
    mahalanobis: object({ ...scored, mean: listOf(number), precision: matrix }),
    residual: object({ ...scored, mean: listOf(number), components: matrix }),
    reconstruction: object({ ...scored, by: text }),
  }
  const { kind } = Object.fromEntries(membersOf(value, at))
  oneOf(...Object.keys(forms))(kind, `${at}.kind`)
  forms[kind as string]!(value, at)
}

const place = object({}, { enterprise: text, site: text, area: text, workCenter: text, workUnit: text })
const source = object({ name: text }, { source: text, licence: text, sha256: text })
const parts: Members = {
  id: text,
  version: text,
  title: text,
  description: text,
  task: text,
  place,
  outsideTraining: oneOf('refuse', 'uncertain'),
  timing: object({}, { defaultDeadlineMs: numberFrom(0), p50Ms: numberFrom(0), p99Ms: numberFrom(0), hardware: text }),
  confidence: object(
    { calibration: oneOf('temperature', 'isotonic', 'conformal', 'none') },
    { expectedCalibrationError: numberFrom(0, 1) },
  ),
  provenance: object(
    {},
    { artefact: text, data: listOf(source), metrics: record(anything), licence: text, limitations: listOf(text) },
  ),
  inputs: record(inputs),
  outputs: record(outputs),
  context: record(withDefault(object({ unit: text }, numberField))),
  novelty,
  sessions: object({}, { most: number, idleMs: number }),
  golden: listOf(
    object({ input: record(anything), output: record(anything), tolerance: either(number, record(number)) }),
  ),
}
