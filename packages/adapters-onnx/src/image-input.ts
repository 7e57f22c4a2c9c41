import { Fault, type Tensor } from '@dinrail/core'
import type { ImageField, ImageInput } from './contract.ts'
import { elementsOf, rangeOf } from './element-types.ts'
import { batchedDimsFor, type PreparedInput, shapeText } from './onnx-input.ts'
import { type Picture, type Region, resized } from './picture.ts'
import type { OnnxMetadata, OnnxType } from './runtime.ts'

/** A picture of any size, brought to what the network takes. */
export function imageInput(metadata: OnnxMetadata, { image }: ImageInput): PreparedInput {
  const { name, type = 'float32' } = metadata
  const at = `inputs.${name}`
  const { field = name, colour = 'rgb', layout = 'nchw', range = 1, normalise, description } = image
  if (type !== 'float32' && type !== 'float16' && !(type === 'uint8' && range === 255 && normalise === undefined))
    throw new TypeError(
      `${at}.image: the file takes ${type}; use range: 255 without normalise for uint8, float32 otherwise`,
    )
  const channels = colour === 'grey' ? 1 : 3
  checkImage(image, channels, at)
  const lengths = image.size.map((length) => (length === 'keep' ? -1 : length))
  const axes = layout === 'nchw' ? [channels, ...lengths] : [...lengths, channels]
  const isBatchAdded = batchedDimsFor(at, metadata, axes).length > axes.length
  const pointer = `/input/${field}`
  const lines = Array.from({ length: channels }, (_, channel) => {
    const { mean = [], deviation = [] } = normalise ?? {}
    const spread = deviation[channel] ?? 1
    return { factor: range / 255 / spread, offset: -(mean[channel] ?? 0) / spread }
  })

  checkRange(lines, type, at)

  return {
    properties: {
      [field]: {
        tensor: { dtype: 'uint8', shape: ['height', 'width', 'channels'], axes: ['height', 'width', 'channels'] },
        description: description ?? 'a picture; three channels are red, green and blue, one is grey',
      },
    },
    feed(input) {
      const { data, shape } = input[field] as Tensor<'uint8'>
      const [height, width, has] = shape as readonly [number, number, number]
      if (!(height > 0 && width > 0) || !(has === 1 || has === 3 || has === 4))
        throw new Fault(
          'invalid-input',
          `${pointer} has the shape ${shapeText(shape)}: a picture is [height, width, channels] with 1, 3 or 4 channels`,
          { field: pointer },
        )
      const size = sizeFor(image, height, width)
      const pixels = coloured(framed({ data, height, width, channels: has }, size, image), has, colour)
      const numbers = arranged(pixels, size, channels, layout, lines)
      const dims = layout === 'nchw' ? [channels, ...size] : [...size, channels]
      return {
        type: type as OnnxType,
        dims: isBatchAdded ? [1, ...dims] : dims,
        data: type === 'float32' ? numbers : elementsOf(type === 'uint8' ? numbers.map(Math.round) : numbers, type),
      }
    },
  }
}

type Size = readonly [height: number, width: number]

/** As `longest`: a picture of this square is 800 MB of floats. */
const longestSide = 8192

function checkImage(image: ImageField, channels: number, at: string): void {
  const { size, fit, multipleOf = 1, longest = 4096, crop = 1, pad = 0, normalise } = image
  const whole = (one: number) => Number.isInteger(one) && one > 0
  if (size.length !== 2 || !size.every((length) => length === 'keep' || (whole(length) && length <= longestSide)))
    throw new TypeError(
      `${at}.image.size is ${JSON.stringify(size)}: two lengths, each in pixels, at most ${longestSide}, or keep`,
    )
  const unused =
    fit !== 'contain' && image.pad !== undefined
      ? (['pad', "fit: 'contain'"] as const)
      : !size.includes('keep') && (image.longest ?? image.multipleOf) !== undefined
        ? ([image.longest === undefined ? 'multipleOf' : 'longest', "a size of 'keep'"] as const)
        : undefined
  if (unused !== undefined) throw new TypeError(`${at}.image.${unused[0]} is used by ${unused[1]} only: leave it out`)
  if (!(pad >= 0 && pad <= 255)) throw new TypeError(`${at}.image.pad is ${pad}: 0 to 255`)
  if (!whole(multipleOf) || !(longest >= multipleOf && longest <= longestSide))
    throw new TypeError(`${at}.image: multipleOf ${multipleOf} and longest ${longest} allow no length`)
  if (!(crop > 0 && crop <= 1)) throw new TypeError(`${at}.image.crop is ${crop}: above 0, at most 1`)
  for (const [key, list] of Object.entries(normalise ?? {}))
    if (list.length !== channels)
      throw new TypeError(`${at}.image.normalise.${key} has ${list.length} numbers for ${channels} channels`)
  if (normalise?.deviation.some((one) => !(one > 0)))
    throw new TypeError(`${at}.image.normalise.deviation is ${JSON.stringify(normalise.deviation)}: above 0`)
}

