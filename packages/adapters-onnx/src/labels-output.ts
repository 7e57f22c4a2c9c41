import { Fault } from '@dinrail/core'
import type { CharactersOutput, LabelsOutput } from './contract.ts'
import { numbersOf } from './element-types.ts'
import { objectSchema } from './fields-schema.ts'
import { shapeText } from './onnx-input.ts'
import { checkFinite, checkNumeric, elementsOfShape, gave, type PreparedOutput, wrongCount } from './onnx-output.ts'
import type { OnnxMetadata } from './runtime.ts'

const probability = { type: 'number', limits: { physical: { min: 0, max: 1 } } } as const

/** Scores of labels as probabilities, the most probable label and how sure it is. */
export function labelsOutput(metadata: OnnxMetadata, recipe: LabelsOutput): PreparedOutput {
  const { name, shape } = metadata
  const at = `outputs.${name}`
  checkNumeric(at, metadata, true)
  const { labels, field, scores = 'probabilities', temperature = 1, isotonic } = recipe
  if (labels.length < 2 || new Set(labels).size !== labels.length)
    throw new TypeError(`${at}.labels must be two or more different words`)
  if (!(temperature > 0)) throw new TypeError(`${at}.temperature is ${temperature}: above 0`)
  const sure = isotonic === undefined ? undefined : isotonicCurve(isotonic, at)
  const count = elementsOfShape(shape)
  if (count !== undefined && count !== labels.length && !(count === 1 && labels.length === 2))
    throw new TypeError(`${labels.length} labels are stated, the ONNX output '${name}' has ${shapeText(shape)}`)
  const properties = {
    label: { type: 'string', enum: labels },
    probabilities: objectSchema(Object.fromEntries(labels.map((label) => [label, probability])), labels),
  }

  return {
    properties: field === undefined ? properties : { [field]: objectSchema(properties, Object.keys(properties)) },
    read(tensor, answer) {
      const given = numbersOf(name, tensor)
      if (given.length !== labels.length && !(given.length === 1 && labels.length === 2))
        throw wrongCount(name, tensor?.dims, `${labels.length} labels`)
      checkFinite(given, name)
      const values = probabilitiesOf(given, scores, temperature, name)
      let best = 0
      const probabilities: Record<string, number> = {}
      for (let i = 0; i < labels.length; i++) {
        if (values[i]! > values[best]!) best = i
        probabilities[labels[i]!] = values[i]!
      }
      const answered = { label: labels[best]!, probabilities }
      if (field === undefined) Object.assign(answer, answered)
      else answer[field] = answered
      return sure === undefined ? values[best]! : sure(values[best]!)
    },
  }
}

/** How far probabilities may be from one together, which float16 and rounding explain. */
const sumTolerance = 0.02

function probabilitiesOf(
  given: ArrayLike<number>,
  scores: 'probabilities' | 'logits',
  temperature: number,
  name: string,
): ArrayLike<number> {
  if (scores === 'logits') {
    // One logit is the second label's against the first one's.
    const logits = given.length === 1 ? [0, given[0]!] : given
    return softmax(logits, temperature)
  }
  const all = given.length === 1 ? [1 - given[0]!, given[0]!] : given
  checkProbabilities(all, name)
  if (temperature !== 1)
    return softmax(
      Array.from(all, (one) => Math.log(Math.max(one, 1e-38))),
      temperature,
    )
  // Softmax in float32 may pass 1 by one unit in the last place.
  return Array.from(all, (one) => Math.min(1, Math.max(0, one)))
}

/** Throws `invalid-output` where numbers are no probabilities of which one is right. */
function checkProbabilities(all: ArrayLike<number>, name: string): void {
  let sum = 0
  for (let i = 0; i < all.length; i++) {
    if (!(all[i]! >= -1e-5 && all[i]! <= 1 + 1e-5)) throw noProbabilities(name, `holds ${all[i]}`)
    sum += all[i]!
  }
  if (Math.abs(sum - 1) > sumTolerance) throw noProbabilities(name, `adds up to ${sum}`)
}

function noProbabilities(name: string, what: string): Fault {
  return new Fault(
    'invalid-output',
    `'${name}' ${what}, so it holds no probabilities: state scores: 'logits', or values where labels are independent`,
    { field: '/output' },
  )
}

function softmax(logits: ArrayLike<number>, temperature: number): number[] {
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]!)
  const powers = Array.from(logits, (one) => Math.exp((one - most) / temperature))
  const sum = powers.reduce((all, one) => all + one, 0)
  return powers.map((one) => one / sum)
}

/** Straight lines between the points, level beyond them. */
function isotonicCurve({ score, probability: right }: NonNullable<LabelsOutput['isotonic']>, at: string) {
  const rises = (list: readonly number[]) =>
    list.every((one, i) => one >= 0 && one <= 1 && (i === 0 || one >= list[i - 1]!))
  if (score.length < 2 || score.length !== right.length || !rises(score) || !rises(right))
    throw new TypeError(`${at}.isotonic needs two lists of the same length, from 0 to 1, neither of which falls`)
  return (value: number): number => {
    const above = score.findIndex((one) => one >= value)
    if (above < 0) return right.at(-1)!
    if (above === 0) return right[0]!
    const [from, to] = [score[above - 1]!, score[above]!]
    const share = to === from ? 1 : (value - from) / (to - from)
    return right[above - 1]! + share * (right[above]! - right[above - 1]!)
  }
}

/** The best path of a text recogniser: repeated characters are one, and the blank one divides them. */
export function charactersOutput(metadata: OnnxMetadata, { characters }: CharactersOutput): PreparedOutput {
  const { name, shape } = metadata
  checkNumeric(`outputs.${name}`, metadata, true)
  const { field, alphabet, scores = 'probabilities' } = characters
  const width = alphabet.length
  if (!alphabet.includes(''))
    throw new TypeError(`outputs.${name}.characters.alphabet has no blank: the class that divides characters is ''`)
  const last = shape?.at(-1)
  if (typeof last === 'number' && last > 0 && last !== width)
    throw new TypeError(`the alphabet has ${width} characters, the ONNX output '${name}' has ${shapeText(shape)}`)
  return {
    properties: { [field]: { type: 'string' } },
    read(tensor, answer) {
      const numbers = numbersOf(name, tensor)
      if (width === 0 || numbers.length % width !== 0)
        throw gave(name, `${numbers.length} scores for ${width} characters`)
      checkFinite(numbers, name)
      let text = ''
      let path = 1
      let before = -1
      for (let from = 0; from < numbers.length; from += width) {
        let best = 0
        for (let i = 1; i < width; i++) if (numbers[from + i]! > numbers[from + best]!) best = i
        const step = Array.prototype.slice.call(numbers, from, from + width) as number[]
        if (scores === 'probabilities') checkProbabilities(step, name)
        path *= scores === 'logits' ? softmax(step, 1)[best]! : Math.min(1, step[best]!)
        if (best !== before) text += alphabet[best]
        before = best
      }
      answer[field] = text
      return path
    },
  }
}
