// What a page or a worker does with the built packages; its result is looked at by browser.test.ts.
import { fallback } from '@dinrail/collab'
import {
  connect,
  defineModel,
  discover,
  Fault,
  type Final,
  guard,
  inProcessTransport,
  invoke,
  type Model,
  memoryJournal,
  sample,
  serve,
  stream,
  tensor,
  verifyJournal,
} from '@dinrail/core'
import { modelChecks, toReport, transportChecks } from '@dinrail/core/conformance'
import { signDescriptor, trustedBy } from '@dinrail/core/signature'
import { z } from 'zod'

const contract = {
  id: 'browser/level',
  input: z.object({
    window: z.custom<ReturnType<typeof tensor>>().meta({ tensor: { dtype: 'float32', shape: ['n'] } }),
    gain: z.number().meta({ unit: 'Cel', limits: { physical: { min: 0, max: 100 } } }),
  }),
  output: z.object({ level: z.number() }),
}
type Input = { window: ReturnType<typeof tensor>; gain: number }
type Output = { level: number }

const level = (): Model<Input, Output, number> =>
  defineModel({
    ...contract,
    version: '1.0.0',
    title: 'Level',
    task: 'process-analysis',
    run: ({ window, gain }) => ({ output: { level: gain * Number(window.data[0]) } }),
    async *stream({ gain }: Input): AsyncIterable<number | Final<Output>> {
      for (let part = 0; part < 3; part++) yield part
      yield { final: true, output: { level: gain } }
    },
  })
const input: Input = { window: tensor(Float32Array.of(2, 3)), gain: 10 }
const bounds = { deadlineMs: 1_000 }
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (thrown: unknown) => Fault.from(thrown).code,
  )

async function inProcess() {
  const transport = inProcessTransport()
  return { one: transport, other: transport }
}

export async function main() {
  const transport = inProcessTransport()
  const keys = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const signature = await signDescriptor(level().descriptor, keys.privateKey, 'maker')
  await serve(level(), transport, { signature })
  const trust = trustedBy({ maker: keys.publicKey })
  const [found] = await discover(transport, { task: 'process-analysis', trust })
  const far = (await connect(transport, contract, bounds)) as Model<Input, Output, number>
  const parts: number[] = []
  for await (const part of stream(far, input, bounds)) parts.push(part)

  const hung = defineModel({
    ...contract,
    id: 'browser/hung',
    version: '1.0.0',
    title: 'Hung',
    task: 'process-analysis',
    run: () => new Promise<never>(() => {}),
  })
  const mover = defineModel({
    id: 'browser/mover',
    version: '1.0.0',
    title: 'Mover',
    task: 'parameter-control',
    effect: 'actuate',
    input: z.object({ to: z.number() }),
    output: z.object({}),
    run: () => ({ output: {} }),
  })
  const journal = memoryJournal()
  const guarded = guard(mover, {
    authority: 'act-within-limits',
    allow: [{ caller: 'hmi' }],
    interlocks: [{ name: 'door', holds: () => false }],
    journal,
  })
  const entries = []
  const interlocked = await codeOf(invoke(guarded, { to: 1 }, { ...bounds, caller: { id: 'hmi' } }))
  for await (const entry of journal.entries()) entries.push(entry)

  const model = await toReport(await modelChecks({ create: level, input }))
  const medium = await toReport(transportChecks({ create: inProcess }))
  return {
    found: found?.descriptor.id,
    level: (await invoke(far, { ...input, gain: sample(50, '[degF]') }, bounds)).output.level,
    parts,
    foreignUnit: await codeOf(invoke(far, { ...input, gain: sample(1, 's') }, bounds)),
    late: await codeOf(invoke(hung, input, { deadlineMs: 20 })),
    rescued: (await invoke(fallback([hung as Model<Input, Output>, level()], { attemptMs: 20 }), input, bounds)).output
      .level,
    interlocked,
    journal: (await verifyJournal(entries)).ok,
    model: model.text,
    transport: medium.text,
  }
}
