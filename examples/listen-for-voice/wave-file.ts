import { readFile } from 'node:fs/promises'

/** Samples in −1 to 1 of a WAV file with one channel of 16 bits at 16 kHz. */
export async function readWave(file: string | URL): Promise<Float32Array> {
  const bytes = await readFile(file)
  const text = (at: number) => bytes.toString('latin1', at, at + 4)
  if (text(0) !== 'RIFF' || text(8) !== 'WAVE') throw new TypeError(`${file} is no WAV file`)
  let format: string | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    // A file that was recorded while it was written may claim more than it holds.
    const [kind, length] = [text(at), Math.min(bytes.readUInt32LE(at + 4), bytes.length - at - 8)]
    if (kind === 'fmt ')
      format = [8, 10, 12, 22].map((offset) => bytes[`readUInt${offset === 12 ? 32 : 16}LE`](at + offset)).join(' ')
    if (kind === 'data') {
      if (format !== '1 1 16000 16') throw new TypeError(`${file} must be one channel of 16 bits at 16 kHz`)
      return Float32Array.from({ length: length >> 1 }, (_, i) => bytes.readInt16LE(at + 8 + 2 * i) / 32_768)
    }
    at += 8 + length + (length % 2)
  }
  throw new TypeError(`${file} holds no sound`)
}
