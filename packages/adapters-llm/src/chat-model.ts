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
import { Completion, errorText } from './completion.ts'
import { eventData } from './server-sent-events.ts'
import { requestBody } from './wire-messages.ts'

export interface ChatModelOptions {
  /** Up to and including the version, such as `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string
  /** What the server calls the model. */
  readonly model: string
  /** Sent as a bearer token; appears nowhere else. */
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** `maker/name` on the rail; made of the model's name unless stated. */
  readonly id?: string
  readonly version?: string
  readonly title?: string
  /** What the model can do, where it differs from text with tools. */
  readonly chat?: Partial<ChatCard>
  readonly fetch?: typeof fetch
}

/** Any server that speaks OpenAI's chat completions, behind the chat contract. */
export function chatModel(options: ChatModelOptions): ChatModel {
  const { baseUrl, model, key, headers, fetch: send = fetch } = options
  const url = `${baseUrl.replace(/\/+$/, '')}/chat/completions`
  if (!URL.canParse(url)) throw new TypeError(`chatModel: baseUrl '${baseUrl}' is no URL`)
  const card: ChatCard = { tools: true, structuredOutput: 'prompt', modalities: ['text'], ...options.chat }
  const prompted = card.structuredOutput !== 'native'
  const hide = (text: string) => (key ? text.replaceAll(key, '…') : text)

  async function ask(input: ChatInput, { signal }: RunContext, stream: boolean): Promise<Response> {
    let response: Response
    try {
      response = await send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }), ...headers },
        body: JSON.stringify(requestBody(input, model, stream, prompted)),
        signal,
      })
    } catch (problem) {
      if (signal.aborted) throw signal.reason
      const { cause, message } = problem as Error
      throw new Fault(
        'unavailable',
        hide(`no connection to ${new URL(url).host}: ${(cause as Error | undefined)?.message || message}`),
      )
    }
    if (!response.ok) throw await refusal(response, hide)
    const type = response.headers.get('content-type') ?? ''
    if (/html/i.test(type))
      throw new Fault(
        'unavailable',
        `${new URL(url).host} answers with a web page: the base URL is not that of an OpenAI-compatible API`,
      )
    return response
  }

  /** What breaks while a body is read is the server's doing, unless the caller gave up. */
  function reading(problem: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason
    const fault = Fault.from(problem)
    return new Fault(
      fault.code === 'internal' ? 'unavailable' : fault.code,
      hide(fault.code === 'internal' ? `${new URL(url).host} broke off: ${fault.message}` : fault.message),
    )
  }

  async function run(input: ChatInput, context: RunContext): Promise<RunResult<ChatOutput>> {
    const response = await ask(input, context, false)
    try {
      const completion = new Completion(model, callIds(input))
      const text = await response.text()
      for (const _ of completion.take(asJson(text, 'its answer')));
      return resultOf(completion.finish().output)
    } catch (problem) {
      throw reading(problem, context.signal)
    }
  }

  async function* stream(input: ChatInput, context: RunContext): AsyncGenerator<ChatPart | Final<ChatOutput>> {
    const response = await ask(input, context, true)
    try {
      const completion = new Completion(model, callIds(input))
      for await (const data of eventData(response.body ?? emptyBody())) {
        if (data === '[DONE]') completion.end()
        else yield* completion.take(asJson(data, 'a chunk of its answer'))
      }
      const { output, late } = completion.finish()
      yield* late
      yield { final: true, ...resultOf(output) }
    } catch (problem) {
      throw reading(problem, context.signal)
    }
  }

  return defineChatModel({
    id: options.id ?? `llm/${slug(model)}`,
    version: options.version ?? '1.0.0',
    title: options.title ?? `${model} at ${new URL(url).host}`,
    chat: card,
    supports: { cancel: true },
    run,
    stream,
  })
}

function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 60)
      .replace(/^-+|-+$/g, '') || 'model'
  )
}

function callIds({ messages }: ChatInput): Set<string> {
  return new Set(
    messages.flatMap((message) =>
      message.role === 'assistant'
        ? message.content.flatMap((part) => (part.kind === 'tool-call' ? [part.callId] : []))
        : [],
    ),
  )
}

function asJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('unavailable', `the server sent ${what} as something that is not JSON: ${text.slice(0, 120)}`)
  }
}

function resultOf(output: ChatOutput): RunResult<ChatOutput> {
  const { input, output: written } = output.tokens
  return {
    output,
    ...((input !== undefined || written !== undefined) && { spent: { inputTokens: input, outputTokens: written } }),
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

const codes: Readonly<Record<number, FaultCode>> = {
  400: 'invalid-input',
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  413: 'invalid-input',
  422: 'invalid-input',
  429: 'overloaded',
}

async function refusal(response: Response, hide: (text: string) => string): Promise<Fault> {
  const { status } = response
  const body = await response.text().catch(() => '')
  let said = body
  try {
    const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown }
    said = errorText(error ?? message ?? body)
  } catch {
    said = /<html/i.test(body) ? 'a web page' : body
  }
  const retryAfter = Number(response.headers.get('retry-after'))
  const hint = status === 404 ? ' (is the base URL right, and does the server have this model?)' : ''
  return new Fault(
    codes[status] ?? 'unavailable',
    hide(`${new URL(response.url).host} answers ${status}: ${said.slice(0, 300)}${hint}`),
    {
      details: { status, ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }) },
    },
  )
}
