import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type AnthropicModelOptions,
  anthropicModel,
  type ChatModelOptions,
  chatModel,
  type EmbeddingModelOptions,
  embeddingModel,
  fromAiSdk,
  playbook,
  record,
  rerankModel,
} from './index.ts'
import type { NodeSenderOptions } from './node.ts'

const fail = () => Promise.reject(new Error('it was asked'))
const price = { currency: 'EUR', input: 1, output: 2 }
const stated = { baseUrl: 'http://plant-gpu:8000/v1', model: 'm' }

describe('an option that would be ignored, or mean something else than it says, is refused at once', () => {
  it.each([
    ['apiKey', { apiKey: 'sk-very-secret' }, /^chatModel: there is no option 'apiKey'; there are baseUrl, model, key/],
    ['a timeout that there is none', { timeouts: { firstChunk: 5 } }, /no option 'firstChunk'; there are firstChunkMs/],
    ['a timeout as text', { timeouts: { idleMs: '5' } }, /timeouts: idleMs is 5: state another number/],
    ['a number for all timeouts', { timeouts: 5_000 }, /chatModel: timeouts is no object/],
    ['a quota by another name', { quota: { rpm: 5 } }, /no option 'rpm'; there are requestsPerMinute/],
    ['a quota as text', { quota: { requestsPerMinute: '5' } }, /requestsPerMinute is 5/],
    ['retries below none', { retries: -1 }, /retries is -1/],
    ['a longest answer in words', { longestAnswer: '5MB' }, /longestAnswer is 5MB/],
    ['a price without its currency', { prices: { m: { input: 1, output: 2 } } }, /price of m needs its currency/],
    ['a price that is no number', { prices: { m: { ...price, input: Number.NaN } } }, /price of m: input is NaN/],
    ['a price below nothing', { prices: { m: { ...price, output: -1 } } }, /price of m: output is -1/],
    ['a price by another name', { prices: { m: { ...price, cached: 1 } } }, /price of m: there is no option 'cached'/],
    ['no price at all', { prices: { m: null } }, /price of m needs its currency/],
    ['retries as text', { retries: '5' }, /retries is 5/],
    ['a text for all headers', { headers: 'x-a: b' }, /headers is no object/],
    ['a card by another name', { chat: { structured: 'native' } }, /chat: there is no option 'structured'/],
    ['a setting that has no JSON form', { extra: { seed: 5n } }, /extra has no JSON form/],
    ['a list of settings', { extra: ['seed'] }, /extra has no JSON form/],
    ['an unknown server', { server: 'vlm' }, /no server 'vlm'; there are openai, .*vllm/],
    ['what every object inherits, for a server', { server: 'constructor' }, /no server 'constructor'; there are/],
    ['a number for a server', { server: 5 }, /no server '5'; there are/],
    ['no model', { model: undefined }, /model is missing/],
    ['no address', { baseUrl: undefined }, /baseUrl 'undefined' is no URL/],
    ['a header that is not set', { headers: { 'x-gateway-token': undefined } }, /x-gateway-token is no text/],
    ['a header of two words', { headers: { 'x gateway': 'a' } }, /x gateway is no text/],
    ['a key that is no text', { key: 5 }, /key is no text/],
    ['a sender that is none', { send: 'fetch' }, /send is no function/],
  ])('%s', (_what, wrong, message) => {
    const create = () => chatModel({ ...stated, ...wrong } as unknown as ChatModelOptions)
    expect(create).toThrow(message)
    expect(create).toThrow(TypeError)
    expect(create).not.toThrow(/very-secret/)
  })

  it('by every factory', () => {
    const options = { ...stated, quota: { requestsPerMinute: 1 }, server: 'vllm' } as const
    expect(() => anthropicModel(options as AnthropicModelOptions)).toThrow(/anthropicModel: .*'server'/)
    expect(() => embeddingModel(options)).toThrow(/embeddingModel: .*'quota'/)
    expect(() => rerankModel(options)).toThrow(/rerankModel: .*'quota'/)
    expect(() => embeddingModel({ ...stated, dimensions: 0 })).toThrow(/dimensions is 0/)
    expect(() => embeddingModel({ ...stated, mostTexts: 0 })).toThrow(/mostTexts is 0/)
    expect(() => rerankModel({ ...stated, mostDocuments: 0 })).toThrow(/mostDocuments is 0/)
    expect(() => anthropicModel({ ...stated, cache: 'no' as never })).toThrow(/cache is neither/)
    expect(() => playbook({ rules: {} as never })).toThrow(/playbook: rules is no list/)
    expect(() => playbook({ rules: [], name: 'p' } as never)).toThrow(/playbook: there is no option 'name'/)
    expect(() => record({ secrets: 'recipe 77' as never })).toThrow(/record: secrets are no list of texts/)
    expect(() => record({ secret: ['recipe 77'] } as never)).toThrow(/record: there is no option 'secret'/)
    const provider = { specificationVersion: 'v3', provider: 'lab', modelId: 'm', doGenerate: fail, doStream: fail }
    expect(() => fromAiSdk(provider, { secrets: 'sk-1' as never })).toThrow(/fromAiSdk: secrets are no list of texts/)
    expect(() => fromAiSdk(provider, { prices: { m: { ...price, input: -1 } } })).toThrow(/price of m: input is -1/)
  })
})

it('what a program reads from its environment may be unset, under exact optional types too', () => {
  const unset: string | undefined = undefined
  const none: undefined = undefined
  const options = {
    ...stated,
    key: unset,
    id: unset,
    headers: none,
    retries: none,
    quota: none,
    server: none,
    timeouts: { idleMs: none },
  }
  expect(chatModel(options satisfies ChatModelOptions).descriptor.id).toBe('llm/m')
  expectTypeOf({ model: 'm', baseUrl: unset, cache: none }).toExtend<AnthropicModelOptions>()
  expectTypeOf({ ...stated, dimensions: none }).toExtend<EmbeddingModelOptions>()
  expectTypeOf({ proxy: unset, connections: none }).toExtend<NodeSenderOptions>()
})
