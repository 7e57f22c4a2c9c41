import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareDescriptors, type Descriptor, specVersion } from './index.ts'

const base: Descriptor = {
  specVersion,
  id: 'acme/gauge',
  version: '1.0.0',
  kind: 'model',
  title: 'Gauge',
  task: 'process-analysis',
  input: {
    type: 'object',
    properties: {
      speed: { type: 'number', unit: 'm/s', limits: { operating: { min: 0, max: 10 } }, maxAge: 500 },
      mode: { enum: ['slow', 'fast'], default: 'slow' },
      window: { tensor: { dtype: 'float32', shape: [2, 'n'] } },
    },
    required: ['speed'],
  },
  output: {
    type: 'object',
    properties: {
      load: { type: 'number', unit: 'N', limits: { physical: { min: 0, max: 5 } } },
      note: { type: 'string' },
    },
    required: ['load'],
  },
  effect: 'none',
  supports: { stream: true },
}

type Loose = { [key: string]: Loose } & { push(value: unknown): void }
/** A copy of the base that `edit` changes in place. */
const edited = (edit: (copy: Loose) => void): Descriptor => {
  const copy = structuredClone(base) as unknown as Loose
  edit(copy)
  return copy as unknown as Descriptor
}
const set = (path: string, value: unknown) => (copy: Loose) => {
  const steps = path.split('.')
  const last = steps.pop()!
  let at = copy
  for (const step of steps) at = at[step]!
  if (value === undefined) delete at[last]
  else at[last] = value as Loose
}

