import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import {
  type ChatInput,
  type ChatModel,
  type ChatPart,
  type Fault,
  invoke,
  parseDescriptor,
  type RunContext,
  stream,
} from '@dinrail/core'
import { chatChecks, modelChecks, toReport } from '@dinrail/core/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LlamaEngine, localChat, localEmbedding, threadsFor } from './local.ts'
import { canRun, gguf, localEngine, missing } from './local-model.test-support.ts'

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was answered'),
    (fault: Fault) => fault,
  )
const patient = { deadlineMs: 50_000 }
const says = (content: string, more: Partial<ChatInput> = {}): ChatInput => ({
  messages: [{ role: 'user', content }],
  ...more,
})

it.each([
  ['all cores but one', undefined, Math.max(1, availableParallelism() - 1)],
  ['never more than there are', 64, availableParallelism()],
  ['at least one', 0, 1],
  ['one where nobody said a number', Number.NaN, 1],
])('computes with %s', (_, wanted, threads) => {
  expect(threadsFor(wanted)).toBe(threads)
})

describe('a file that is no model', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gguf-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is not found, or refused before any engine is asked for', async () => {
    expect(await faultOf(localChat({ gguf: path.join(folder, 'none.gguf') }))).toMatchObject({ code: 'not-found' })
    const text = path.join(folder, 'text.gguf')
    await writeFile(text, 'a text')
    expect(await faultOf(localChat({ gguf: text }))).toMatchObject({ code: 'invalid-input', message: /no GGUF file/ })
    await writeFile(text, 'GGUF and nothing else')
    expect(await faultOf(localChat({ gguf: text, sha256: '00' }))).toMatchObject({ message: /SHA-256 is [0-9a-f]{64}/ })
  })

  it('says which package is missing where there is no engine', async () => {
    const text = path.join(folder, 'start.gguf')
    await writeFile(text, 'GGUF and nothing else')
    expect(await faultOf(localChat({ gguf: text }))).toMatchObject({
      code: 'unavailable',
      retryable: false,
      message: /needs the package node-llama-cpp/,
    })
  })

  it('is let go of where there is no room for its embeddings', async () => {
    const start = path.join(folder, 'start.gguf')
    await writeFile(start, 'GGUF and nothing else')
    let disposed = 0
    const dispose = async () => void disposed++
    const file = { trainContextSize: 64, createEmbeddingContext: () => Promise.reject(new Error('no room')), dispose }
    const engine = { getLlama: async () => ({ loadModel: async () => file, dispose }) } as unknown as LlamaEngine
    expect(await faultOf(localEmbedding({ gguf: start, engine }))).toMatchObject({
      code: 'unavailable',
      message: /no room/,
    })
    expect(disposed).toBe(2)
  })

  it('has an id that holds on the rail, however long its name is', async () => {
    const start = path.join(folder, 'start.gguf')
    await writeFile(start, 'GGUF and nothing else')
    const dispose = async () => {}
    const fileInfo = { metadata: { general: { name: `${'very '.repeat(12)}long name` } } }
    const file = { trainContextSize: 64, createEmbeddingContext: async () => ({ dispose }), dispose, fileInfo }
    const engine = { getLlama: async () => ({ loadModel: async () => file, dispose }) } as unknown as LlamaEngine
    const model = await localEmbedding({ gguf: start, engine })
    expect(() => parseDescriptor(JSON.stringify(model.descriptor))).not.toThrow()
  })

  it.each([
    ['a place for nobody', { waiting: -1 }, /waiting is no whole number from 0 on/],
    ['a context as text', { contextTokens: '8k' }, /contextTokens is no whole number/],
    ['an option by another name', { maxTokens: 5 }, /no option 'maxTokens'; .*maxOutputTokens/],
  ])('is not even looked at for %s', async (_what, wrong, message) => {
    await expect(localChat({ gguf: 'nowhere.gguf', ...wrong } as never)).rejects.toThrow(message)
  })

  it.skipIf(!canRun)('is unavailable where it breaks off', async () => {
    const cut = path.join(folder, 'cut.gguf')
    await writeFile(cut, (await readFile(gguf)).subarray(0, 5_000_000))
    expect(await faultOf(localChat({ gguf: cut, engine: await localEngine() }))).toMatchObject({
      code: 'unavailable',
      message: /could not be loaded/,
    })
  })
})

