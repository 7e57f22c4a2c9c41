import { invoke, type Tensor, tensor } from '@dinrail/core'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { faultOf } from './fault-of.test-support.ts'
import { type OutputRecipe, onnxModel, type ValueField } from './index.ts'
import { identity } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const stated = { runtime: ort, id: 'acme/tiny', version: '1.0.0', title: 'Tiny', task: 'process-analysis' } as const

/** What callers get where the network gives these numbers. */
async function read<const Recipe extends OutputRecipe>(
  recipe: Recipe,
  numbers: readonly number[],
  dims?: readonly number[],
) {
  const shape = dims ?? [1, numbers.length]
  const model = await onnxModel({
    ...stated,
    model: identity(['batch', ...shape.slice(1)]),
    inputs: { x: { tensor: {} } },
    outputs: { y: recipe as OutputRecipe },
  })
  try {
    const x = tensor(Float32Array.from(numbers), shape)
    return await invoke(model, { x }, { deadlineMs: 10_000 })
  } finally {
    await model.dispose()
  }
}
const labels = ['good', 'bad'] as const

describe('labels', () => {
  it('come of logits, softened by the temperature', async () => {
    const reply = await read({ labels, scores: 'logits', temperature: 2 }, [4, 0])
    expect(reply.output).toMatchObject({ label: 'good' })
    expect(reply.confidence).toBeCloseTo(1 / (1 + Math.exp(-2)), 6)
  })

  it('come of probabilities, which a temperature changes as it changes their logits', async () => {
    const [a, b] = [Math.exp(4) / (1 + Math.exp(4)), 1 / (1 + Math.exp(4))]
    expect((await read({ labels, temperature: 2 }, [a, b])).confidence).toBeCloseTo(1 / (1 + Math.exp(-2)), 5)
  })

  it('of two may have one score, which is the second one’s', async () => {
    expect(await read({ labels }, [0.75])).toMatchObject({ output: { label: 'bad' }, confidence: 0.75 })
    expect((await read({ labels, scores: 'logits' }, [-2])).confidence).toBeCloseTo(1 / (1 + Math.exp(-2)), 6)
  })

  it('of an output whose only axis is open are counted when they come', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['scores']),
      inputs: { x: { tensor: {} } },
      outputs: { y: { labels: ['low', 'right', 'high'] } },
    })
    const ask = (...scores: number[]) => invoke(model, { x: tensor(Float32Array.from(scores)) }, { deadlineMs: 5_000 })
    expect((await ask(0.1, 0.7, 0.2)).output.label).toBe('right')
    expect(await faultOf(ask(0.5, 0.5))).toMatchObject({ code: 'invalid-output' })
    await model.dispose()
  })

  it('keep their probabilities where the confidence is calibrated by a curve', async () => {
    const isotonic = { score: [0.5, 0.9, 1], probability: [0.5, 0.7, 0.8] }
    const reply = await read({ labels, isotonic }, [0.7, 0.3])
    expect(reply.confidence).toBeCloseTo(0.6, 6)
    expect(reply.output).toMatchObject({ probabilities: { good: expect.closeTo(0.7, 6) } })
    expect((await read({ labels, isotonic }, [1, 0])).confidence).toBe(0.8)
  })

  it('of several kinds stand beside each other, and the confidence is that all are right', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['batch', 2]),
      inputs: { x: { tensor: { shape: [2] } } },
      outputs: { y: { labels, field: 'surface' } },
    })
    const { output } = await invoke(model, { x: tensor(Float32Array.of(0.9, 0.1)) }, { deadlineMs: 5_000 })
    expect(output.surface.label).toBe('good')
    await model.dispose()
  })

  it.each([
    ['logits taken for probabilities', [4, 0], /scores: 'logits'/],
    ['probabilities of independent labels', [0.9, 0.8], /adds up/],
  ])('are never made of %s', async (_, numbers, message) => {
    const model = onnxModel({
      ...stated,
      model: identity(['batch', 2]),
      inputs: { x: { constant: numbers, shape: [2] } },
      outputs: { y: { labels } },
    })
    const fault = await faultOf(invoke(await model, {}, { deadlineMs: 5_000 }))
    expect(fault.code).toBe('invalid-output')
    expect(fault.message).toMatch(message)
  })

  it('say in the descriptor how they were calibrated', async () => {
    const load = (recipe: OutputRecipe, confidence?: { calibration: 'none' | 'temperature' }) =>
      onnxModel({
        ...stated,
        model: identity(['batch', 2]),
        outputs: { y: recipe },
        ...(confidence && { confidence }),
      })
    const calibration = async (recipe: OutputRecipe) => {
      const model = await load(recipe)
      await model.dispose()
      return model.descriptor.confidence?.calibration
    }
    expect(await calibration({ labels })).toBe('none')
    expect(await calibration({ labels, temperature: 1.5 })).toBe('temperature')
    expect(await calibration({ labels, isotonic: { score: [0, 1], probability: [0, 1] } })).toBe('isotonic')
    const life = (interval?: ValueField['interval']): OutputRecipe => ({
      values: ['a', 'b'].map((name) => ({ name, unit: 'h', ...(interval && { interval }) })),
    })
    expect(await calibration(life({ level: 0.9, halfWidth: 12 }))).toBe('conformal')
    expect(await calibration(life())).toBeUndefined()
    await expect(load({ labels, temperature: 1.5 }, { calibration: 'none' })).rejects.toThrow(
      /none as stated.*temperature/,
    )
  })
})

