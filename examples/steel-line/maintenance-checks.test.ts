import { playbook, readConversation } from '@dinrail/adapters-llm'
import type { ChatInput, ChatMessage, ChatOutput, Reply } from '@dinrail/core'
import { invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { maintenanceProblem } from './maintenance-checks.ts'
import { alarmOf, maintenanceRules, tools } from './maintenance-rules.ts'

const alarm = {
  event: 'vibration-alarm',
  asset: 'stand 4',
  vibration: { handle: 'input/vibration', holds: 'float32[2048]' },
  shaftSpeed: 1_772,
  strip: { thickness: 2, length: 7 },
  millSpeed: 12,
}
const offered = Object.values(tools).map((name) => ({ name, description: '', parameters: { type: 'object' } }))
const say = (value: unknown): ChatOutput['content'] => [{ kind: 'text', text: JSON.stringify(value) }]
const call = (name: string, given: unknown): ChatOutput['content'] => [
  { kind: 'tool-call', callId: 'x', name, arguments: given },
]
const diagnosis = { vibration: { handle: 'input/vibration' }, shaftSpeed: 1_772 }
const order = { asset: 'stand 4', fault: 'bearing damage: ball', priority: 'high', action: 'replace' }
const slower = (speed: unknown) => ({ speed, reason: 'damage' })
const report = { diagnosis: 'ball', quality: 'k-scratch', workOrder: 'WO-1', millSpeed: 11, summary: '' }

/** A conversation in which these calls were answered. */
function having(
  ...answered: readonly (readonly [name: string, given: unknown, result: unknown, outcome?: 'fault'])[]
): ChatInput {
  const messages = answered.flatMap(([name, given, result, outcome = 'ok' as const], i): ChatMessage[] => [
    { role: 'assistant', content: [{ kind: 'tool-call', callId: `a${i}`, name, arguments: given }] },
    { role: 'tool', content: [{ kind: 'tool-result', callId: `a${i}`, name, outcome, result }] },
  ])
  return { tools: offered, messages: [{ role: 'user', content: JSON.stringify(alarm) }, ...messages] }
}
const found = (label: string) => [tools.diagnosis, diagnosis, { output: { label } }] as const
const inspected = [tools.inspection, alarm.strip, { output: { label: 'k-scratch' } }] as const
const filed = [tools.order, order, { output: { number: 'WO-1' } }] as const
const slowed = [tools.speed, slower(11), { output: { speed: 11 } }] as const
const refused = [tools.speed, slower(9.5), { code: 'approval-required', message: 'nobody' }, 'fault'] as const
const malformed = [tools.speed, slower('9.5'), { code: 'invalid-input', message: 'no number' }, 'fault'] as const

const problemOf = (content: ChatOutput['content'], input: ChatInput, structured?: unknown) =>
  maintenanceProblem(
    {
      output: {
        content,
        finishReason: 'stop',
        answeredBy: 'm',
        tokens: {},
        ...(structured !== undefined && { structured: { value: structured, by: 'native', repaired: false } }),
      },
    } as Reply<ChatOutput>,
    input,
  )

describe('a step of the large model', () => {
  it.each([
    [
      'asks about another vibration',
      call(tools.diagnosis, { ...diagnosis, shaftSpeed: 1 }),
      having(),
      /another vibration/,
    ],
    ['asks about another strip', call(tools.inspection, { thickness: 3 }), having(), /another strip/],
    ['asks again', call(tools.diagnosis, diagnosis), having(found('ball')), /again, which has answered/],
    ['files an order before anything is known', call(tools.order, order), having(), /no damage was found/],
    ['files an order for a sound bearing', call(tools.order, order), having(found('normal')), /no damage was found/],
    ['files a second order', call(tools.order, order), having(found('ball'), filed), /again, which has answered/],
    [
      'files an order for another machine',
      call(tools.order, { ...order, asset: 'stand 5' }),
      having(found('ball')),
      /stand 5/,
    ],
    [
      'files an order for another damage',
      call(tools.order, { ...order, fault: 'belt' }),
      having(found('ball')),
      /does not name the damage, ball/,
    ],
    ['makes the mill faster', call(tools.speed, slower(12.9)), having(found('ball'), filed), /from 12 to 12.9/],
    ['makes the mill much slower', call(tools.speed, slower(3)), having(found('ball'), filed), /from 12 to 3/],
    ['hands over no speed', call(tools.speed, slower('slow')), having(found('ball'), filed), /to "slow"/],
    [
      'changes the speed of a sound mill',
      call(tools.speed, slower(11)),
      having(found('normal')),
      /no damage was found/,
    ],
    [
      'proposes again what a person refused',
      call(tools.speed, slower(10)),
      having(found('ball'), filed, refused),
      /again what was refused/,
    ],
    [
      'calls a tool twice at once',
      [...call(tools.speed, slower(11)), ...call(tools.speed, slower(10))],
      having(found('ball'), filed),
      /twice at once/,
    ],
    ['calls what is not there', call('plant_stop', {}), having(), /no tool 'plant_stop'/],
  ])('is refused where it %s', (_, content, input, problem) => {
    expect(problemOf(content, input)).toMatch(problem)
  })

  it.each([
    ['before the small models were asked', report, having(), /before the small models/],
    [
      'another diagnosis',
      { ...report, diagnosis: 'normal' },
      having(found('ball'), inspected, filed, slowed),
      /reports normal, and ball/,
    ],
    [
      'another defect',
      { ...report, quality: 'bumps' },
      having(found('ball'), inspected, filed, slowed),
      /reports bumps/,
    ],
    [
      'another order',
      { ...report, workOrder: 'WO-2' },
      having(found('ball'), inspected, filed, slowed),
      /WO-2, and WO-1/,
    ],
    [
      'another speed',
      { ...report, millSpeed: 9 },
      having(found('ball'), inspected, filed, slowed),
      /9 m\/s, and the mill runs at 11/,
    ],
    ['before an order is filed', report, having(found('ball'), inspected, slowed), /before a work order/],
    ['before the mill is slower', report, having(found('ball'), inspected, filed), /before the mill is slower/],
  ])('is refused where it reports %s', (_, value, input, problem) => {
    expect(problemOf(say(value), input, value)).toMatch(problem)
  })

  it('is taken where it does what the small models call for', () => {
    expect(problemOf(call(tools.diagnosis, diagnosis), having())).toBeUndefined()
    expect(problemOf(call(tools.order, order), having(found('ball')))).toBeUndefined()
    expect(problemOf(call(tools.speed, slower(11)), having(found('ball'), filed, malformed))).toBeUndefined()
    expect(problemOf(say(report), having(found('ball'), inspected, filed, slowed), report)).toBeUndefined()
  })
})

it('every step of the playbook holds too, also after a large model has made a mess', async () => {
  const rules = playbook({ rules: maintenanceRules })
  const answers: Readonly<Record<string, unknown>> = {
    [tools.diagnosis]: { output: { label: 'ball' } },
    [tools.inspection]: { output: { label: 'k-scratch' } },
    [tools.order]: { output: { number: 'WO-1' } },
  }
  const invalid = { code: 'invalid-input', message: 'not of its schema' }
  let input = having([tools.order, { priority: 'soon' }, invalid, 'fault'], malformed)
  for (let step = 1; ; step++) {
    expect(step).toBeLessThan(7)
    const reply = await invoke(rules, { ...input, responseSchema: { type: 'object' } }, { deadlineMs: 1_000 })
    expect(maintenanceProblem(reply, input), `step ${step}`).toBeUndefined()
    const { content } = reply.output
    const calls = content.filter((part) => part.kind === 'tool-call')
    if (calls.length === 0) {
      expect(reply.output.structured?.value).toMatchObject({ diagnosis: 'ball', workOrder: 'WO-1', millSpeed: 9.5 })
      return
    }
    const results = calls.map(({ callId, name, arguments: given }) => ({
      kind: 'tool-result' as const,
      callId,
      name,
      outcome: 'ok' as const,
      result: answers[name] ?? { output: { speed: (given as { speed: number }).speed } },
    }))
    input = {
      ...input,
      messages: [...input.messages, { role: 'assistant', content }, { role: 'tool', content: results }],
    }
    expect(alarmOf(readConversation(input)).asset).toBe('stand 4')
  }
})