/** Throws a `TypeError` where black or white becomes a number that the network cannot be fed. */
function checkRange(lines: readonly ChannelLine[], type: string, at: string): void {
  const [least, most] = rangeOf(type as OnnxType)
  for (const { factor, offset } of lines)
    for (const end of [offset, 255 * factor + offset])
      if (!(end >= least && end <= most))
        throw new TypeError(`${at}.image makes ${end} of a pixel, which is beyond what ${type} can hold`)
}

/** One kept length follows the other one's scale; two kept ones are the picture's own, within the longest side. */
function sizeFor({ size, multipleOf = 1, longest = 4096 }: ImageField, height: number, width: number): Size {
  const [tall, wide] = size
  if (tall !== 'keep' && wide !== 'keep') return [tall, wide]
  const scale =
    tall !== 'keep' ? tall / height : wide !== 'keep' ? wide / width : Math.min(1, longest / Math.max(height, width))
  const most = Math.floor(longest / multipleOf)
  const kept = (length: number) => multipleOf * Math.min(most, Math.max(1, Math.round((length * scale) / multipleOf)))
  return [tall === 'keep' ? kept(height) : tall, wide === 'keep' ? kept(width) : wide]
}

/** Luma of ITU-R BT.601. */
const luma = [0.299, 0.587, 0.114] as const

/**
 * Pixels with the channels that the network takes; a fourth, the opacity, is left out. Comes after resizing, which it commutes
 * with, since there are fewer pixels then.
 */
function coloured(data: Float32Array, channels: number, colour: 'rgb' | 'bgr' | 'grey'): Float32Array {
  const wanted = colour === 'grey' ? 1 : 3
  if (channels === wanted && colour !== 'bgr') return data
  const pixels = data.length / channels
  const out = new Float32Array(pixels * wanted)
  for (let i = 0; i < pixels; i++) {
    const from = i * channels
    if (channels === 1) out.fill(data[from]!, i * wanted, (i + 1) * wanted)
    else if (wanted === 1) out[i] = luma[0] * data[from]! + luma[1] * data[from + 1]! + luma[2] * data[from + 2]!
    else
      for (let channel = 0; channel < 3; channel++)
        out[i * 3 + channel] = data[from + (colour === 'bgr' ? 2 - channel : channel)]!
  }
  return out
}

/** The part of the picture that is looked at, at the size that is wanted. */
function framed(picture: Picture, size: Size, { fit = 'stretch', crop = 1, pad = 0, resize = 'bilinear' }: ImageField) {
  const middle: Region = {
    top: (picture.height * (1 - crop)) / 2,
    left: (picture.width * (1 - crop)) / 2,
    height: picture.height * crop,
    width: picture.width * crop,
  }
  if (fit === 'stretch') return resized(picture, middle, size, resize)
  const [height, width] = size
  if (fit === 'cover') {
    const scale = Math.max(height / middle.height, width / middle.width)
    const seen = { height: height / scale, width: width / scale }
    const region: Region = {
      ...seen,
      top: middle.top + (middle.height - seen.height) / 2,
      left: middle.left + (middle.width - seen.width) / 2,
    }
    return resized(picture, region, size, resize)
  }
  const scale = Math.min(height / middle.height, width / middle.width)
  const inner: Size = [Math.max(1, Math.round(middle.height * scale)), Math.max(1, Math.round(middle.width * scale))]
  const { channels } = picture
  const content = resized(picture, middle, inner, resize)
  const out = new Float32Array(height * width * channels).fill(pad)
  const top = (height - inner[0]) >> 1
  const left = (width - inner[1]) >> 1
  for (let y = 0; y < inner[0]; y++) {
    const row = content.subarray(y * inner[1] * channels, (y + 1) * inner[1] * channels)
    out.set(row, ((top + y) * width + left) * channels)
  }
  return out
}

interface ChannelLine {
  readonly factor: number
  readonly offset: number
}

function arranged(
  pixels: Float32Array,
  [height, width]: Size,
  channels: number,
  layout: 'nchw' | 'nhwc',
  lines: readonly ChannelLine[],
): Float32Array {
  const count = height * width
  const out = new Float32Array(count * channels)
  lines.forEach(({ factor, offset }, channel) => {
    for (let i = 0; i < count; i++) {
      const to = layout === 'nchw' ? channel * count + i : i * channels + channel
      out[to] = pixels[i * channels + channel]! * factor + offset
    }
  })
  return out
}