describe('values', () => {
  it('come back in their unit, within what can be', async () => {
    const scale = { mean: 100, deviation: 10 }
    const recipe = {
      values: [
        { name: 'life', unit: 'h', scale, clamp: { min: 0 } },
        { name: 'load', unit: 'kN', scale },
      ],
    } as const
    expect((await read(recipe, [-20, 0.5])).output).toEqual({ life: 0, load: 105 })
  })

  it('have an interval of a measured half-width, and its level is the confidence', async () => {
    const interval = { level: 0.9, halfWidth: 12 }
    const recipe = { values: [{ name: 'life', unit: 'h', clamp: { min: 0, max: 125 }, interval }] }
    const reply = await read(recipe, [120])
    expect(reply.output).toEqual({ life: { value: 120, low: 108, high: 125, level: 0.9 } })
    expect(reply.confidence).toBe(0.9)
  })

  it('have an interval of quantiles, in order even where the network crosses them', async () => {
    const interval = { level: 0.9, quantiles: [0.05, 0.5, 0.95], margin: 1 } as const
    const recipe = {
      values: [
        { name: 'life', unit: 'h', interval },
        { name: 'load', unit: 'kN' },
      ],
    } as const
    expect((await read(recipe, [30, 20, 10, 4])).output).toEqual({
      life: { value: 20, low: 9, high: 31, level: 0.9 },
      load: 4,
    })
  })

  it.each<[string, OutputRecipe, (output: never) => unknown]>([
    [
      'a half-width',
      {
        values: [
          {
            name: 'life',
            unit: 'h',
            limits: { physical: { min: 0, max: 12 } },
            interval: { level: 0.9, halfWidth: 20 },
          },
        ],
      },
      ({ life }: { life: unknown }) => life,
    ],
    [
      'quantiles of a tensor',
      {
        tensor: {
          shape: [1],
          unit: 'h',
          limits: { physical: { min: 0, max: 12 } },
          interval: { level: 0.9, quantiles: [0.05, 0.5, 0.95], margin: 20 },
        },
      },
      ({ y }: { y: Record<'value' | 'low' | 'high', Tensor> & { level: number } }) => ({
        value: y.value.data[0],
        low: y.low.data[0],
        high: y.high.data[0],
        level: y.level,
      }),
    ],
  ])('have an interval that ends where values can no longer be: %s', async (_, recipe, lifeOf) => {
    const { output } = await read(recipe, 'values' in recipe ? [10] : [10, 10, 10])
    expect(lifeOf(output as never)).toEqual({ value: 10, low: 0, high: 12, level: 0.9 })
    const beyond = read(recipe, 'values' in recipe ? [13] : [13, 13, 13])
    expect(await faultOf(beyond)).toMatchObject({ code: 'invalid-output' })
  })

  it('that break their physical limits are faults', async () => {
    const recipe = { values: [{ name: 'life', unit: 'h', limits: { physical: { min: 0 } } }] }
    expect(await faultOf(read(recipe, [-1]))).toMatchObject({ code: 'invalid-output', field: '/output/life' })
  })

  it.each([
    ['of another number', { values: [{ name: 'a', unit: '1' }] }, /take 1 elements.*\[batch, 2\]/],
    [
      'with a level that is none',
      { values: [{ name: 'a', unit: '1', interval: { level: 90, halfWidth: 1 } }] },
      /level is 90|take 1/,
    ],
    [
      'with a cyclic scale',
      {
        values: [
          { name: 'a', unit: '1', scale: { period: 2 } },
          { name: 'b', unit: '1' },
        ],
      },
      /scale/,
    ],
    [
      'of one name twice',
      {
        values: [
          { name: 'a', unit: '1' },
          { name: 'a', unit: 'mm' },
        ],
      },
      /two fields are named 'a'/,
    ],
    [
      'with a half-width for each of one value',
      {
        values: [
          { name: 'a', unit: '1', interval: { level: 0.9, halfWidth: [1, 2] } },
          { name: 'b', unit: '1' },
        ],
      },
      /halfWidth is \[1,2\]: it must be a number/,
    ],
    [
      'with a margin that would narrow it',
      { values: [{ name: 'a', unit: '1', interval: { level: 0.9, quantiles: [0.05, 0.5, 0.95], margin: -1 } }] },
      /margin is -1|take 3/,
    ],
  ])('%s are refused when they are loaded', async (_, recipe, message) => {
    await expect(read(recipe as OutputRecipe, [1, 2])).rejects.toThrow(message)
  })
})

