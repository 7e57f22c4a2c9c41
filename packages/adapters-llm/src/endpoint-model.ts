import {
  type ChatCard,
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  type ChatPart,
  defineChatModel,
  Fault,
  type Final,
  isFault,
  type RunContext,
  type RunResult,
} from '@dinrail/core'
import { withoutAnswerTool } from './answer-tool.ts'
import { BoundedRequest, type Timeouts } from './bounded-request.ts'
import { inParts } from './content-parts.ts'
import type { Dialect } from './dialect.ts'
import { EventReader, type ServerEvent } from './event-reader.ts'
import { type Prices, spentOn } from './price.ts'
import { type Quota, QuotaKeeper, type Share } from './quota.ts'
import { isPage, longestRefusal, pageFault, refusal } from './refusal.ts'
import { asGiven, repaired } from './repair.ts'
import { keyFinder, secretHider, secretsOf } from './secrets.ts'
import { fetchSender, type Sender } from './sender.ts'
import { slug } from './slug.ts'
import { hasTime, type OpenCall, pause, pauseBefore } from './waiting.ts'

/** What every model behind an endpoint may be given. */
export interface EndpointOptions {
  /** Where the API begins, such as `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string
  /** What the server calls the model. */
  readonly model: string
  /** Goes to the server and appears nowhere else. */
  readonly key?: string | undefined
  /** Sent beside the protocol's own, such as those of a gateway. Values that look like secrets appear nowhere else. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Settings that only this server knows; they go into the body as they are and win over all others. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** `maker/name` on the rail; made of the model's name unless stated. */
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
  /** What the model can do, where it differs from what is known of its server. */
  readonly chat?: Partial<ChatCard> | undefined
  /** `fetchSender()` unless stated; on Node, `nodeSender(…)` of `@dinrail/adapters-llm/node` is faster and knows certificates and proxies. */
  readonly send?: Sender | undefined
  /** Without them a request may take as long as the call's deadline. */
  readonly timeouts?: Timeouts | undefined
  /** How often a request that failed before it gave anything is sent again: after lost connections, 429 and 5xx. 2 unless stated. */
  readonly retries?: number | undefined
  readonly quota?: Quota | undefined
  readonly prices?: Prices | undefined
  /** Bytes; 32 MiB unless stated. */
  readonly longestAnswer?: number | undefined
}

export interface Endpoint {
  readonly dialect: Dialect
  readonly card: ChatCard
  readonly options: EndpointOptions
}

/** An answer that is being read. Whoever reads it closes it. */
interface Answering {
  /** What came since the last time, which may be nothing; undefined once the answer is whole. */
  next(): Promise<readonly ChatPart[] | undefined>
  /** The whole answer, after the last part. */
  result(): RunResult<ChatOutput>
  close(): void
}

