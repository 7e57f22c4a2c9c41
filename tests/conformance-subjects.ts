// What this repository proves of itself: a model or a transport of every package, each on its real runtime or medium.
import { anthropicModel, chatModel, playbook, type Sender, scriptedModel } from '@dinrail/adapters-llm'
import { defineAgent } from '@dinrail/agent-kit'
import { cascade, fallback, pipe } from '@dinrail/collab'
import {
  assure,
  type ChatInput,
  defineModel,
  guard,
  inProcessTransport,
  limitLoad,
  memoryJournal,
  tensor,
} from '@dinrail/core'
import type { ChatUnderTest, ModelUnderTest, TransportUnderTest } from '@dinrail/core/conformance'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect } from 'mqtt'
import { z } from 'zod'
import { bearingModel } from '../examples/steel-line/networks.ts'
import { BEARING_WINDOW } from '../examples/steel-line/training/cwru-bearing.ts'

const speedOf = (id: string, confidence: number) =>
  defineModel({
    id: `example/${id}`,
    version: '1.0.0',
    title: 'Speed for a thickness',
    task: 'parameter-control',
    input: z.object({
      thickness: z.number().meta({
        unit: 'mm',
        limits: { physical: { min: 0, max: 400 }, training: { min: 1, max: 20 } },
      }),
      temperature: z.number().meta({ unit: 'Cel', limits: { physical: { min: -273.15 } } }),
    }),
    output: z.object({ speed: z.number().meta({ unit: 'm/s' }) }),
    run: ({ thickness }) => ({ output: { speed: 20 / thickness }, confidence }),
  })
const metal = { thickness: 4, temperature: 900 }
const drive = () =>
  defineModel({
    id: 'example/drive',
    version: '1.0.0',
    title: 'Drive',
    task: 'parameter-control',
    effect: 'actuate',
    input: z.object({
      speed: z
        .number()
        .meta({ unit: 'm/s', limits: { physical: { min: 0, max: 40 }, operating: { min: 1, max: 20 } } }),
    }),
    output: z.object({ speed: z.number() }),
    run: ({ speed }) => ({ output: { speed } }),
  })
const cooled = () =>
  defineModel({
    id: 'example/cooling',
    version: '1.0.0',
    title: 'Cooling for a speed',
    task: 'parameter-control',
    input: z.object({ speed: z.number().meta({ unit: 'm/s' }) }),
    output: z.object({ flow: z.number().meta({ unit: 'L/min' }) }),
    run: ({ speed }) => ({ output: { flow: 30 * speed } }),
  })

interface Subject {
  readonly package: string
  readonly name: string
  readonly subject: ModelUnderTest<unknown>
}

function subject<In>(name: string, made: string, one: ModelUnderTest<In>): Subject {
  return { package: name, name: made, subject: one as unknown as ModelUnderTest<unknown> }
}

const hello: ChatInput = { messages: [{ role: 'user', content: 'hello' }] }

/** A server in this process: calls the first tool that it is offered, or says the one thing that it knows. */
const serverSaying = (answerOf: (name: string | undefined) => object): Sender => {
  return async ({ body }) => {
    const { tools } = JSON.parse(body)
    const first = tools?.[0]
    const chunks = [new TextEncoder().encode(JSON.stringify(answerOf(first?.name ?? first?.function?.name)))]
    return {
      status: 200,
      header: (name) => (name === 'content-type' ? 'application/json' : undefined),
      read: async () => chunks.shift(),
      close() {},
    }
  }
}
const completions = serverSaying((name) => ({
  model: 'small',
  choices: [
    name === undefined
      ? { message: { content: '{"level":1}' }, finish_reason: 'stop' }
      : { message: { tool_calls: [{ id: 'a', function: { name, arguments: '{}' } }] }, finish_reason: 'tool_calls' },
  ],
}))
const messagesApi = serverSaying((name) => ({
  type: 'message',
  model: 'small',
  content: [
    name === undefined
      ? { type: 'text', text: 'hello' }
      : { type: 'tool_use', id: 'a', name, input: name === 'give_answer' ? { level: 1 } : {} },
  ],
  stop_reason: name === undefined ? 'end_turn' : 'tool_use',
}))
const overHttp = () => chatModel({ baseUrl: 'http://plant.example/v1', model: 'small', send: completions })
const overMessages = () => anthropicModel({ model: 'small', key: 'none', send: messagesApi })
const rules = () =>
  playbook({
    rules: [
      {
        name: 'call',
        when: ({ tools }) => tools.length > 0,
        do: ({ tools }) => ({ call: [{ name: tools[0] ?? '', arguments: {} }] }),
      },
      { name: 'say', when: () => true, do: () => ({ say: { level: 1 } }) },
    ],
  })

