import {
  type ChatCard,
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  defineChatModel,
  Fault,
  type FaultCode,
  type Final,
  type RunContext,
  type RunResult,
} from '@dinrail/core'
import { AiSdkAnswer, type AiSdkPart } from './ai-sdk-answer.ts'
import { type AiSdkVersion, callOptions } from './ai-sdk-prompt.ts'
import { withoutAnswerTool } from './answer-tool.ts'
import { callIds } from './call-ids.ts'
import { inParts } from './content-parts.ts'
import { type Prices, spentOn } from './price.ts'
import { refusal } from './refusal.ts'
import { asGiven, repaired } from './repair.ts'
import { keyFinder, secretHider } from './secrets.ts'
import { slug } from './slug.ts'
import { checkCardAndPrices, checkSecrets, refuseUnknown } from './stated-options.ts'
import { isObject } from './wire-json.ts'

/** A language model of any AI SDK provider: `LanguageModelV2`, `V3` and `V4` are all assignable. */
export interface AiSdkModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  doGenerate(options: never): PromiseLike<unknown>
  doStream(options: never): PromiseLike<{ readonly stream: ReadableStream<unknown> }>
}

export interface FromAiSdkOptions {
  /** `maker/name` on the rail; made of the provider's and the model's names unless stated. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
  /** What the model can do, where it differs from text and images with tools and structured answers. */
  readonly chat?: Partial<ChatCard> | undefined
  /** Keys that must appear in no fault, though a provider's error says them. */
  readonly secrets?: readonly string[] | undefined
  readonly prices?: Prices | undefined
}

interface Generated {
  readonly content?: unknown
  readonly finishReason?: unknown
  readonly usage?: unknown
  readonly warnings?: unknown
  readonly response?: { readonly modelId?: unknown } | undefined
}

/**
 * Any AI SDK provider's model behind the chat contract. What its answers hold beyond the contract is a typed warning of the
 * reply (`part-dropped`, `tool-ran-elsewhere`, `metadata-dropped`), and the provider's own warnings keep their types as
 * codes. Throws a `TypeError` for a specification other than the second to the fourth.
 */
export function fromAiSdk(model: AiSdkModel, options: FromAiSdkOptions = {}): ChatModel {
  // From JavaScript a provider itself may come, or the name of a model.
  if (typeof model?.doGenerate !== 'function')
    throw new TypeError("fromAiSdk: this is no model of a provider, such as openai('gpt-5') gives one")
  refuseUnknown('fromAiSdk', options, 'id version title chat secrets prices')
  checkCardAndPrices('fromAiSdk', options)
  checkSecrets('fromAiSdk', options.secrets)
  const { provider, modelId } = model
  const version = model.specificationVersion as AiSdkVersion
  if (!['v2', 'v3', 'v4'].includes(version))
    throw new TypeError(`fromAiSdk: ${provider} has the specification '${version}'; v2, v3 and v4 are known`)
  const { secrets = [] } = options
  const hide = secretHider(secrets)

  const self = {
    id: options.id ?? `${slug(provider.split('.')[0] ?? '')}/${slug(modelId)}`,
    version: options.version ?? '1.0.0',
  }
  const card: ChatCard = { tools: true, structuredOutput: 'native', modalities: ['text', 'image'], ...options.chat }
  const by = card.structuredOutput === 'none' ? 'prompt' : card.structuredOutput
  const answerer = { self, by, hide, saysKey: keyFinder(secrets) }

  const begin = (input: ChatInput) => new AiSdkAnswer(modelId, callIds(input))
  const asked = (input: ChatInput, { signal }: RunContext) => callOptions(input, version, by, signal) as never
  const broken = (problem: unknown, { signal }: RunContext) =>
    signal.aborted ? signal.reason : providerFault(problem, provider, hide)

  function resultOf(answer: AiSdkAnswer, input: ChatInput): RunResult<ChatOutput> {
    const { output } = answer.finish()
    return {
      output: by === 'tool-call' ? withoutAnswerTool(output, input) : output,
      warnings: answer.warnings.map((warning) => ({ ...warning, message: hide(warning.message) })),
      spent: spentOn(output, modelId, options.prices, answer.cacheWrites),
    }
  }

  async function ask(input: ChatInput, context: RunContext): Promise<RunResult<ChatOutput>> {
    try {
      const { content, finishReason, usage, warnings, response } = (await model.doGenerate(
        asked(input, context),
      )) as Generated
      const answer = begin(input)
      answer.warn(warnings)
      answer.answered(response?.modelId)
      for (const part of Array.isArray(content) ? content : []) for (const _ of answer.take(part as AiSdkPart));
      answer.end(finishReason, usage)
      return resultOf(answer, input)
    } catch (problem) {
      throw broken(problem, context)
    }
  }

  const run = (input: ChatInput, context: RunContext) =>
    repaired({ ...answerer, ask: (asked) => ask(asked, context) }, input, context)

  async function* stream(input: ChatInput, context: RunContext): AsyncGenerator<ChatPart | Final<ChatOutput>> {
    if (input.responseSchema !== undefined && by !== 'native') {
      yield* inParts(() => run(input, context))
      return
    }
    const started = performance.now()
    let result: RunResult<ChatOutput>
    try {
      const { stream: parts } = await model.doStream(asked(input, context))
      const answer = begin(input)
      for await (const part of read(parts, context.signal)) yield* answer.take((part ?? {}) as AiSdkPart)
      const { late } = answer.finish()
      yield* late
      result = resultOf(answer, input)
    } catch (problem) {
      throw broken(problem, context)
    }
    yield { final: true, ...asGiven(answerer, result, input, started) }
  }

  return defineChatModel({
    ...self,
    title: options.title ?? `${modelId} of ${provider}`,
    chat: card,
    supports: { cancel: true },
    run,
    stream,
  })
}

/** Leaves the provider's stream when its reader or its caller does, so that the connection is given up. */
async function* read(parts: ReadableStream<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  const reader = parts.getReader()
  const leave = () => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', leave, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

/** Providers throw errors with a status where a server answered; what else they throw broke on the way. */
function providerFault(problem: unknown, provider: string, hide: (text: string) => string): Fault {
  const { name, statusCode, responseBody, responseHeaders } = (isObject(problem) ? problem : {}) as {
    readonly name?: unknown
    readonly statusCode?: unknown
    readonly responseBody?: unknown
    readonly responseHeaders?: Readonly<Record<string, string>>
  }
  const { code, message, details } = Fault.from(problem)
  if (typeof statusCode === 'number') {
    const said = typeof responseBody === 'string' ? responseBody : message
    const header = (one: string) => responseHeaders?.[one]
    return refusal({ status: statusCode, header }, hide(said), provider, Date.now())
  }
  const known = typeof name === 'string' ? codes[name] : undefined
  return new Fault(known ?? (code === 'internal' ? 'unavailable' : code), hide(`${provider}: ${message}`), { details })
}

/** Errors that a provider throws before anything is sent. */
const codes: Readonly<Record<string, FaultCode>> = {
  __proto__: null as never,
  AI_UnsupportedFunctionalityError: 'unsupported',
  AI_InvalidPromptError: 'invalid-input',
  AI_InvalidArgumentError: 'invalid-input',
  AI_LoadAPIKeyError: 'denied',
  AI_NoSuchModelError: 'not-found',
}