describe('tensors', () => {
  it('lose the batch axis where their shape has none, and come back in their unit', async () => {
    const recipe = { tensor: { field: 'load', shape: [3], unit: 'kW', scale: { min: 0, max: 10 } } }
    const { output } = await read(recipe, [0, 0.5, 1])
    expect(output).toEqual({ load: tensor(Float32Array.of(0, 5, 10), [3]) })
  })

  it('have an interval of a half-width for each step', async () => {
    const recipe = { tensor: { shape: [2], interval: { level: 0.8, halfWidth: [1, 2] } } }
    const { output, confidence } = await read(recipe, [10, 20])
    const { low, high } = (output as unknown as { y: Record<string, Tensor> }).y
    expect([Array.from(low!.data, Number), Array.from(high!.data, Number)]).toEqual([
      [9, 18],
      [11, 22],
    ])
    expect(confidence).toBe(0.8)
  })

  it('that are moved to their limits are within them, whatever single precision makes of those', async () => {
    const range = { min: 0.7, max: 1.1 }
    const interval = { level: 0.9, halfWidth: 0.1 }
    const recipe = { tensor: { shape: [2], unit: '1', clamp: range, limits: { physical: range }, interval } }
    const { output } = await read(recipe, [0.1, 2])
    const { value, low, high } = (output as unknown as { y: Record<string, Tensor> }).y
    for (const one of [value, low, high])
      for (const [i, end] of [0.7, 1.1].entries()) expect(one!.data[i]).toBeCloseTo(end, 6)
  })

  it('have an interval of quantiles in the last axis', async () => {
    const recipe = { tensor: { shape: [2], interval: { level: 0.9, quantiles: [0.05, 0.5, 0.95] as const } } }
    const { output } = await read(recipe, [1, 2, 3, 10, 20, 30], [1, 2, 3])
    const { value, low, high } = (output as unknown as { y: Record<string, Tensor> }).y
    expect([value, low, high].map((one) => Array.from(one!.data, Number))).toEqual([
      [2, 20],
      [1, 10],
      [3, 30],
    ])
  })
})

describe('an output whose recipe cannot be right is refused when it is loaded', () => {
  it.each<[string, OutputRecipe, RegExp]>([
    ['a name for one of two axes', { tensor: { shape: ['n', 2], axes: ['x'] } }, /1 axes are named.*\[n, 2\]/],
    [
      'half-widths for three of two values',
      { tensor: { shape: [2], interval: { level: 0.9, halfWidth: [1, 2, 3] } } },
      /halfWidth has 3 numbers.*last axis.* 2/,
    ],
  ])('%s', async (_, recipe, message) => {
    const loading = read(recipe, [1, 2])
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toBeInstanceOf(TypeError)
  })
})