describe('two descriptors', () => {
  it('that are equal are the same, however they are written', () => {
    expect(compareDescriptors(base, JSON.parse(JSON.stringify(base)))).toEqual({ verdict: 'same', changes: [] })
  })

  it.each([
    ['title', 'Another', 'compatible', '/title'],
    ['version', '1.0.1', 'compatible', '/version'],
    ['id', 'acme/other', 'breaking', '/id'],
    ['effect', 'record', 'breaking', '/effect'],
    ['outsideTraining', 'uncertain', 'widened', '/outsideTraining'],
    ['supports.cancel', true, 'widened', '/supports/cancel'],
    ['supports.stream', undefined, 'breaking', '/supports/stream'],
    ['chat', { tools: true }, 'widened', '/chat'],
    ['input.properties.speed.unit', 'mm/s', 'breaking', '/input/properties/speed/unit'],
    ['input.properties.speed.quantity', 'velocity', 'breaking', '/input/properties/speed/quantity'],
    ['input.properties.speed.semantics', ['x'], 'compatible', '/input/properties/speed/semantics'],
    ['input.properties.speed.limits.operating.max', 12, 'widened', '/input/properties/speed/limits/operating/max'],
    ['input.properties.speed.limits.operating.max', 8, 'breaking', '/input/properties/speed/limits/operating/max'],
    ['input.properties.speed.limits.training', { min: 1 }, 'breaking', '/input/properties/speed/limits/training/min'],
    ['input.properties.speed.limits', undefined, 'widened', '/input/properties/speed/limits/operating/min'],
    ['input.properties.speed.maxAge', 1_000, 'widened', '/input/properties/speed/maxAge'],
    ['input.properties.speed.maxAge', 100, 'breaking', '/input/properties/speed/maxAge'],
    ['input.properties.speed.missing', 'hold', 'widened', '/input/properties/speed/missing'],
    ['input.properties.speed.type', 'integer', 'breaking', '/input/properties/speed/type'],
    ['input.properties.speed.minimum', 1, 'breaking', '/input/properties/speed/minimum'],
    ['input.properties.mode.enum', ['slow', 'fast', 'off'], 'widened', '/input/properties/mode/enum'],
    ['input.properties.mode.enum', ['slow'], 'breaking', '/input/properties/mode/enum'],
    ['input.properties.mode.default', 'fast', 'breaking', '/input/properties/mode/default'],
    ['input.properties.window.tensor.shape', ['m', 'n'], 'widened', '/input/properties/window/tensor'],
    ['input.properties.window.tensor.shape', [2, 8], 'breaking', '/input/properties/window/tensor'],
    ['input.properties.window.tensor.dtype', 'float64', 'breaking', '/input/properties/window/tensor'],
    ['input.properties.extra', { type: 'string' }, 'widened', '/input/properties/extra'],
    ['input.properties.mode', undefined, 'breaking', '/input/properties/mode'],
    ['input.required', ['speed', 'mode'], 'breaking', '/input/required'],
    ['input.required', undefined, 'widened', '/input/required'],
    ['input.additionalProperties', false, 'breaking', '/input/additionalProperties'],
    ['input.oneOf', [{}], 'breaking', '/input/oneOf'],
    ['output.properties.load.limits.physical.max', 4, 'compatible', '/output/properties/load/limits/physical/max'],
    ['output.properties.load.limits.physical.max', 6, 'breaking', '/output/properties/load/limits/physical/max'],
    ['output.properties.load.type', 'integer', 'compatible', '/output/properties/load/type'],
    ['output.properties.note', undefined, 'breaking', '/output/properties/note'],
    ['output.properties.more', { type: 'number' }, 'compatible', '/output/properties/more'],
    ['output.required', ['load', 'note'], 'compatible', '/output/required'],
    ['output.required', undefined, 'breaking', '/output/required'],
  ])('%s = %j is %s', (path, value, verdict, field) => {
    const comparison = compareDescriptors(base, edited(set(path, value)))
    expect(comparison.verdict).toBe(verdict)
    expect(comparison.changes[0]).toMatchObject({ field, verdict })
  })

  it('are as bad as their worst change, and list all of them', () => {
    const after = edited((copy) => {
      set('title', 'Another')(copy)
      set('input.properties.extra', {})(copy)
      set('output.required', undefined)(copy)
    })
    const { verdict, changes } = compareDescriptors(base, after)
    expect(verdict).toBe('breaking')
    expect(changes.map((change) => change.verdict).sort()).toEqual(['breaking', 'compatible', 'widened'])
  })

  const range = fc.record(
    { min: fc.integer({ min: -9, max: 9 }), max: fc.integer({ min: -9, max: 9 }) },
    { requiredKeys: [] },
  )
  const within = ({ min = -99, max = 99 }: { min?: number; max?: number }, value: number) =>
    value >= min && value <= max

  it.each(['input', 'output'] as const)('never call it safe when a value of the %s says otherwise', (side) => {
    fc.assert(
      fc.property(range, range, (before, after) => {
        const at = `${side}.properties.${side === 'input' ? 'speed' : 'load'}.limits`
        const old = edited(set(at, { physical: before }))
        const { verdict } = compareDescriptors(old, edited(set(at, { physical: after })))
        if (verdict === 'breaking') return
        const [narrow, wide] = side === 'input' ? [before, after] : [after, before]
        for (let value = -12; value <= 12; value++) if (within(narrow, value)) expect(within(wide, value)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('are not misled by members that are named as a prototype’s', () => {
    for (const name of ['toString', 'valueOf', 'constructor', '__proto__', 'hasOwnProperty']) {
      const schema = JSON.parse(`{ "type": "object", "properties": { "${name}": { "type": "number" } } }`)
      const { verdict } = compareDescriptors(edited(set('input', { type: 'object' })), edited(set('input', schema)))
      expect(verdict, name).toBe('widened')
    }
  })

  it('survive schemas of any shape', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 6 }), fc.object({ maxDepth: 6 }), (one, other) => {
        const plain = (value: object) => JSON.parse(JSON.stringify(value)) as Loose
        const compared = compareDescriptors(edited(set('input', plain(one))), edited(set('input', plain(other))))
        expect(compared.verdict === 'same').toBe(compared.changes.length === 0)
      }),
    )
  })
})
