import { type Fault, invoke, type Tensor, tensor } from '@dinrail/core'
import fc from 'fast-check'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { type ImageField, onnxModel } from './index.ts'
import { resized } from './picture.ts'
import { identity } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const stated = {
  runtime: ort,
  id: 'acme/camera',
  version: '1.0.0',
  title: 'Camera',
  task: 'visual-recognition',
} as const
type Shape = readonly (number | string)[]

async function seen(image: ImageField, dims: Shape, picture: Tensor<'uint8'>, type: 'float32' | 'uint8' = 'float32') {
  const model = await onnxModel({ ...stated, model: identity(dims, type), inputs: { x: { image } } })
  try {
    const { output } = await invoke(model, { x: picture }, { deadlineMs: 10_000 })
    const { data, shape } = (output as { y: Tensor }).y
    return { shape, pixels: Array.from(data, Number) }
  } finally {
    await model.dispose()
  }
}
const picture = (height: number, width: number, ...pixels: (readonly number[])[]) =>
  tensor(Uint8Array.from(pixels.flat()), [height, width, pixels[0]!.length])
const red = [255, 0, 0]
const blue = [0, 0, 255]
const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length)
  actual.forEach((one, i) => {
    expect(one).toBeCloseTo(expected[i]!, 4)
  })
}

describe('a picture', () => {
  it('comes as planes or as pixels, red or blue first', async () => {
    const two = picture(1, 2, red, blue)
    close((await seen({ size: [1, 2] }, ['n', 3, 1, 2], two)).pixels, [1, 0, 0, 0, 0, 1])
    close((await seen({ size: [1, 2], layout: 'nhwc' }, ['n', 1, 2, 3], two)).pixels, [1, 0, 0, 0, 0, 1])
    close((await seen({ size: [1, 2], colour: 'bgr' }, ['n', 3, 1, 2], two)).pixels, [0, 1, 0, 0, 1, 0])
    close((await seen({ size: [1, 2], range: 255 }, [3, 1, 2], two)).pixels, [255, 0, 0, 0, 0, 255])
  })

  it('is normalised channel by channel', async () => {
    const normalise = { mean: [0.5, 0, 0], deviation: [0.25, 1, 2] }
    close(
      (await seen({ size: [1, 1], normalise }, ['n', 3, 1, 1], picture(1, 1, [255, 51, 255]))).pixels,
      [2, 0.2, 0.5],
    )
  })

  it('becomes grey, grey becomes coloured, and opacity is left out', async () => {
    close((await seen({ size: [1, 1], colour: 'grey' }, ['n', 1, 1, 1], picture(1, 1, red))).pixels, [0.299])
    close((await seen({ size: [1, 1] }, ['n', 3, 1, 1], picture(1, 1, [51]))).pixels, [0.2, 0.2, 0.2])
    close((await seen({ size: [1, 1] }, ['n', 3, 1, 1], picture(1, 1, [...red, 7]))).pixels, [1, 0, 0])
  })

  it('is fed as bytes to a network of bytes', async () => {
    const bytes = await seen({ size: [1, 1], range: 255 }, ['n', 3, 1, 1], picture(1, 1, [1, 2, 3]), 'uint8')
    expect(bytes.pixels).toEqual([1, 2, 3])
  })

  it('is stretched, cut or framed', async () => {
    const wide = picture(1, 4, [0], [100], [200], [40])
    const grey = { colour: 'grey', range: 255, resize: 'nearest' } as const
    const dims = ['n', 1, 2, 2]
    expect((await seen({ ...grey, size: [2, 2] }, dims, wide)).pixels).toEqual([100, 40, 100, 40])
    expect((await seen({ ...grey, size: [2, 2], fit: 'cover' }, dims, wide)).pixels).toEqual([100, 200, 100, 200])
    const framed = await seen({ ...grey, size: [4, 4], fit: 'contain', pad: 9 }, ['n', 1, 4, 4], wide)
    expect(framed.pixels).toEqual([9, 9, 9, 9, 0, 100, 200, 40, 9, 9, 9, 9, 9, 9, 9, 9])
    const middle = picture(4, 4, ...Array.from({ length: 16 }, (_, i) => [i]))
    expect((await seen({ ...grey, size: [2, 2], crop: 0.5 }, dims, middle)).pixels).toEqual([5, 6, 9, 10])
  })

  it('keeps its proportions where the network takes any width', async () => {
    const any = ['n', 1, 'height', 'width']
    const grey = { colour: 'grey', multipleOf: 4, longest: 16 } as const
    const tall = tensor(new Uint8Array(8 * 30), [8, 30, 1])
    expect((await seen({ ...grey, size: [4, 'keep'] }, any, tall)).shape).toEqual([1, 1, 4, 16])
    expect((await seen({ ...grey, size: ['keep', 'keep'] }, any, tall)).shape).toEqual([1, 1, 4, 16])
  })

  it.each([
    ['without a pixel', tensor(new Uint8Array(0), [0, 4, 3])],
    ['of two channels', tensor(new Uint8Array(2), [1, 1, 2])],
    ['of floats', tensor(new Float32Array(3), [1, 1, 3])],
    ['without channels', tensor(new Uint8Array(4), [2, 2])],
  ])('%s is refused by its name', async (_, given) => {
    const fault = await seen({ size: [1, 1] }, ['n', 3, 1, 1], given as Tensor<'uint8'>).then(
      () => expect.fail('it was answered'),
      (thrown: Fault) => thrown,
    )
    expect(fault).toMatchObject({ code: 'invalid-input', field: '/input/x' })
  })

  it.each([
    ['a size that the file has not', { size: [2, 2] }, /makes the shape \[3, 2, 2\].*\[n, 3, 1, 1\]/],
    ['another number of channels', { size: [1, 1], colour: 'grey' }, /makes the shape \[1, 1, 1\]/],
    ['too few means', { size: [1, 1], normalise: { mean: [0], deviation: [1] } }, /mean has 1 numbers for 3 channels/],
    ['a crop of nothing', { size: [1, 1], crop: 0 }, /crop is 0/],
    ['three lengths', { size: [1, 1, 1] }, /size is \[1,1,1\]: two lengths/],
    ['a size beyond all memory', { size: [1, 9_000] }, /size is \[1,9000\]: .* at most 8192/],
    ['a pad that is no colour', { size: [1, 1], fit: 'contain', pad: -1 }, /pad is -1: 0 to 255/],
    ['a pad around nothing', { size: [1, 1], pad: 114 }, /pad is used by fit: 'contain' only/],
    ['a bound of no length', { size: [1, 1], longest: 640 }, /longest is used by a size of 'keep' only/],
    ['a multiple of no length', { size: [1, 1], multipleOf: 32 }, /multipleOf is used by a size of 'keep' only/],
    [
      'a deviation of nothing',
      { size: [1, 1], normalise: { mean: [0, 0, 0], deviation: [1, 0, 1] } },
      /deviation is \[1,0,1\]: above 0/,
    ],
  ])('with %s is refused when it is loaded', async (_, image, message) => {
    await expect(seen(image as unknown as ImageField, ['n', 3, 1, 1], picture(1, 1, red))).rejects.toThrow(message)
  })
})