describe('a text', () => {
  const load = (dims: readonly (number | string)[]) =>
    onnxModel({
      ...stated,
      model: identity(dims, 'string'),
      inputs: { x: { text: { many: true } } },
      outputs: { y: { text: {} } },
    })

  it('is the only one that the network gives: others are not left out in silence', async () => {
    const model = await load(['n'])
    const ask = (x: readonly string[]) => invoke(model, { x }, { deadlineMs: 10_000 })
    expect((await ask(['a'])).output).toEqual({ y: 'a' })
    expect(await faultOf(ask(['a', 'b']))).toMatchObject({
      code: 'invalid-output',
      message: expect.stringContaining('2 texts'),
    })
    await model.dispose()
    await expect(load([2])).rejects.toThrow(/'y'.*\[2\].*many: true/)
  })
})

describe('a tensor that is calculated', () => {
  /** What callers get where the network gives these elements. */
  async function calculated(type: Parameters<typeof identity>[1], x: Tensor, recipe: object) {
    const model = await onnxModel({
      ...stated,
      model: identity(['n'], type),
      inputs: { x: { tensor: {} } },
      outputs: { y: { tensor: recipe } },
    })
    const { output } = await invoke(model, { x } as never, { deadlineMs: 10_000 })
    const { y: schema } = model.descriptor.output.properties as {
      readonly y: { readonly tensor?: { readonly dtype: string } }
    }
    await model.dispose()
    return [schema.tensor?.dtype, (output as { readonly y: unknown }).y] as const
  }

  it('keeps the digits that the network gives', async () => {
    const scale = { mean: 1e6, deviation: 1 }
    expect(await calculated('float64', tensor(Float64Array.of(0.123456789)), { scale })).toEqual([
      'float64',
      tensor(Float64Array.of(1_000_000.123456789)),
    ])
    expect(
      await calculated('int32', tensor(Int32Array.of(2 ** 30 + 1)), { scale: { mean: 0.5, deviation: 1 } }),
    ).toEqual(['float64', tensor(Float64Array.of(2 ** 30 + 1.5))])
    const [dtype, spread] = await calculated('float64', tensor(Float64Array.of(1e9 + 0.5)), {
      interval: { level: 0.9, halfWidth: 0.25 },
    })
    expect([dtype, spread]).toEqual([
      undefined,
      {
        value: tensor(Float64Array.of(1e9 + 0.5)),
        low: tensor(Float64Array.of(1e9 + 0.25)),
        high: tensor(Float64Array.of(1e9 + 0.75)),
        level: 0.9,
      },
    ])
    expect((await calculated('int16', tensor(Int16Array.of(7)), { scale }))[0]).toBe('float32')
  })

  it('is of whole numbers where it is only clamped', async () => {
    const large = 2n ** 53n + 1n
    expect(await calculated('int64', tensor(BigInt64Array.of(-5n, large)), { clamp: { min: 0 } })).toEqual([
      'int64',
      tensor(BigInt64Array.of(0n, large)),
    ])
    expect(await calculated('uint8', tensor(Uint8Array.of(1, 7, 200)), { clamp: { min: 5, max: 100 } })).toEqual([
      'uint8',
      tensor(Uint8Array.of(5, 7, 100)),
    ])
    const half = calculated('int64', tensor(BigInt64Array.of(1n)), { clamp: { max: 0.5 } })
    await expect(half).rejects.toThrow(/outputs\.y\.clamp\.max is 0\.5, which no int64 is/)
  })

  it('says what it becomes where another type is stated', async () => {
    const load = calculated('int64', tensor(BigInt64Array.of(1n)), { dtype: 'int64', scale: { mean: 0, deviation: 2 } })
    await expect(load).rejects.toThrow(/dtype is int64, .* gives int64, which becomes float64/)
  })
})

