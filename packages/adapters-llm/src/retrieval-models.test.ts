import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Fault, inProcessTransport, invoke, serve } from '@dinrail/core'
import { modelChecks, toReport } from '@dinrail/core/conformance'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { embeddingModel, rerankModel, type Sender } from './index.ts'
import { localEmbedding } from './local.ts'
import { canRun, gguf, localEngine, missing } from './local-model.test-support.ts'

const bounds = { deadlineMs: 5_000 }
const key = 'sk-very-secret'
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
async function serverThat(answers: (body: never, response: ServerResponse, path: string) => unknown): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    answers(JSON.parse(body) as never, response, request.url ?? '')
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}
const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )

describe('an embedding model', () => {
  it.each([
    ['http://plant:8080', '/v1/embeddings'],
    ['http://plant:8080/api/v3/', '/api/v3/embeddings'],
    ['http://plant:8080/v1/embeddings', '/v1/embeddings'],
  ])('is asked where a chat model of the same base URL would be: %s', async (baseUrl, path) => {
    let url = ''
    const send: Sender = async (request) => {
      url = request.url
      throw new Error('enough')
    }
    await faultOf(invoke(embeddingModel({ baseUrl, model: 'm', send, retries: 0 }), { texts: ['a'] }, bounds))
    expect(new URL(url).pathname).toBe(path)
  })

  /** Answers in reverse order, as a server may, a row for each text: its length and 3. */
  const reversed = (asked: { input: string[] }[]) =>
    serverThat((body: { input: string[] }, response, path) => {
      if (path !== '/v1/embeddings') return json(response, {}, 404)
      asked.push(body)
      const data = body.input.map((text, index) => ({ index, embedding: [text.length, 3] })).reverse()
      return json(response, { model: 'bge-really', data, usage: { prompt_tokens: body.input.length } })
    })

  it('gives one row a text, in order and of length 1, over as many requests as it takes', async () => {
    const asked: { input: string[] }[] = []
    const prices = { 'bge-really': { currency: 'EUR', input: 2, output: 0 } }
    const model = embeddingModel({ baseUrl: await reversed(asked), model: 'bge', key, batch: 2, prices })
    const { output, usage } = await invoke(model, { texts: ['aaaa', 'b', 'aaaa'] }, bounds)
    expect(asked.map(({ input }) => input)).toEqual([['aaaa', 'b'], ['aaaa']])
    expect(output.embeddings).toMatchObject({ dtype: 'float32', shape: [3, 2] })
    const rows = [0, 1, 2].map((row) => [...output.embeddings.data.slice(2 * row, 2 * row + 2)])
    expect(rows[0]).toEqual([expect.closeTo(0.8), expect.closeTo(0.6)])
    expect(rows[2]).toEqual(rows[0])
    for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 6)
    expect(output.answeredBy).toBe('bge-really')
    expect(usage[0]?.spent).toEqual({ inputTokens: 3, cost: { amount: 6e-6, currency: 'EUR' } })
    expect(model.descriptor).toMatchObject({ id: 'embedding/bge', task: 'knowledge-query' })
    expect(JSON.stringify(model.descriptor)).not.toContain(key)
  })

  it('passes the conformance kit', async () => {
    const baseUrl = await reversed([])
    const create = () => embeddingModel({ baseUrl, model: 'bge', dimensions: 2 })
    const { text } = await toReport(await modelChecks({ create, input: { texts: ['aaaa', 'b'] } }))
    expect(text).not.toContain('✗')
  })

  it('crosses a transport as a tensor', async () => {
    const model = embeddingModel({ baseUrl: await reversed([]), model: 'bge', dimensions: 2, normalise: false })
    const transport = inProcessTransport()
    await serve(model, transport)
    const far = await connect(transport, 'embedding/bge', bounds)
    const { output } = await invoke(far, { texts: ['aaaa'] }, bounds)
    expect(output).toMatchObject({ embeddings: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(4, 3) } })
  })

  it.each([
    ['too few rows', { data: [] }, /0 rows for 1 texts/],
    ['a row of another length', { data: [{ embedding: [1, 2, 3] }] }, /3 numbers for text 0, not 2/],
    ['an empty row', { data: [{ embedding: [] }] }, /no list of numbers for text 0/],
    ['a row that is encoded', { data: [{ embedding: 'AAAAAA==' }] }, /no list of numbers for text 0/],
    ['something that is no number', { data: [{ embedding: [1, null] }] }, /no number in the row of text 0/],
    ['a row without a direction', { data: [{ embedding: [0, 0] }] }, /only zeros/],
    [
      'two rows for one text',
      {
        data: [
          { index: 0, embedding: [1, 2] },
          { index: 0, embedding: [1, 2] },
        ],
      },
      /two rows/,
    ],
  ])('never takes %s for an answer', async (_, answer, message) => {
    const url = await serverThat((_, response) => json(response, answer))
    const model = embeddingModel({ baseUrl: url, model: 'bge', dimensions: 2 })
    expect(await faultOf(invoke(model, { texts: ['a'] }, bounds))).toMatchObject({ code: 'invalid-output', message })
  })

  it('learns nothing from an answer that is none', async () => {
    const answers = [
      { data: [{ embedding: [] }] },
      { data: [{ embedding: [1, null] }] },
      { data: [{ embedding: [0, 3, 4] }] },
    ]
    let asked = 0
    const url = await serverThat((_, response) => json(response, answers[asked++]))
    const model = embeddingModel({ baseUrl: url, model: 'bge' })
    for (let i = 0; i < 2; i++)
      expect(await faultOf(invoke(model, { texts: ['a'] }, bounds))).toMatchObject({ code: 'invalid-output' })
    expect((await invoke(model, { texts: ['a'] }, bounds)).output.embeddings.shape).toEqual([1, 3])
  })

  it.each([
    [
      'rows for texts that there are not',
      [
        { index: 0, embedding: [1, 2] },
        { index: 5, embedding: [1, 2] },
      ],
      /text 5/,
    ],
    ['numbers that no float32 holds', [{ embedding: [1e300, 1] }, { embedding: [1, 2] }], /1e\+300/],
  ])('never takes %s for an answer to two', async (_, data, message) => {
    const url = await serverThat((_, response) => json(response, { data }))
    for (const normalise of [true, false]) {
      const model = embeddingModel({ baseUrl: url, model: 'bge', normalise })
      expect(await faultOf(invoke(model, { texts: ['a', 'b'] }, bounds))).toMatchObject({
        code: 'invalid-output',
        message,
      })
    }
  })

  it('gets its key from the environment where the address is the maker’s own', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-environment')
    const asked: unknown[] = []
    const model = (baseUrl: string) =>
      embeddingModel({
        baseUrl,
        model: 'm',
        retries: 0,
        send: async ({ headers }) => {
          asked.push(headers.authorization)
          throw new Error('enough')
        },
      })
    for (const url of ['https://api.openai.com/v1', 'http://plant/v1'])
      await faultOf(invoke(model(url), { texts: ['a'] }, bounds))
    vi.unstubAllEnvs()
    expect(asked).toEqual(['Bearer sk-environment', undefined])
  })

  it.each([
    ['half a surrogate pair', ['a\ud800'], '/input/texts/0'],
    ['no text', [], '/input/texts'],
    ['an empty text', ['a', ' '], '/input/texts/1'],
    ['too many texts', Array(5).fill('a'), '/input/texts'],
  ])('refuses %s before it asks', async (_, texts, field) => {
    const model = embeddingModel({ baseUrl: 'http://127.0.0.1:9/v1', model: 'bge', mostTexts: 4 })
    expect(await faultOf(invoke(model, { texts }, bounds))).toMatchObject({ code: 'invalid-input', field })
  })

  it('asks again where the server was only busy, and says no key where it refuses', async () => {
    let times = 0
    const url = await serverThat((_, response) =>
      ++times === 1 ? json(response, {}, 503) : json(response, { error: { message: `bad key ${key}` } }, 401),
    )
    const fault = await faultOf(invoke(embeddingModel({ baseUrl: url, model: 'bge', key }), { texts: ['a'] }, bounds))
    expect(times).toBe(2)
    expect(fault.usage?.map(({ outcome }) => outcome)).toEqual(['unavailable', 'denied'])
    expect(fault.code).toBe('denied')
    expect(JSON.stringify(fault)).not.toContain(key)
  })
})

