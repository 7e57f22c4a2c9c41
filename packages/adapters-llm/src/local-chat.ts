import {
  type AssistantPart,
  type ChatInput,
  type ChatMessage,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  defineChatModel,
  Fault,
  type Final,
  limitLoad,
  type RunContext,
  type RunResult,
  type UserPart,
  type Warning,
} from '@dinrail/core'
import { type AnswerForm, answerForm, formInWords, formSchema, orWords } from './answer-grammar.ts'
import { answerReader } from './local-answer.ts'
import {
  type GgufOptions,
  type LlamaChat,
  type LlamaGrammar,
  type LlamaSequence,
  type LlamaTurn,
  loadGguf,
} from './local-engine.ts'
import { repaired } from './repair.ts'
import { slug } from './slug.ts'
import { refuseUnknown } from './stated-options.ts'

export interface LocalChatOptions extends GgufOptions {
  /** How many tokens a conversation and its answer may have together; what the model was made for, at most 4096, unless stated. */
  readonly contextTokens?: number | undefined
  /** How long an answer may get whose caller sets no bound; 1024 unless stated. */
  readonly maxOutputTokens?: number | undefined
  /** How many conversations are computed side by side, each with a context of its own; 1 unless stated. */
  readonly atOnce?: number | undefined
  /** How many more calls may wait; 16 unless stated. */
  readonly waiting?: number | undefined
  /** `maker/name` on the rail; `local/` and the name in the file unless stated. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
}

/** Tokens are looked at in groups of so many: a call that is given up waits for one group at the longest. */
const batchTokens = 64
/** Kept free at the end, so that the engine never forgets the beginning of a conversation to make room. */
const spareTokens = 8
/** No token of any known vocabulary is longer: what is longer than the context by this measure need not be counted. */
const longestToken = 128

interface Seat {
  readonly chat: LlamaChat
  readonly sequence: LlamaSequence
}

/**
 * A large model in this process, for plants that are offline: a GGUF file, run by `node-llama-cpp`. Calls of tools and
 * structured answers are written under a grammar of their schemas, so they are always well formed; whether they are right
 * is another matter. Throws what `loadGguf` throws. A conversation that does not fit ends in `invalid-input`.
 */
export async function localChat(options: LocalChatOptions): Promise<ChatModel & { dispose(): Promise<void> }> {
  const { maxOutputTokens: longest = 1_024, atOnce = 1, waiting = 16, sha256 } = options
  const own = 'contextTokens maxOutputTokens atOnce waiting id version title'
  refuseUnknown('localChat', options, `gguf engine threads sha256 ${own}`)
  const counts = { atOnce, maxOutputTokens: longest, contextTokens: options.contextTokens ?? 1, waiting: waiting + 1 }
  // Before the file is loaded, which takes seconds and memory.
  for (const [name, count] of Object.entries(counts))
    if (!(Number.isInteger(count) && count > 0))
      throw new TypeError(`localChat: ${name} is no whole number ${name === 'waiting' ? 'from 0 on' : 'above 0'}`)
  const { LlamaChat, ...loaded } = await loadGguf(options)
  const { llama, file, threads } = loaded
  const contextTokens = Math.min(options.contextTokens ?? 4_096, file.trainContextSize)
  const context = await file
    .createContext({ contextSize: contextTokens, sequences: atOnce, batchSize: batchTokens, threads })
    .catch(async (problem: unknown) => {
      const said = loaded.complaint()
      await loaded.dispose()
      throw new Fault(
        'unavailable',
        `there is no room for ${atOnce} × ${contextTokens} tokens: ${(problem as Error).message} ${said}`.trim(),
        { retryable: false, cause: problem },
      )
    })
  const seats: Seat[] = Array.from({ length: atOnce }, () => {
    const sequence = context.getSequence()
    return { sequence, chat: new LlamaChat({ contextSequence: sequence } as never) }
  })
  const name = file.fileInfo.metadata.general?.name ?? 'model'
  const grammars = new Map<string, Promise<LlamaGrammar>>()
  const inFlight = new Set<Promise<unknown>>()
  let closed: Promise<void> | undefined

  /** Grammars cost milliseconds to make and conversations ask for the same ones. */
  function grammarOf(schema: object, form: AnswerForm): Promise<LlamaGrammar> {
    const key = JSON.stringify([schema, form.words])
    const known = grammars.get(key)
    if (known !== undefined) return known
    const made = llama.createGrammarForJsonSchema(schema as never).then((strict) =>
      form.words
        ? llama.createGrammar({
            grammar: orWords(strict.grammar),
            stopGenerationTriggers: ['\n\n\n\n'],
            trimWhitespaceSuffix: true,
          })
        : strict,
    )
    const usable = made.catch((problem: unknown) => {
      throw new Fault('unsupported', `${name} makes no grammar of the schema: ${(problem as Error).message}`)
    })
    if (grammars.size >= 32) grammars.delete([...grammars.keys()][0]!)
    grammars.set(key, usable)
    usable.catch(() => grammars.delete(key))
    return usable
  }

  async function answer(
    input: ChatInput,
    signal: AbortSignal,
    tell?: (part: ChatPart) => void,
  ): Promise<RunResult<ChatOutput>> {
    if (closed !== undefined) throw new Fault('unavailable', `${name} was disposed of`, { retryable: false })
    const seat = seats.pop()
    if (seat === undefined) throw new Fault('overloaded', `${name} works on ${atOnce} calls already`)
    const work = answerFrom(seat, input, signal, tell).finally(() => seats.push(seat))
    inFlight.add(work)
    return work.finally(() => inFlight.delete(work))
  }

  async function answerFrom(
    { chat, sequence }: Seat,
    input: ChatInput,
    signal: AbortSignal,
    tell: ((part: ChatPart) => void) | undefined,
  ): Promise<RunResult<ChatOutput>> {
    const form = answerForm(input)
    const enforced = formSchema(form)
    const history = turns(input.messages, formInWords(form))
    const asked = promptTokens(chat, history)
    const room = contextTokens - asked - spareTokens
    if (room < 1) throw overflow(asked)
    const grammar = enforced && (await grammarOf(enforced.schema, form))
    signal.throwIfAborted()
    const maxTokens = Math.min(input.maxOutputTokens ?? longest, room)
    const before = sequence.tokenMeter.getState()
    const reader = answerReader(form, input, tell)
    const { temperature, seed, stop } = input
    const { fullResponse, metadata } = await chat
      .generateResponse(history, {
        maxTokens,
        signal,
        onResponseChunk: ({ segmentType, text }) => reader.take(segmentType === undefined ? 'text' : 'reasoning', text),
        ...(temperature !== undefined && { temperature }),
        ...(seed !== undefined && { seed }),
        ...(grammar && { grammar: grammar as never }),
        ...(stop && stop.length > 0 && { customStopTriggers: stop }),
      })
      .catch((problem) => {
        throw signal.aborted ? signal.reason : engineFault(problem)
      })
    const { usedInputTokens, usedOutputTokens } = sequence.tokenMeter.diff(before)
    // The engine evaluates the last token of a prompt again without counting it.
    const cachedInputTokens = Math.max(0, asked - usedInputTokens - 1)
    const wasCut = metadata.stopReason === 'maxTokens'
    const content = reader.end(fullResponse, wasCut)
    // The arguments of a call that was cut are no JSON.
    const called = content.some((part) => part.kind === 'tool-call' && typeof part.arguments !== 'string')
    return {
      output: {
        content,
        finishReason: called ? 'tool-calls' : wasCut ? 'length' : 'stop',
        answeredBy: name,
        tokens: { input: asked, output: usedOutputTokens, cachedInput: cachedInputTokens },
      },
      warnings: [
        ...warningsOf(enforced?.unenforced ?? [], wasCut && input.maxOutputTokens === undefined, maxTokens),
        ...movedInstructions(input),
      ],
      spent: { inputTokens: asked, outputTokens: usedOutputTokens, cachedInputTokens },
    }
  }

  function promptTokens(chat: LlamaChat, history: readonly LlamaTurn[]): number {
    const characters = history.reduce(
      (sum, turn) => sum + (turn.type === 'model' ? turn.response.join('') : turn.text).length,
      0,
    )
    if (characters > contextTokens * longestToken) throw overflow(Math.ceil(characters / longestToken), 'at least ')
    return chat.chatWrapper.generateContextState({ chatHistory: history }).contextText.tokenize(file.tokenizer as never)
      .length
  }

  function overflow(inputTokens: number, atLeast = ''): Fault {
    return new Fault(
      'invalid-input',
      `the conversation has ${atLeast}${inputTokens} tokens, the context of ${name} holds ${contextTokens} with the answer: shorten it, or load the model with more contextTokens`,
      { field: '/input/messages', details: { inputTokens, contextTokens } },
    )
  }

  function engineFault(problem: unknown): Fault {
    return new Fault('internal', `${name} failed: ${(problem as Error).message} ${loaded.complaint()}`.trim(), {
      cause: problem,
    })
  }

  async function* stream(input: ChatInput, { signal }: RunContext): AsyncGenerator<ChatPart | Final<ChatOutput>> {
    const left = new AbortController()
    const parts: ChatPart[] = []
    let ended = false
    let wake = () => {}
    const work = answer(input, AbortSignal.any([signal, left.signal]), (part) => {
      parts.push(part)
      wake()
    }).finally(() => {
      ended = true
      wake()
    })
    work.catch(() => {}) // It is awaited below, but not before the parts are read.
    try {
      while (!ended || parts.length > 0) {
        const part = parts.shift()
        if (part !== undefined) yield part
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
      yield { final: true, ...(await work) }
    } finally {
      left.abort(new Fault('cancelled', 'nobody reads the answer any more'))
    }
  }

  const self = { id: options.id ?? `local/${slug(name)}`, version: options.version ?? '1.0.0' }
  const model = defineChatModel({
    ...self,
    title: options.title ?? `${name}, in process`,
    chat: { tools: true, structuredOutput: 'native', contextTokens, modalities: ['text'] },
    supports: { cancel: true },
    ...(sha256 !== undefined && { provenance: { artefact: `sha256:${sha256.toLowerCase()}` } }),
    run: (input, context) =>
      repaired({ self, by: 'native', ask: (asked) => answer(asked, context.signal) }, input, context),
    stream,
  })
  return {
    ...limitLoad(model, { atOnce, waiting }),
    dispose() {
      closed ??= Promise.allSettled(inFlight).then(async () => {
        await context.dispose()
        await loaded.dispose()
      })
      return closed
    },
  }
}

function warningsOf(unenforced: readonly string[], wasCut: boolean, maxTokens: number): Warning[] {
  const warnings: Warning[] = []
  if (unenforced.length > 0)
    warnings.push({
      code: 'schema-partly-enforced',
      message: `the grammar keeps to the schema except for ${unenforced.join(', ')}: check the answer for these`,
    })
  if (wasCut)
    warnings.push({
      code: 'answer-cut',
      message: `the answer was cut after ${maxTokens} tokens, which nobody asked for: set maxOutputTokens`,
    })
  return warnings
}

/** The template has one place for instructions, which is at the beginning. */
function movedInstructions({ messages }: ChatInput): Warning[] {
  const first = messages.findIndex(({ role }) => role !== 'system')
  return first >= 0 && messages.slice(first).some(({ role }) => role === 'system')
    ? [
        {
          code: 'system-moved',
          message: 'instructions amid the conversation were put at its beginning',
          field: '/input/messages',
        },
      ]
    : []
}

/** The conversation as the engine's template takes it: calls and results are in the form that the model is told of. */
function turns(messages: readonly ChatMessage[], form: string): LlamaTurn[] {
  const system = messages.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  const instructions = [...system, form].filter((text) => text !== '').join('\n\n')
  const history: LlamaTurn[] = instructions === '' ? [] : [{ type: 'system', text: instructions }]
  for (const message of messages)
    if (message.role === 'user') history.push({ type: 'user', text: said(message.content) })
    else if (message.role === 'assistant') history.push({ type: 'model', response: [written(message.content)] })
    else if (message.role === 'tool')
      history.push({
        type: 'user',
        text: message.content
          .map(
            ({ name, outcome, result }) =>
              `${outcome === 'ok' ? 'Result' : 'Fault'} of ${name}: ${JSON.stringify(result)}`,
          )
          .join('\n'),
      })
  history.push({ type: 'model', response: [] })
  return history
}

function said(content: string | readonly UserPart[]): string {
  return typeof content === 'string'
    ? content
    : content.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
}

function written(content: readonly AssistantPart[]): string {
  return content
    .flatMap((part) => {
      if (part.kind === 'text') return [part.text]
      return part.kind === 'tool-call' ? [JSON.stringify({ tool: part.name, arguments: part.arguments })] : []
    })
    .join('\n')
}