/** A chat model whose answers come from a server over HTTP. */
export function endpointModel({ dialect, card, options }: Endpoint): ChatModel {
  const { model, key, headers: own = {}, extra, timeouts = {}, retries = 2, quota = {}, prices } = options
  const url = new URL(dialect.url)
  const { host } = url
  const send = options.send ?? fetchSender()
  const headers = { 'content-type': 'application/json', ...dialect.headers, ...own }
  const secrets = secretsOf({ key, url, headers: own })
  const hide = secretHider(secrets)
  const keeper = new QuotaKeeper(quota)
  const self = { id: options.id ?? `llm/${slug(model)}`, version: options.version ?? '1.0.0' }
  const by = card.structuredOutput === 'none' ? 'prompt' : card.structuredOutput
  const answerer = { self, by, hide, saysKey: keyFinder(secrets) }

  async function begin(input: ChatInput, call: OpenCall, stream: boolean): Promise<Answering> {
    const { body, warnings } = dialect.request(input, { stream, by })
    const text = JSON.stringify(extra === undefined ? body : { ...(body as object), ...extra })
    const share = keeper.take(quota.tokensPerMinute === undefined ? 0 : estimatedTokens(text, input), performance.now())
    if (share.waitMs > 0) await turn(share, call)
    const request = new BoundedRequest({
      send,
      request: { url: dialect.url, headers, body: text },
      host,
      timeouts,
      totalDue: call.totalDue,
      signal: call.context.signal,
      longestAnswer: options.longestAnswer ?? 32 * 1024 * 1024,
    })
    try {
      const events = (await isStreamed(request, stream)) ? new EventReader() : undefined
      const reader = dialect.reader(input)
      let whole: ReturnType<typeof reader.finish> | undefined
      return {
        async next() {
          if (whole !== undefined) return undefined
          if (events === undefined) {
            for (const event of eventsOf(await pageless(request))) reader.take(event)
            whole = reader.finish()
          } else {
            const bytes = await request.read()
            const came = bytes === undefined ? events.end() : events.push(bytes)
            if (came.length > 0) request.begun()
            for (const event of came) reader.take(event)
            if (bytes === undefined || reader.isOver()) whole = reader.finish()
            if (bytes !== undefined && whole !== undefined) await request.linger()
          }
          return reader.fresh()
        },
        result() {
          const output = by === 'tool-call' ? withoutAnswerTool(whole!, input) : whole!
          const spent = spentOn(output, model, prices, reader.cacheWrites?.())
          if (spent?.inputTokens !== undefined && spent.outputTokens !== undefined)
            share.took(spent.inputTokens + spent.outputTokens)
          return { output, warnings, spent }
        },
        close: () => request.close(),
      }
    } catch (problem) {
      request.close()
      throw problem
    }
  }

  /** Waits for the quota, where there is time to. */
  async function turn({ waitMs, giveBack }: Share, call: OpenCall): Promise<void> {
    try {
      if (!hasTime(call, waitMs))
        throw new Fault(
          'overloaded',
          `${host} may be asked again in ${Math.ceil(waitMs)} ms: its quota is used up, or it asked to be left alone`,
          {
            details: { retryAfterMs: Math.ceil(waitMs) },
          },
        )
      await pause(waitMs, call.context.signal)
    } catch (problem) {
      giveBack()
      throw problem
    }
  }

  /** Looks at what the server begins to answer. Throws the fault that it is where it is no answer. */
  async function isStreamed(request: BoundedRequest, asked: boolean): Promise<boolean> {
    const response = await request.open()
    if (response.status < 200 || response.status >= 300) {
      const said = await request.readAll(longestRefusal).catch(() => '')
      throw refusal(response, hide(said), host, Date.now())
    }
    const type = response.header('content-type') ?? ''
    if (/html/i.test(type)) throw pageFault(host)
    // Some servers stream although nobody asked, and some do not although somebody did.
    return /event-stream/i.test(type) || (asked && !/json/i.test(type))
  }

  async function pageless(request: BoundedRequest): Promise<string> {
    const data = await request.readAll()
    if (isPage(data)) throw pageFault(host)
    return data
  }

  /** What may be seen of a failure: a fault without secrets and without its cause, which may quote the request. */
  function shown(thrown: unknown, { signal }: RunContext): unknown {
    if (signal.aborted && thrown === signal.reason) return thrown
    const { code, message, retryable, field, details } = Fault.from(thrown)
    return new Fault(code, hide(message), { retryable, field, details })
  }

  /** Waits before the request is sent again, or throws where that makes no sense. */
  async function again(thrown: unknown, attempt: number, started: number, call: OpenCall): Promise<void> {
    const { context } = call
    const fault = shown(thrown, context)
    if (!isFault(fault) || context.signal.aborted) throw fault
    const { retryAfterMs, timeout } = (fault.details ?? {}) as { retryAfterMs?: number; timeout?: string }
    const waitMs = retryAfterMs ?? pauseBefore(attempt)
    const worthwhile = fault.retryable && timeout !== 'total' && attempt < retries && hasTime(call, waitMs)
    if (retryAfterMs !== undefined) keeper.pause(retryAfterMs, performance.now())
    if (!worthwhile) throw fault
    context.count({ model: self, outcome: fault.code, elapsedMs: performance.now() - started })
    await pause(waitMs, context.signal)
  }

  async function ask(input: ChatInput, call: OpenCall): Promise<RunResult<ChatOutput>> {
    for (let attempt = 0; ; attempt++) {
      const started = performance.now()
      let answering: Answering | undefined
      try {
        answering = await begin(input, call, false)
        while ((await answering.next()) !== undefined);
        return answering.result()
      } catch (thrown) {
        await again(thrown, attempt, started, call)
      } finally {
        answering?.close()
      }
    }
  }

  const open = (context: RunContext): OpenCall => ({
    context,
    totalDue: timeouts.totalMs === undefined ? undefined : Date.now() + timeouts.totalMs,
  })

  function run(input: ChatInput, context: RunContext): Promise<RunResult<ChatOutput>> {
    const call = open(context)
    return repaired({ ...answerer, ask: (asked) => ask(asked, call) }, input, context)
  }

  async function* stream(input: ChatInput, context: RunContext): AsyncGenerator<ChatPart | Final<ChatOutput>> {
    if (input.responseSchema !== undefined && by !== 'native') {
      // It may have to be asked for again, and what was given could not be taken back.
      yield* inParts(() => run(input, context))
      return
    }
    const call = open(context)
    let given = false
    for (let attempt = 0; ; attempt++) {
      const started = performance.now()
      let answering: Answering | undefined
      let result: RunResult<ChatOutput> | undefined
      try {
        answering = await begin(input, call, true)
        for (let parts = await answering.next(); parts !== undefined; parts = await answering.next())
          for (const part of parts) {
            given = true
            yield part
          }
        result = answering.result()
      } catch (thrown) {
        if (given) throw shown(thrown, context)
        await again(thrown, attempt, started, call)
      } finally {
        answering?.close()
      }
      if (result === undefined) continue
      yield { final: true, ...asGiven(answerer, result, input, started) }
      return
    }
  }

  return defineChatModel({
    ...self,
    title: options.title ?? `${model} at ${host}`,
    chat: card,
    supports: { cancel: true },
    run,
    stream,
  })
}

/** An answer in one piece is one event, unless it is a stream that says that it is none. */
function eventsOf(text: string): readonly ServerEvent[] {
  if (!/^(?:data|event|id|retry)?:/.test(text)) return [{ name: '', data: text }]
  const events = new EventReader()
  return [...events.push(new TextEncoder().encode(text)), ...events.end()]
}

/** Four characters a token is the usual rule of thumb; what it really took is known afterwards. */
function estimatedTokens(body: string, { maxOutputTokens = 0 }: ChatInput): number {
  return Math.ceil(body.length / 4) + maxOutputTokens
}
