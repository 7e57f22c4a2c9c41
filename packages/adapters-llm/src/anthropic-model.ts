import type { ChatModel } from '@dinrail/core'
import { anthropicReader } from './anthropic-answer.ts'
import { anthropicRequest, type Thinking } from './anthropic-request.ts'
import { readBaseUrl } from './base-url.ts'
import { type EndpointOptions, endpointModel } from './endpoint-model.ts'
import { keyFromEnvironment } from './servers.ts'
import { checkOptions } from './stated-options.ts'

export interface AnthropicModelOptions extends Omit<EndpointOptions, 'baseUrl'> {
  /** `https://api.anthropic.com` unless stated; also a gateway or another server that speaks Anthropic Messages. */
  readonly baseUrl?: string | undefined
  /** Asks the server to keep what it has read, so that the next step of a conversation costs less. */
  readonly cache?: boolean | undefined
  /** Of the interface; `2023-06-01` unless stated. */
  readonly apiVersion?: string | undefined
}

const itself = { hosts: ['api.anthropic.com'], keyVariable: 'ANTHROPIC_API_KEY' } as const

/** Anthropic Messages behind the chat contract. Answers within a schema come by a tool call unless the card says `native`. */
export function anthropicModel(options: AnthropicModelOptions): ChatModel {
  checkOptions('anthropicModel', options, 'chat extra quota cache apiVersion')
  const { model, apiVersion = '2023-06-01', cache = false, extra } = options
  const endpoint = { ...options, baseUrl: options.baseUrl ?? 'https://api.anthropic.com' }
  const url = readBaseUrl('anthropicModel', endpoint.baseUrl)
  const key = options.key ?? keyFromEnvironment(itself, url)
  const path = url.pathname.replace(/\/+$/, '').replace(/\/messages$/, '')
  url.pathname = `${path || '/v1'}/messages`
  const thinking = (extra?.thinking ?? {}) as Thinking
  if (typeof cache !== 'boolean') throw new TypeError('anthropicModel: cache is neither true nor false')
  return endpointModel({
    options: { ...endpoint, key },
    card: {
      tools: true,
      structuredOutput: 'tool-call',
      modalities: ['text', 'image', 'document'],
      ...options.chat,
    },
    dialect: {
      url: url.href,
      headers: { 'anthropic-version': apiVersion, ...(key && { 'x-api-key': key }) },
      request: (input, how) => anthropicRequest(input, model, how, { cache, thinking }),
      reader: (input) => anthropicReader(model, input),
    },
  })
}
