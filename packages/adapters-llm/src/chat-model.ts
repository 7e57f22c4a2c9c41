import type { ChatCard, ChatModel } from '@dinrail/core'
import { readBaseUrl } from './base-url.ts'
import { completionReader } from './completion.ts'
import { completionRequest } from './completion-request.ts'
import { type EndpointOptions, endpointModel } from './endpoint-model.ts'
import { keyFromEnvironment, keyHeader, type Server, type ServerName, serverAt, servers } from './servers.ts'
import { checkOptions } from './stated-options.ts'
import { isObject } from './wire-json.ts'

export interface ChatModelOptions extends EndpointOptions {
  /** The server by name, or what is peculiar about yours; found by the base URL unless stated. */
  readonly server?: ServerName | Server | undefined
  /** Of Azure's interface with one path for each deployment. */
  readonly apiVersion?: string | undefined
}

/** Any server that speaks OpenAI's chat completions, behind the chat contract. */
export function chatModel(options: ChatModelOptions): ChatModel {
  checkOptions('chatModel', options, 'chat extra quota server apiVersion')
  const base = readBaseUrl('chatModel', options.baseUrl)
  const { server: stated = serverAt(base) } = options
  const server = typeof stated === 'string' && Object.hasOwn(servers, stated) ? servers[stated] : stated
  if (!isObject(server))
    throw new TypeError(`chatModel: there is no server '${server}'; there are ${Object.keys(servers).join(', ')}`)
  const key = options.key ?? keyFromEnvironment(server, base)
  const { model } = options
  return endpointModel({
    options: { ...options, key },
    card: { ...unlessKnown, ...(server as Server).chat, ...options.chat },
    dialect: {
      url: completionsUrl(base, options, server),
      headers: keyHeader(server, key),
      request: (input, how) => ({ body: completionRequest(input, model, server, how), warnings: [] }),
      reader: (input) => completionReader(model, input),
    },
  })
}

const unlessKnown: ChatCard = { tools: true, structuredOutput: 'prompt', modalities: ['text'] }

function completionsUrl(base: URL, { model, apiVersion = '2024-10-21' }: ChatModelOptions, { paths }: Server): string {
  const url = new URL(base)
  const path = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')
  if (paths === 'deployments' && !/\/v1$/.test(path)) {
    const root = path.replace(/\/openai$/, '')
    url.pathname = /\/deployments\//.test(path)
      ? `${path}/chat/completions`
      : `${root}/openai/deployments/${encodeURIComponent(model)}/chat/completions`
    if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', apiVersion)
  } else url.pathname = `${path || '/v1'}/chat/completions`
  return url.href
}