export const models: readonly Subject[] = [
  subject('core', 'defineModel', { create: () => speedOf('speed', 0.9), input: metal }),
  subject('core', 'limitLoad', {
    create: () => limitLoad(speedOf('speed', 0.9), { atOnce: 1, waiting: 4 }),
    input: metal,
  }),
  subject('core', 'assure', {
    create: () =>
      assure(speedOf('network', 0.9), {
        monitors: [{ name: 'envelope', judge: ({ output }) => (output.speed < 30 ? 'safe' : 'violated') }],
        recovery: speedOf('rule', 1),
        dwellMs: 1_000,
      }),
    input: metal,
  }),
  subject('core', 'guard', {
    create: () =>
      guard(drive(), { authority: 'act-within-limits', allow: [{ caller: 'hmi' }], journal: memoryJournal() }),
    input: { speed: 5 },
    caller: { id: 'hmi' },
  }),
  subject('collab', 'pipe', { create: () => pipe(speedOf('speed', 0.9), cooled()), input: metal }),
  subject('collab', 'cascade', {
    create: () => cascade([speedOf('small', 0.5), speedOf('large', 0.9)], { minimumConfidence: 0.8 }),
    input: metal,
  }),
  subject('collab', 'fallback', {
    create: () => fallback([speedOf('first', 0.5), speedOf('second', 0.9)]),
    input: metal,
  }),
  subject('adapters-onnx', 'onnxModel', {
    create: bearingModel,
    input: { vibration: tensor(new Float32Array(BEARING_WINDOW).fill(0.1)), shaftSpeed: 1_750 },
  }),
  subject('adapters-llm', 'chatModel', { create: overHttp, input: hello }),
  subject('adapters-llm', 'anthropicModel', { create: overMessages, input: hello }),
  subject('adapters-llm', 'playbook', {
    create: () => playbook({ rules: [{ name: 'greet', when: () => true, do: () => ({ say: 'hello' }) }] }),
    input: hello,
  }),
  subject('adapters-llm', 'scriptedModel', {
    create: () => scriptedModel(Array.from({ length: 50 }, () => [{ kind: 'text' as const, text: 'hello' }])),
    input: hello,
  }),
  subject('agent-kit', 'defineAgent', {
    create: () =>
      defineAgent({
        id: 'example/assistant',
        version: '1.0.0',
        title: 'Assistant',
        task: 'process-analysis',
        input: z.object({ thickness: z.number().meta({ unit: 'mm', limits: { physical: { min: 0 } } }) }),
        output: z.object({ advice: z.string() }),
        model: playbook({ rules: [{ name: 'advise', when: () => true, do: () => ({ say: { advice: 'go on' } }) }] }),
        tools: [],
        instructions: 'Advise.',
        budget: { steps: 2 },
      }),
    input: { thickness: 4 },
  }),
]

const conversations = {
  input: hello,
  calling: { ...hello, tools: [{ name: 'read', description: 'Reads.', parameters: { type: 'object' } }] },
  structured: {
    ...hello,
    responseSchema: { type: 'object', properties: { level: { type: 'number' } }, required: ['level'] },
  },
}

export const chats: readonly { readonly package: string; readonly name: string; readonly subject: ChatUnderTest }[] = [
  { package: 'adapters-llm', name: 'chatModel', subject: { create: overHttp, ...conversations } },
  { package: 'adapters-llm', name: 'anthropicModel', subject: { create: overMessages, ...conversations } },
  { package: 'adapters-llm', name: 'playbook', subject: { create: rules, ...conversations } },
]

export const transports: readonly {
  readonly package: string
  readonly name: string
  readonly medium: TransportUnderTest
}[] = [
  {
    package: 'core',
    name: 'inProcessTransport',
    medium: {
      create: async () => {
        const transport = inProcessTransport()
        return { one: transport, other: transport }
      },
    },
  },
  {
    package: 'transport-mqtt',
    name: 'mqttTransport over the embedded broker',
    medium: {
      async create() {
        const { url } = await broker()
        const prefix = `check/${crypto.randomUUID()}`
        const side = () => mqttTransport({ connect, url, prefix })
        return { one: await side(), other: await side() }
      },
    },
  },
]

let running: ReturnType<typeof embeddedBroker> | undefined
function broker() {
  running ??= embeddedBroker()
  return running
}

/** Ends the broker that the transports share. */
export async function closeMedia(): Promise<void> {
  await (await running)?.close()
}