it('a picture that half floats cannot hold is refused when it is loaded', async () => {
  const image = { size: [1, 1], range: 255, normalise: { mean: [0, 0, 0], deviation: [1e-3, 1, 1] } } as const
  await expect(
    onnxModel({ ...stated, model: identity(['n', 3, 1, 1], 'float16'), inputs: { x: { image } } }),
  ).rejects.toThrow(/255000.*beyond what float16 can hold/)
})

describe('resizing', () => {
  const whole = (height: number, width: number) => ({ top: 0, left: 0, height, width })
  const side = fc.integer({ min: 1, max: 9 })

  it('leaves one colour one colour, whatever the sizes', () => {
    fc.assert(
      fc.property(side, side, side, side, fc.constantFrom('bilinear', 'nearest', 'area'), (h, w, tall, wide, how) => {
        const data = new Uint8Array(h * w).fill(77)
        const out = resized({ data, height: h, width: w, channels: 1 }, whole(h, w), [tall, wide], how as 'area')
        for (const pixel of out) expect(pixel).toBeCloseTo(77, 3)
      }),
    )
  })

  it('needs memory for what comes out, however tall or wide a picture is', () => {
    const long = 50_000_000
    const data = new Uint8Array(long).fill(7)
    for (const [height, width] of [
      [long, 1],
      [1, long],
    ] as const) {
      const out = resized({ data, height, width, channels: 1 }, whole(height, width), [64, 64], 'bilinear')
      expect(new Set(out)).toEqual(new Set([7]))
    }
  })

  it('to the same size changes nothing', () => {
    fc.assert(
      fc.property(side, side, fc.constantFrom('bilinear', 'nearest', 'area'), (height, width, how) => {
        const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 37) % 256)
        const out = resized({ data, height, width, channels: 3 }, whole(height, width), [height, width], how as 'area')
        expect(Array.from(out)).toEqual(Array.from(data))
      }),
    )
  })

  it('by area keeps the mean where the sizes divide', () => {
    const data = Uint8Array.from({ length: 36 }, (_, i) => (i * 53) % 256)
    const out = resized({ data, height: 6, width: 6, channels: 1 }, whole(6, 6), [2, 3], 'area')
    const mean = (list: ArrayLike<number>) => Array.from(list).reduce((sum, one) => sum + one, 0) / list.length
    expect(mean(out)).toBeCloseTo(mean(data), 4)
    expect(out[0]).toBeCloseTo(mean([0, 1, 6, 7, 12, 13].map((i) => data[i]!)), 4)
  })

  it('bilinear is the field’s own: centres at halves, edges level', () => {
    const data = Uint8Array.of(0, 100)
    const out = resized({ data, height: 1, width: 2, channels: 1 }, whole(1, 2), [1, 4], 'bilinear')
    close(Array.from(out), [0, 25, 75, 100])
  })
})