describe.skipIf(!canRun)(`a real model in this process (skipped where ${missing ?? 'something is missing'})`, () => {
  let engine: LlamaEngine
  let model: ChatModel & { dispose(): Promise<void> }

  beforeAll(async () => {
    engine = await localEngine()
    model = await localChat({ gguf, engine, contextTokens: 512, waiting: 2 })
  })
  afterAll(() => model?.dispose())

  it('answers, and says what it used', async () => {
    const { output, usage, servedBy } = await invoke(
      model,
      says('What is a ball bearing?', { maxOutputTokens: 12 }),
      patient,
    )
    expect(output.content).toMatchObject([{ kind: 'text', text: /\w+ \w+/ }])
    expect(output.finishReason).toBe('length')
    expect(output.tokens.output).toBe(12)
    expect(output.tokens.input).toBeGreaterThan(8)
    expect(usage[0]?.spent).toEqual({ inputTokens: output.tokens.input, outputTokens: 12, cachedInputTokens: 0 })
    expect(servedBy[0]?.id).toMatch(/^local\/smollm2/)
  })

  it('takes no more threads than there are cores, though 64 are asked for', async () => {
    let currentThreads: (() => number) | undefined
    const watched: LlamaEngine = {
      LlamaChat: engine.LlamaChat,
      async getLlama(options) {
        const llama = await engine.getLlama(options)
        const load = llama.loadModel.bind(llama)
        llama.loadModel = async (file) => {
          const loaded = await load(file)
          const create = loaded.createContext.bind(loaded)
          loaded.createContext = async (wanted) => {
            const context = (await create(wanted)) as Awaited<ReturnType<typeof create>> & { currentThreads: number }
            currentThreads = () => context.currentThreads
            return context
          }
          return loaded
        }
        return llama
      },
    }
    const greedy = await localChat({ gguf, engine: watched, contextTokens: 128, threads: 64 })
    await invoke(greedy, says('Hi', { maxOutputTokens: 1 }), patient)
    expect(currentThreads?.()).toBeGreaterThan(0)
    expect(currentThreads?.()).toBeLessThanOrEqual(availableParallelism())
    await greedy.dispose()
  })

  it('streams what it answers, part for part the same text, and evaluates a known beginning only once', async () => {
    const input = says('Name three metals.', { maxOutputTokens: 16 })
    const parts: ChatPart[] = []
    const answer = stream(model, input, patient)
    for await (const part of answer) parts.push(part)
    const { output } = await answer.finish()
    const told = parts.map((part) => (part.kind === 'text-delta' ? part.text : '')).join('')
    expect(parts.length).toBeGreaterThan(4)
    expect(output.content).toEqual([{ kind: 'text', text: told }])
    const again = await invoke(model, input, patient)
    expect(again.output.content).toEqual(output.content)
    expect(again.output.tokens.cachedInput).toBe(again.output.tokens.input! - 1)
  })

  it('heeds its seed, its temperature and its stop', async () => {
    const dice = (seed: number) =>
      invoke(model, says('Tell a story.', { maxOutputTokens: 12, temperature: 1.5, seed }), patient)
    const [one, same, other] = [await dice(1), await dice(1), await dice(2)]
    expect(one.output.content).toEqual(same.output.content)
    expect(one.output.content).not.toEqual(other.output.content)
    const { output } = await invoke(model, says('Count: 1, 2, 3,', { maxOutputTokens: 40, stop: [' '] }), patient)
    expect(output.finishReason).toBe('stop')
    expect(output.content.map((part) => (part.kind === 'text' ? part.text : '')).join('')).not.toContain(' ')
  })

  const setSpeed = {
    name: 'set_speed',
    description: 'Sets the speed of a machine.',
    parameters: {
      type: 'object',
      properties: { machine: { enum: ['mill', 'saw'] }, speed: { type: 'number' } },
      required: ['machine', 'speed'],
    },
  }

  it('calls a tool under its schema', async () => {
    const input = says('Run the saw at 3 m/s.', { tools: [setSpeed], toolChoice: 'required' })
    const parts: ChatPart[] = []
    const answer = stream(model, input, patient)
    for await (const part of answer) parts.push(part)
    const { output } = await answer.finish()
    expect(output).toMatchObject({
      finishReason: 'tool-calls',
      content: [
        {
          kind: 'tool-call',
          callId: 'call-1',
          name: 'set_speed',
          arguments: { machine: expect.stringMatching(/^(mill|saw)$/), speed: expect.any(Number) },
        },
      ],
    })
    expect(parts[0]).toEqual({ kind: 'tool-call-start', callId: 'call-1', name: 'set_speed' })
    expect(parts.at(-1)).toEqual({ kind: 'tool-call', call: output.content[0] })
    const pieces = parts.map((part) => (part.kind === 'tool-call-delta' ? part.text : ''))
    expect({ ...output.content[0], arguments: JSON.parse(pieces.join('')) }).toEqual(output.content[0])
    const result = await invoke(
      model,
      {
        tools: [setSpeed],
        toolChoice: 'none',
        maxOutputTokens: 8,
        messages: [
          ...input.messages,
          { role: 'assistant', content: output.content },
          {
            role: 'tool',
            content: [
              { kind: 'tool-result', callId: 'call-1', name: 'set_speed', outcome: 'ok', result: { speed: 3 } },
            ],
          },
        ],
      },
      patient,
    )
    expect(result.output.content).toMatchObject([{ kind: 'text' }])
  })

  it('may also answer in words where tools are on offer', async () => {
    const { output } = await invoke(model, says('What is steel?', { tools: [setSpeed], maxOutputTokens: 20 }), patient)
    expect(['text', 'tool-call']).toContain(output.content[0]?.kind)
  })

  it('refuses a tool choice that is not on offer', async () => {
    const input = says('Go.', { tools: [setSpeed], toolChoice: { name: 'stop' } })
    expect(await faultOf(invoke(model, input, patient))).toMatchObject({ code: 'invalid-input' })
  })

  it.each([
    ['alone', {}],
    ['beside tools that it may not call', { tools: [setSpeed], toolChoice: 'none' as const }],
    ['beside tools that it might call', { tools: [setSpeed] }],
  ])('gives JSON of the schema that is asked for, %s, and names what no grammar can enforce', async (_, tools) => {
    const responseSchema = {
      type: 'object',
      properties: {
        state: { enum: ['good', 'bad'] },
        level: { type: 'integer', minimum: -1e17 },
        note: { type: 'string', maxLength: 20 },
      },
      required: ['state', 'level', 'note'],
    }
    const { output, warnings } = await invoke(
      model,
      says('The bearing screams. Judge it.', { responseSchema, ...tools }),
      patient,
    )
    expect(warnings).toMatchObject([{ code: 'schema-partly-enforced', message: /minimum/ }])
    const [part] = output.content
    if (part?.kind === 'tool-call') return expect(part.name).toBe('set_speed')
    const value = JSON.parse(part?.kind === 'text' ? part.text : '')
    expect(output.structured).toEqual({ value, by: 'native', repaired: false })
    expect(value).toEqual({
      state: expect.stringMatching(/^(good|bad)$/),
      level: expect.any(Number),
      note: expect.any(String),
    })
    expect(value.note.length).toBeLessThanOrEqual(20)
  })

  it.each([
    ['a little', 'bearing '.repeat(600)],
    ['by far', 'bearing '.repeat(900_000)],
  ])('faults a conversation that is %s too long for its context, and answers the next', async (_, text) => {
    const fault = await faultOf(invoke(model, says(text), patient))
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/messages', details: { contextTokens: 512 } })
    expect((fault.details as { inputTokens: number }).inputTokens).toBeGreaterThan(512)
    expect((await invoke(model, says('Hello', { maxOutputTokens: 2 }), patient)).output.tokens.output).toBe(2)
  })

  it('never takes an answer that its context cut for whole', async () => {
    const { output } = await invoke(model, says('bearing '.repeat(440), { maxOutputTokens: 500 }), patient)
    expect(output.finishReason).toBe('length')
    expect(output.tokens.input! + output.tokens.output!).toBeLessThanOrEqual(512)
  })

  it('warns where instructions come later than its template has a place for', async () => {
    const input: ChatInput = {
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'system', content: 'Be short.' },
      ],
      maxOutputTokens: 2,
    }
    expect((await invoke(model, input, patient)).warnings).toMatchObject([{ code: 'system-moved' }])
  })

  it('ends in the middle of a token when the caller gives up, and is free for the next', async () => {
    const giveUp = new AbortController()
    const reason = new Error('given up')
    let parts = 0
    const read = async () => {
      const context = { signal: giveUp.signal } as RunContext
      for await (const _ of model.stream!(says('Tell a very long story.', { maxOutputTokens: 900 }), context))
        if (++parts === 3) giveUp.abort(reason)
    }
    await expect(read()).rejects.toBe(reason)
    expect(parts).toBeLessThan(10)
    expect((await invoke(model, says('Hello', { maxOutputTokens: 2 }), patient)).output.tokens.output).toBe(2)
  })

  it('works on one call after another, and refuses more than may wait', async () => {
    const calls = Array.from({ length: 5 }, () => invoke(model, says('Hi', { maxOutputTokens: 2 }), patient))
    const ends = await Promise.all(
      calls.map((call) =>
        call.then(
          () => 'answered',
          ({ code }: Fault) => code,
        ),
      ),
    )
    expect(ends.sort()).toEqual(['answered', 'answered', 'answered', 'overloaded', 'overloaded'])
  })

  it('gives its seat back after every call that was given up', async () => {
    for (let i = 0; i < 20; i++)
      await faultOf(invoke(model, says(`Story ${i}`), { deadlineMs: 20_000, signal: AbortSignal.timeout(5) }))
    expect((await invoke(model, says('Hello', { maxOutputTokens: 2 }), patient)).output.tokens.output).toBe(2)
  })

  it('passes the conformance kit', { timeout: 240_000 }, async () => {
    // Loading takes longer than answering: each check gets the same model.
    const { dispose: _, ...shared } = model
    const create = () => shared
    const input = says('Hello', { maxOutputTokens: 4 })
    const calling = says('Run the saw at 3 m/s.', { tools: [setSpeed], toolChoice: 'required' })
    const responseSchema = { type: 'object', properties: { state: { enum: ['good', 'bad'] } }, required: ['state'] }
    const structured = says('The bearing screams. Judge it.', { responseSchema })
    const reports = [
      await toReport(await modelChecks({ create, input })),
      await toReport(await chatChecks({ create, input, calling, structured })),
    ]
    for (const { text } of reports) expect(text).not.toContain('✗')
    expect(reports.map(({ text }) => text.match(/✓/g)?.length ?? 0).every((kept) => kept > 8)).toBe(true)
  })

  it('computes side by side where it may', async () => {
    const two = await localChat({ gguf, engine, contextTokens: 256, atOnce: 2 })
    const answers = await Promise.all(
      [1, 2, 3].map(() => invoke(two, says('What is steel?', { maxOutputTokens: 8 }), patient)),
    )
    expect(new Set(answers.map(({ output }) => JSON.stringify(output.content))).size).toBe(1)
    await two.dispose()
  })

  it('ends what runs before it is disposed of, and refuses afterwards', async () => {
    const own = await localChat({ gguf, engine, contextTokens: 256 })
    const running = invoke(own, says('What is steel?', { maxOutputTokens: 8 }), patient)
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([own.dispose(), own.dispose()])
    expect((await running).output.tokens.output).toBe(8)
    expect(await faultOf(invoke(own, says('Hello'), patient))).toMatchObject({
      code: 'unavailable',
      message: /disposed/,
    })
    expect((await invoke(model, says('Hello', { maxOutputTokens: 2 }), patient)).output.tokens.output).toBe(2)
  })
})
