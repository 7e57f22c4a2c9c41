import {
  type AssistantPart,
  type ChatInput,
  type ChatModel,
  defineChatModel,
  defineModel,
  Fault,
  guard,
  invoke,
  isTensor,
  type JournalEntry,
  type Model,
  memoryJournal,
  sample,
  type Tensor,
  tensor,
} from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AgentStep, defineAgent } from './index.ts'

type Turn = readonly AssistantPart[] | ((input: ChatInput) => readonly AssistantPart[])
const say = (value: unknown): AssistantPart[] => [
  { kind: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) },
]
let calls = 0
const call = (name: string, args: unknown): AssistantPart => ({
  kind: 'tool-call',
  callId: `c${calls++}`,
  name,
  arguments: args,
})

function scripted(turns: readonly Turn[]): ChatModel & { readonly seen: ChatInput[] } {
  const seen: ChatInput[] = []
  const model = defineChatModel({
    id: 'test/script',
    version: '1.0.0',
    title: 'Script',
    chat: { tools: true, structuredOutput: 'none', modalities: ['text'] },
    async run(input) {
      seen.push(structuredClone(input))
      const turn = turns[seen.length - 1] ?? say('the script is over')
      const content = typeof turn === 'function' ? turn(input) : turn
      return {
        output: { content, finishReason: 'stop', answeredBy: 'script', tokens: {} },
        warnings: [{ code: 'scripted', message: 'from a script' }],
      }
    },
  })
  return { ...model, seen }
}

const window = tensor(Float32Array.of(1, 2, 3))
const mean = defineModel({
  id: 'acme/mean',
  version: '1.0.0',
  title: 'Mean',
  task: 'process-analysis',
  input: z.object({
    window: z.custom<Tensor<'float32'>>(isTensor).meta({ tensor: { dtype: 'float32', shape: ['n'] }, unit: 'm/s2' }),
  }),
  output: z.object({ mean: z.number() }),
  run: ({ window: { data } }) => ({ output: { mean: data.reduce((a, b) => a + b, 0) / data.length }, confidence: 0.8 }),
})
const writer = (run: (keys: string) => void = () => {}) =>
  defineModel({
    id: 'plant/order',
    version: '1.0.0',
    title: 'Order',
    task: 'coordination',
    effect: 'record',
    input: z.object({ text: z.string() }),
    output: z.object({ number: z.number() }),
    run(_, { idempotencyKey, caller }) {
      run(`${caller.id} ${idempotencyKey}`)
      return { output: { number: 7 } }
    },
  })

const input = z.object({
  vibration: z.custom<Tensor<'float32'>>(isTensor).meta({ tensor: { dtype: 'float32', shape: ['n'] }, unit: 'm/s2' }),
})
const output = z.object({ level: z.number() })
const agentOf = (model: ChatModel, tools: readonly Model[] = [mean as Model, writer() as Model], more: object = {}) =>
  defineAgent({
    id: 'plant/agent',
    version: '1.0.0',
    title: 'Agent',
    task: 'fault-attribution',
    input,
    output,
    model,
    tools,
    instructions: 'Find the level.',
    budget: { steps: 6 },
    ...more,
  }) as Model<{ vibration: Tensor<'float32'> }, { level: number }>
const ask = (agent: ReturnType<typeof agentOf>, deadlineMs = 5_000) =>
  invoke(agent, { vibration: sample(window, '[g]') }, { deadlineMs, idempotencyKey: 'run-1' })
const resultsIn = (seen: ChatInput | undefined) =>
  seen?.messages.flatMap((message) =>
    message.role === 'tool' ? message.content.map(({ outcome, result }) => [outcome, result]) : [],
  )

