import { readFile } from 'node:fs/promises'
import { type Tensor, tensor } from '@dinrail/core'
import { decode as decodePng } from 'fast-png'
import jpeg from 'jpeg-js'

/** A JPEG or PNG file as the models take pictures: bytes [height, width, channels], four channels with opacity. */
export async function readPicture(file: string | URL): Promise<Tensor<'uint8'>> {
  const bytes = await readFile(file)
  if (bytes[0] === 0xff) {
    const { width, height, data } = jpeg.decode(bytes, { useTArray: true })
    return tensor(new Uint8Array(data), [height, width, 4])
  }
  const { width, height, data, channels, depth, palette } = decodePng(bytes)
  if (palette !== undefined) throw new TypeError(`${file} holds colours by their numbers: save it in true colours`)
  if (depth !== 8) throw new TypeError(`${file} has ${depth} bits a channel; 8 are read`)
  return tensor(new Uint8Array(data), [height, width, channels])
}