describe('what a server says in place of an answer', () => {
  const models = [
    [
      'embeddings',
      (baseUrl: string) => invoke(embeddingModel({ baseUrl, model: 'm', key, retries: 0 }), { texts: ['a'] }, bounds),
    ],
    [
      'a ranking',
      (baseUrl: string) =>
        invoke(rerankModel({ baseUrl, model: 'm', key, retries: 0 }), { query: 'a', documents: ['b'] }, bounds),
    ],
  ] as const

  it.each(models)('is told without the key: %s', async (_, ask) => {
    const url = await serverThat((_, response) => json(response, { said: `bad key ${key}` }))
    const fault = await faultOf(ask(url))
    expect(fault).toMatchObject({ code: 'unavailable', message: /bad key/ })
    expect(fault.message).not.toContain(key)
  })

  it.each(models)('is an error inside a 200: %s', async (_, ask) => {
    const url = await serverThat((_, response) => json(response, { error: { message: 'busy', code: 429 } }))
    expect(await faultOf(ask(url))).toMatchObject({ code: 'overloaded', message: /busy/ })
  })

  it.each(models)('is a web page: %s', async (_, ask) => {
    const url = await serverThat((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!-- a page --><p>Welcome</p>'),
    )
    expect(await faultOf(ask(url))).toMatchObject({ code: 'unavailable', retryable: false, message: /web page/ })
  })
})

describe('a reranking model', () => {
  const documents = ['oil', 'bearing', 'belt']

  it.each([
    [
      'Jina and Cohere have it',
      {
        results: [
          { index: 2, relevance_score: 0.1 },
          { index: 1, relevance_score: 0.9 },
        ],
        usage: { total_tokens: 7 },
      },
    ],
    [
      'others have it',
      {
        data: [
          { index: 1, score: 0.9 },
          { index: 2, score: 0.1 },
        ],
        usage: { total_tokens: 7 },
      },
    ],
  ])('orders documents, the best first, as %s', async (_, answer) => {
    let asked: unknown
    const url = await serverThat((body, response, path) => {
      asked = [path, body]
      json(response, answer)
    })
    const { output, usage } = await invoke(
      rerankModel({ baseUrl: url, model: 'jina' }),
      { query: 'noise', documents, top: 2 },
      bounds,
    )
    expect(asked).toEqual([
      '/v1/rerank',
      { model: 'jina', query: 'noise', documents, top_n: 2, return_documents: false },
    ])
    expect(output).toEqual({
      ranking: [
        { index: 1, score: 0.9 },
        { index: 2, score: 0.1 },
      ],
      answeredBy: 'jina',
    })
    expect(usage[0]?.spent).toEqual({ inputTokens: 7 })
  })

  it.each([
    ['a document that there is not', { results: [{ index: 3, relevance_score: 1 }] }, /document 3, and there are 3/],
    ['a document twice', { results: [0, 1, 1].map((index) => ({ index, relevance_score: 1 })) }, /some twice/],
    ['fewer than were wanted', { results: [{ index: 0, relevance_score: 1 }] }, /3 were wanted/],
    ['no score', { results: [{ index: 0 }] }, /scored document 0 with no number/],
  ])('never takes a ranking with %s for an answer', async (_, answer, message) => {
    const url = await serverThat((_, response) => json(response, answer))
    expect(
      await faultOf(invoke(rerankModel({ baseUrl: url, model: 'jina' }), { query: 'noise', documents }, bounds)),
    ).toMatchObject({
      code: 'invalid-output',
      message,
    })
  })

  it('passes the conformance kit', async () => {
    const results = documents.map((_, index) => ({ index, relevance_score: -index }))
    const baseUrl = await serverThat((_, response) => json(response, { results }))
    const create = () => rerankModel({ baseUrl, model: 'jina' })
    const { text } = await toReport(await modelChecks({ create, input: { query: 'noise', documents } }))
    expect(text).not.toContain('✗')
  })

  it('refuses an empty question before it asks', async () => {
    const model = rerankModel({ baseUrl: 'http://127.0.0.1:9/v1', model: 'jina' })
    expect(await faultOf(invoke(model, { query: ' ', documents }, bounds))).toMatchObject({
      code: 'invalid-input',
      field: '/input/query',
    })
  })
})

describe.skipIf(!canRun)(`embeddings in this process (skipped where ${missing ?? 'something is missing'})`, () => {
  it('puts the same text in the same place, alone and beside others, and refuses one that is too long', async () => {
    const model = await localEmbedding({ gguf, engine: await localEngine(), contextTokens: 64 })
    const embed = async (...texts: string[]) =>
      (await invoke(model, { texts }, { deadlineMs: 50_000 })).output.embeddings
    const [alone, among] = [await embed('The bearing is hot.'), await embed('Belt', 'The bearing is hot.')]
    expect(among.shape).toEqual([2, alone.shape[1]])
    expect(Math.hypot(...alone.data)).toBeCloseTo(1, 4)
    const again = among.data.slice(alone.data.length)
    const cosine = alone.data.reduce((sum, value, i) => sum + value * again[i]!, 0)
    expect(cosine).toBeGreaterThan(0.999)
    expect(await faultOf(embed('word '.repeat(100)))).toMatchObject({ code: 'invalid-input', message: /tokens/ })
    await model.dispose()
    expect(await faultOf(embed('Hello'))).toMatchObject({ code: 'unavailable' })
  })
})