describe('an agent', () => {
  it('calls tools, hands tensors on by handle with their unit, and answers within its schema', async () => {
    const model = scripted([
      [call('acme_mean', { window: { handle: 'input/vibration' } })],
      (chat) =>
        say({
          level: (chat.messages.at(-1)!.content[0] as { result: { output: { mean: number } } }).result.output.mean,
        }),
    ])
    const reply = await ask(agentOf(model))
    expect(reply.output.level).toBeCloseTo(2 * 9.80665, 4)
    expect(model.seen[0]?.messages[1]?.content).toContain('{"handle":"input/vibration","holds":"float32[3]"}')
    expect(model.seen[0]?.tools?.[0]?.parameters).toMatchObject({ type: 'object', required: ['window'] })
    expect(model.seen[0]?.tools?.[0]?.parameters).not.toHaveProperty('$schema')
    expect(reply.servedBy.map(({ id }) => id)).toEqual(['test/script', 'acme/mean'])
    expect(reply.usage.map((attempt) => attempt.model.id)).toEqual([
      'test/script',
      'acme/mean',
      'test/script',
      'plant/agent',
    ])
    expect(reply.warnings).toEqual([{ code: 'scripted', message: 'from a script' }])
  })

  it('makes every effect with a key of its own under its own name, the same in a second run of the same call', async () => {
    const keys: string[] = []
    const tools = [writer((key) => void keys.push(key)) as Model]
    const turns = () =>
      scripted([[call('plant_order', { text: 'a' }), call('plant_order', { text: 'b' })], say({ level: 1 })])
    await ask(agentOf(turns(), tools))
    await ask(agentOf(turns(), tools))
    expect(keys).toEqual(['plant/agent run-1/1', 'plant/agent run-1/2', 'plant/agent run-1/1', 'plant/agent run-1/2'])
  })

  it.each([
    ['an unknown tool', 'acme_median', {}, 'not-found'],
    ['arguments that are no JSON object', 'acme_mean', '{window', 'invalid-input'],
    ['an unknown handle', 'acme_mean', { window: { handle: 'input/noise' } }, 'invalid-input'],
    ['arguments that break the schema', 'plant_order', { text: 5 }, 'invalid-input'],
  ])('tells its model of %s instead of failing', async (_, name, args, code) => {
    const model = scripted([[call(name, args)], say({ level: 1 })])
    expect((await ask(agentOf(model))).output.level).toBe(1)
    expect(resultsIn(model.seen[1])).toMatchObject([['fault', { code }]])
  })

  it('asks once more for an answer that breaks its schema, then faults', async () => {
    expect((await ask(agentOf(scripted([say('about two'), say('```json\n{"level":2}\n```')])))).output.level).toBe(2)
    await expect(ask(agentOf(scripted([say('about two'), say({ level: 'two' })])))).rejects.toMatchObject({
      code: 'invalid-output',
      message: /level/,
    })
  })

  describe('whose tool refuses its arguments', () => {
    const wrong = call('plant_order', { text: 5 })
    const again = () => call('plant_order', { text: 6 })
    const elsewhere = call('acme_mean', { window: { handle: 'input/vibration' } })

    it.each([
      ['that break its schema', () => call('plant_order', { text: 5 }), /plant_order.*\/input\/text/],
      ['that are no JSON object', () => call('plant_order', '{text'), /plant_order.*JSON object/],
      [
        'with an unknown handle',
        () => call('acme_mean', { window: { handle: 'input/noise' } }),
        /acme_mean.*no handle/,
      ],
    ])('in two steps running ends there: arguments %s', async (_, made, message) => {
      const model = scripted([[made()], [made()], say({ level: 1 })])
      await expect(ask(agentOf(model))).rejects.toMatchObject({ code: 'invalid-output', message, field: '/output' })
      expect(model.seen).toHaveLength(2)
    })

    it('ends where one of several calls was refused again, which the others do not change', async () => {
      const model = scripted([[call('plant_order', { text: 5 }), elsewhere], [again(), again()], say({ level: 1 })])
      await expect(ask(agentOf(model))).rejects.toMatchObject({ code: 'invalid-output' })
    })

    it('goes on where the tool ran, or was not called, in one of two steps', async () => {
      const right = () => call('plant_order', { text: 'a' })
      for (const turns of [
        [[wrong], [right()], [again()]],
        [[wrong, right()], [again()]],
        [[wrong], [again(), right()]],
        [[wrong], [elsewhere], [again()]],
        [[wrong], say('about two'), [again()]],
        [[wrong], [call('acme_mean', {})]],
      ])
        expect((await ask(agentOf(scripted([...turns, say({ level: 1 })])))).output.level).toBe(1)
    })

    it.each(['out-of-limits', 'interlocked', 'approval-required', 'denied'] as const)(
      'for another reason, %s, which is an answer, goes on',
      async (code) => {
        const refusing = writer(() => {
          throw new Fault(code, 'not now', { field: '/input/text' })
        })
        const right = () => [call('plant_order', { text: 'a' })]
        const model = scripted([right(), right(), right(), say({ level: 1 })])
        expect((await ask(agentOf(model, [refusing as Model]))).output.level).toBe(1)
      },
    )

    it('goes on where what the tool itself called refused its input', async () => {
      const outer = defineModel({
        id: 'acme/outer',
        version: '1.0.0',
        title: 'Outer',
        task: 'coordination',
        input: z.object({}),
        output: z.object({ number: z.number() }),
        run: async (_, context) => context.invoke(writer(), { text: 5 } as never),
      })
      const model = scripted([[call('acme_outer', {})], [call('acme_outer', {})], say({ level: 1 })])
      expect((await ask(agentOf(model, [outer as Model]))).output.level).toBe(1)
      expect(resultsIn(model.seen[1])).toMatchObject([['fault', { code: 'invalid-input', model: 'plant/order' }]])
    })
  })

  it('stops at its budget of steps', async () => {
    const forever = scripted(Array.from({ length: 9 }, () => [call('plant_order', { text: 'again' })]))
    await expect(ask(agentOf(forever))).rejects.toMatchObject({ code: 'denied', message: /budget of 6 steps/ })
    expect(forever.seen).toHaveLength(6)
  })

  it('takes no bound that nothing keeps, and no instructions that are none', () => {
    const agentWith = (more: object) => () => agentOf(scripted([]), [], more)
    expect(agentWith({ budget: { steps: 6, tokens: 1_000 } })).toThrow(/nothing keeps a bound of tokens/)
    expect(agentWith({ instructions: undefined })).toThrow(/instructions are text/)
  })

  it('settles by its deadline while a tool hangs, and calls no tool after it', async () => {
    let started = 0
    const hung = defineModel({
      id: 'acme/hung',
      version: '1.0.0',
      title: 'Hung',
      task: 'x',
      input: z.object({}),
      output: z.object({}),
      run() {
        started += 1
        return new Promise<never>(() => {})
      },
    })
    const agent = agentOf(scripted([[call('acme_hung', {})], [call('acme_hung', {})]]), [hung as Model])
    await expect(ask(agent, 60)).rejects.toMatchObject({ code: 'deadline-exceeded' })
    expect(started).toBe(1)
  })

  it('journals each step, a tool call before the tool runs', async () => {
    const journal = memoryJournal()
    const kinds = async () => {
      const entries: JournalEntry[] = []
      for await (const entry of journal.entries()) entries.push(entry)
      return entries.map(({ kind }) => kind)
    }
    let before: Promise<string[]> | undefined
    const steps: AgentStep[] = []
    const tools = [
      writer(() => {
        before = kinds()
      }) as Model,
    ]
    await ask(
      agentOf(scripted([[call('plant_order', { text: 'a' })], say({ level: 1 })]), tools, {
        journal,
        onStep: (step: AgentStep) => steps.push(step),
      }),
    )
    expect((await before)?.at(-1)).toBe('tool-called')
    expect(await kinds()).toEqual([
      'agent-started',
      'agent-reasoned',
      'tool-called',
      'tool-answered',
      'agent-reasoned',
      'agent-answered',
    ])
    expect(steps.map(({ kind }) => kind)).toEqual(await kinds())
  })

  it('does not call a tool whose call could not be journaled', async () => {
    let runs = 0
    const journal = memoryJournal()
    const failing = {
      ...journal,
      append: (event: { kind: string; actor: string; data: unknown }) =>
        event.kind === 'tool-called' ? Promise.reject(new Fault('unavailable', 'disk full')) : journal.append(event),
    }
    const agent = agentOf(
      scripted([[call('plant_order', { text: 'a' })]]),
      [
        writer(() => {
          runs += 1
        }) as Model,
      ],
      {
        journal: failing,
      },
    )
    await expect(ask(agent)).rejects.toMatchObject({ message: 'disk full' })
    expect(runs).toBe(0)
  })

  it('takes a tool that moves equipment only behind its boundary', () => {
    const mill = defineModel({
      id: 'plant/mill',
      version: '1.0.0',
      title: 'Mill',
      task: 'parameter-control',
      effect: 'actuate',
      input: z.object({}),
      output: z.object({}),
      run: () => ({ output: {} }),
    })
    expect(() => agentOf(scripted([]), [mill as Model])).toThrow(/guard it first/)
    const guarded = guard(mill, {
      authority: 'act-within-limits',
      allow: [{ role: 'agent' }],
      journal: memoryJournal(),
    })
    expect(agentOf(scripted([]), [guarded as Model]).descriptor).toMatchObject({ kind: 'agent', effect: 'record' })
  })
})
