import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { assure, defineModel, type Fault, invoke, type Monitor, memoryJournal } from './index.ts'

const contract = {
  version: '1.0.0',
  title: 'Speed',
  task: 'parameter-control',
  input: z.object({ load: z.number() }),
  output: z.object({ speed: z.number() }),
}
type Input = { load: number }
type Output = { speed: number }
const bounds = { deadlineMs: 500 }

function plant(options: { dwellMs?: number; reset?: 'automatic' | 'manual'; hold?: boolean } = {}) {
  const state = {
    speed: 5,
    recovery: 2 as number | Error,
    fails: undefined as Error | 'hang' | undefined,
    monitorFails: false,
  }
  const neural = defineModel({
    ...contract,
    id: 'acme/neural',
    run: async () => {
      if (state.fails === 'hang') await new Promise(() => {})
      if (state.fails instanceof Error) throw state.fails
      return { output: { speed: state.speed } }
    },
  })
  const rule = defineModel({
    ...contract,
    id: 'acme/rule',
    run: () => {
      if (state.recovery instanceof Error) throw state.recovery
      return { output: { speed: state.recovery } }
    },
  })
  const envelope: Monitor<Input, Output> = {
    name: 'envelope',
    judge({ output: { speed } }) {
      if (state.monitorFails) throw new Error('no sensor')
      return speed > 10 ? 'violated' : speed > 8 ? 'doubtful' : 'safe'
    },
  }
  const journal = memoryJournal()
  const model = assure(neural, {
    monitors: [envelope],
    recovery: rule,
    dwellMs: options.dwellMs ?? 20,
    reset: options.reset ?? 'automatic',
    journal,
    ...(options.hold && { hold: (last: Output | undefined) => last }),
  })
  const ask = (load = 1) => invoke(model, { load }, bounds)
  const rest = () => new Promise((resolve) => setTimeout(resolve, 30))
  const modes = async () => {
    const turns: string[] = []
    for await (const { data } of journal.entries()) turns.push((data as { to: string }).to)
    return turns
  }
  return { state, model, ask, rest, modes }
}

describe('run-time assurance', () => {
  it('follows a model that its monitors find safe', async () => {
    const { ask, model } = plant()
    expect(await ask()).toMatchObject({ output: { speed: 5 }, quality: 'good', warnings: [] })
    expect(model.mode).toBe('normal')
    expect(model.descriptor.assurance).toEqual({
      monitors: ['envelope'],
      recovery: 'acme/rule',
      dwellMs: 20,
      reset: 'automatic',
    })
  })

  it.each([
    ['its answer is unsafe', { speed: 11 }],
    ['a monitor itself fails', { monitorFails: true }],
    ['it faults', { fails: new Error('diverged') }],
    ['it hangs', { fails: 'hang' as const }],
  ])('lets the recovery answer where %s, in time, and says so', async (_, change) => {
    const { state, ask, model, modes } = plant()
    await ask()
    Object.assign(state, change)
    const reply = await ask().catch((fault: Fault) => fault)
    if (state.monitorFails) {
      // A monitor that cannot judge cannot vouch for the recovery either.
      expect(reply).toMatchObject({ code: 'unavailable', details: { mode: 'manual' } })
      expect(await modes()).toEqual(['fallback', 'manual'])
      return
    }
    expect(reply).toMatchObject({ output: { speed: 2 }, quality: 'uncertain' })
    expect(reply).toMatchObject({ warnings: [{ code: 'assurance-fallback' }], servedBy: [{ id: 'acme/rule' }] })
    expect(model.mode).toBe('fallback')
  })

  it('tries the model again only after the dwell time, and goes back when it is safe', async () => {
    const { state, ask, rest, model, modes } = plant()
    state.speed = 11
    await ask()
    state.speed = 5
    expect((await ask()).output.speed).toBe(2)
    await rest()
    expect((await ask()).output.speed).toBe(5)
    expect(model.mode).toBe('normal')
    expect(await modes()).toEqual(['fallback', 'normal'])
  })

  it('stays in fallback until a person resets it where the reset is manual', async () => {
    const { state, ask, rest, model, modes } = plant({ reset: 'manual' })
    state.speed = 11
    await ask()
    state.speed = 5
    await rest()
    expect((await ask()).output.speed).toBe(2)
    await model.reset('shift leader')
    expect((await ask()).output.speed).toBe(5)
    expect(await modes()).toEqual(['fallback', 'normal'])
  })

  it('goes on with a doubt as degraded, and back to normal after the dwell time', async () => {
    const { state, ask, rest, model } = plant()
    state.speed = 9
    expect(await ask()).toMatchObject({ output: { speed: 9 }, quality: 'uncertain' })
    expect(model.mode).toBe('degraded')
    state.speed = 5
    expect((await ask()).quality).toBe('uncertain')
    await rest()
    expect((await ask()).quality).toBe('good')
    expect(model.mode).toBe('normal')
  })

  it('holds the last safe output when the recovery fails too', async () => {
    const { state, ask, model } = plant({ hold: true })
    await ask()
    Object.assign(state, { speed: 11, recovery: new Error('broken') })
    expect(await ask()).toMatchObject({
      output: { speed: 5 },
      quality: 'uncertain',
      warnings: [{ code: 'assurance-safe-hold' }],
    })
    expect(model.mode).toBe('safe-hold')
    state.recovery = 3
    expect((await ask()).output.speed).toBe(3)
    expect(model.mode).toBe('fallback')
  })

  it('never gives an unsafe answer of the recovery, and answers nothing in manual until a person resets it', async () => {
    const { state, ask, model } = plant()
    Object.assign(state, { speed: 11, recovery: 12 })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable', retryable: false, details: { mode: 'manual' } })
    Object.assign(state, { speed: 5, recovery: 2 })
    await expect(ask()).rejects.toMatchObject({ details: { mode: 'manual' } })
    await model.reset('shift leader')
    expect((await ask()).output.speed).toBe(5)
  })

  it('does not blame the model for a mistake of its caller', async () => {
    const { model } = plant()
    await expect(invoke(model, { load: 'much' } as never, bounds)).rejects.toMatchObject({ code: 'invalid-input' })
    expect(model.mode).toBe('normal')
  })

  it('refuses models with an effect, whose action could not be taken back', () => {
    const act = defineModel({ ...contract, id: 'acme/act', effect: 'record', run: () => ({ output: { speed: 1 } }) })
    const { model } = plant()
    const parts = { monitors: [{ name: 'any', judge: () => 'safe' as const }], recovery: model, dwellMs: 1 }
    expect(() => assure(act, parts)).toThrow(/effect/)
  })
})
