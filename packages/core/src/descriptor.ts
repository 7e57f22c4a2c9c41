import { canonicalDigest } from './digest.ts'
import { Fault } from './fault.ts'
import { parseJson } from './strict-json.ts'
import { compileVocabulary, isObject, type JsonSchema, someRule } from './vocabulary.ts'

/** The version of the specification that this package implements; it travels on every descriptor and frame. */
export const specVersion = '0.1'

/**
 * What a model is and promises, as plain JSON. It is published, canonicalised (RFC 8785) and identified by its
 * SHA-256, so that both sides of a call know that they mean the same contract.
 */
export interface Descriptor<In = unknown, Out = unknown> {
  readonly specVersion: typeof specVersion
  /** `maker/name`: lower-case letters, digits and hyphens. */
  readonly id: string
  /** Semantic version of the model behind the contract. */
  readonly version: string
  readonly kind: 'model' | 'tool' | 'agent'
  readonly title: string
  readonly description?: string
  readonly task: Task
  /** Where it stands in the ISA-95 equipment hierarchy. */
  readonly place?: Place
  /** JSON Schema 2020-12 with the Dinrail vocabulary. */
  readonly input: JsonSchema
  readonly output: JsonSchema
  /** `none` answers only; `record` changes records such as a work order; `actuate` moves equipment. */
  readonly effect: 'none' | 'record' | 'actuate'
  readonly supports: Supports
  /** What an input outside the training limits gets: a fault unless stated, or an answer of uncertain quality. */
  readonly outsideTraining?: 'refuse' | 'uncertain'
  readonly timing?: Timing
  readonly confidence?: ConfidenceSource
  readonly provenance?: Provenance
  /** Present on a guarded model: the boundary that it stands behind. */
  readonly safety?: Safety
  /** Present on a model under run-time assurance: who watches it and what takes over. */
  readonly assurance?: AssuranceCard
  /** Present on a chat model: what it can take and give. */
  readonly chat?: ChatCard
  /** Types only, never a value: lets `Model<In, Out>` be inferred from a descriptor. */
  readonly '~types'?: { readonly input: In; readonly output: Out }
}

export const industrialTasks = [
  'quality-inspection',
  'predictive-maintenance',
  'energy-optimization',
  'parameter-control',
  'visual-recognition',
  'knowledge-query',
  'process-analysis',
  'plan-generation',
  'fault-attribution',
  'coordination',
  'scheduling',
  'generative-design',
  'conversation',
] as const

/** An open vocabulary: the industrial tasks are named, others are allowed. */
export type Task = (typeof industrialTasks)[number] | (string & {})

export interface Place {
  readonly enterprise?: string
  readonly site?: string
  readonly area?: string
  readonly workCenter?: string
  readonly workUnit?: string
}

/** What a model can do beyond answering. The conformance kit skips by nothing else, and what is absent is refused. */
export interface Supports {
  readonly stream?: true
  /** The model heeds its abort signal; without it a call still settles in time, but work may go on. */
  readonly cancel?: true
  /** The model itself honours `idempotencyKey`. */
  readonly idempotent?: true
}

export interface Timing {
  /** How long a caller should normally allow, in milliseconds. */
  readonly defaultDeadlineMs?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** The machine on which they were measured; figures without it mean nothing. */
  readonly hardware?: string
}

export interface ConfidenceSource {
  /** How raw scores became probabilities; `conformal` is an interval around a value, measured on held-out data. */
  readonly calibration: 'temperature' | 'isotonic' | 'conformal' | 'none'
  /** Expected calibration error on held-out data, in [0, 1]. */
  readonly expectedCalibrationError?: number
}

/** IDTA 02058/02059/02060 content: where the model comes from and what it is not for. */
export interface Provenance {
  /** `sha256:` and 64 hexadecimal digits of the weights' bytes. */
  readonly artefact?: string
  readonly data?: readonly {
    readonly name: string
    readonly source?: string
    readonly licence?: string
    readonly sha256?: string
  }[]
  readonly metrics?: Readonly<Record<string, number | readonly number[] | string>>
  readonly licence?: string
  readonly limitations?: readonly string[]
}