describe('an interval of quantiles is refused where the network gives more or fewer than three', () => {
  const recipe = { tensor: { shape: [2], interval: { level: 0.9, quantiles: [0.05, 0.5, 0.95] } } } as const
  const five = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50]

  it('when it is loaded, where the file says so', async () => {
    await expect(read(recipe, five, [1, 2, 5])).rejects.toThrow(/three long; .* has \[batch, 2, 5\]/)
  })

  it('when it is read, where the file leaves it open', async () => {
    const model = await onnxModel({
      ...stated,
      model: identity(['batch', 2, 'quantiles']),
      inputs: { x: { tensor: {} } },
      outputs: { y: recipe },
    })
    const fault = await faultOf(
      invoke(model, { x: tensor(Float32Array.from(five), [1, 2, 5]) }, { deadlineMs: 10_000 }),
    )
    expect(fault).toMatchObject({ code: 'invalid-output', message: expect.stringContaining('gave [1, 2, 5]') })
    await model.dispose()
  })
})

describe('what cannot be read is refused when it is loaded', () => {
  const load = (recipe: object, dims: readonly (number | string)[], type: Parameters<typeof identity>[1]) =>
    onnxModel({ ...stated, model: identity(dims, type), outputs: { y: recipe as OutputRecipe } })

  it.each([
    ['labels of texts', { labels }, 'string', /outputs.y: .* holds texts: use \{ text: \{\} \}/],
    ['values of texts', { values: [{ name: 'a', unit: '1' }] }, 'string', /outputs.y: .* holds texts/],
    ['characters of texts', { characters: { field: 'a', alphabet: ['', 'A'] } }, 'string', /outputs.y: .* holds texts/],
    [
      'labels of a chosen class',
      { labels },
      'int64',
      /holds int64, which are no scores: name the output that gives one/,
    ],
    ['characters without a blank', { characters: { field: 'a', alphabet: ['A', 'B'] } }, 'float32', /has no blank/],
  ] as const)('%s', async (_, recipe, type, message) => {
    await expect(load(recipe, ['n', 2], type)).rejects.toThrow(message)
  })

  it.each([
    ['labels', { labels }],
    [
      'values',
      {
        values: [
          { name: 'a', unit: '1' },
          { name: 'b', unit: '1' },
        ] as ValueField[],
      },
    ],
  ])('and %s of several rows say what reads them', async (_, recipe) => {
    const fault = await faultOf(read(recipe, [0.9, 0.1, 0.5, 0.5], [2, 2]))
    expect(fault).toMatchObject({ code: 'invalid-output', field: '/output' })
    expect(fault.message).toMatch(/gave \[2, 2\] as 'y', stated are 2 .*\{ tensor: \{\} \} reads several rows/)
  })
})

describe('characters', () => {
  const alphabet = ['', 'A', 'B']
  const steps = (...best: number[]) => best.flatMap((one) => alphabet.map((_, i) => (i === one ? 0.8 : 0.1)))

  it('are one where they repeat, and two where a blank divides them', async () => {
    const reply = await read({ characters: { field: 'plate', alphabet } }, steps(1, 1, 0, 1, 2, 0), [1, 6, 3])
    expect(reply.output).toEqual({ plate: 'AAB' })
    expect(reply.confidence).toBeCloseTo(0.8 ** 6, 6)
  })

  it('of scores that are no probabilities are a fault, and never sure', async () => {
    const recipe = { characters: { field: 'plate', alphabet } } as const
    for (const scores of [
      [9, 1, 1],
      [-0.1, -3, -4],
    ])
      expect(await faultOf(read(recipe, scores, [1, 1, 3]))).toMatchObject({
        code: 'invalid-output',
        message: expect.stringContaining("state scores: 'logits'"),
      })
    const logits = { characters: { ...recipe.characters, scores: 'logits' } } as const
    expect((await read(logits, [9, 1, 1], [1, 1, 3])).confidence).toBeCloseTo(1 / (1 + 2 * Math.exp(-8)), 6)
  })

  it('of another alphabet than the file’s are refused', async () => {
    await expect(read({ characters: { field: 'plate', alphabet: ['', 'A'] } }, steps(1), [1, 1, 3])).rejects.toThrow(
      /alphabet has 2 characters/,
    )
  })
})