/** What a model that moves equipment may do without a person: from nothing to anything within its limits. */
export const authorities = ['inform', 'recommend', 'act-after-approval', 'act-within-limits'] as const
export type Authority = (typeof authorities)[number]

export interface Safety {
  readonly authority: Authority
  /** Names of the conditions that must hold at the moment of a write. */
  readonly interlocks: readonly string[]
  readonly journaled: boolean
  readonly readBack: boolean
}

export interface AssuranceCard {
  /** Names of the monitors that judge every answer. */
  readonly monitors: readonly string[]
  /** Id of the model that answers in its place. */
  readonly recovery: string
  readonly dwellMs: number
  readonly reset: 'automatic' | 'manual'
}

export interface ChatCard {
  readonly tools: boolean
  /** How answers come to keep a schema: by the server's own mode, by a tool call, by words with one repair, or not at all. */
  readonly structuredOutput: 'native' | 'tool-call' | 'prompt' | 'none'
  readonly contextTokens?: number
  /** What a user may send. */
  readonly modalities: readonly ('text' | 'image' | 'document')[]
}

const idPattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\/[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/
const versionPattern = /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,64})?$/

const words = { kind: ['model', 'tool', 'agent'], effect: ['none', 'record', 'actuate'] }

/** Why a value is no descriptor, or undefined where it is one. A sentence for a person. */
export function descriptorProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'a descriptor is a JSON object'
  const d = value as Partial<Record<keyof Descriptor, unknown>>
  if (d.specVersion !== specVersion)
    return `specVersion is ${JSON.stringify(d.specVersion)}; this side speaks ${specVersion}`
  if (typeof d.id !== 'string' || !idPattern.test(d.id))
    return `id ${JSON.stringify(d.id)} is not maker/name in lower case, digits and hyphens`
  if (typeof d.version !== 'string' || !versionPattern.test(d.version))
    return `version ${JSON.stringify(d.version)} is not semantic, such as 1.0.0`
  for (const key of ['kind', 'effect'] as const)
    if (!words[key].includes(d[key] as string))
      return `${key} ${JSON.stringify(d[key])} is not ${words[key].join(', ')}`
  for (const key of ['title', 'task'] as const)
    if (typeof d[key] !== 'string' || d[key] === '') return `${key} is missing`
  for (const key of ['supports', 'input', 'output'] as const) {
    const part = d[key]
    if (!isObject(part)) return `${key} is not a JSON object`
    if (key === 'supports') continue
    try {
      const rule = compileVocabulary(part)
      if (key === 'input' && d.effect !== 'none' && someRule(rule, ({ missing }) => missing !== undefined))
        return 'a model with an effect must be told every value: no hold, no impute'
    } catch (problem) {
      return `${key}: ${(problem as Error).message}`
    }
  }
  return undefined
}

/** The longest descriptor that is read, in UTF-16 code units: contracts are pages, not books. */
const longestDescriptor = 1_048_576

/** Reads a descriptor from anywhere. Throws `invalid-input` that says what is wrong with it. */
export function parseDescriptor(text: string): Descriptor {
  if (text.length > longestDescriptor)
    throw new Fault(
      'invalid-input',
      `the descriptor has ${text.length} characters, at most ${longestDescriptor} may be`,
    )
  let value: unknown
  try {
    value = parseJson(text)
  } catch (problem) {
    throw new Fault('invalid-input', `the descriptor ${Fault.from(problem).message}`)
  }
  const problem = descriptorProblem(value)
  if (problem !== undefined) throw new Fault('invalid-input', `the descriptor is refused: ${problem}`)
  return value as Descriptor
}

export function descriptorDigest(descriptor: Descriptor): Promise<string> {
  return canonicalDigest(descriptor)
}
