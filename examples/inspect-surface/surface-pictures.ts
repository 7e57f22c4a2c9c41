import { readdirSync } from 'node:fs'
import path from 'node:path'
import { type Tensor, tensor } from '@dinrail/core'
import { seededRandom } from '../training/random.ts'
import { surfaceDefects } from './surface-model.ts'

export type SurfaceDefect = (typeof surfaceDefects)[number]

/** Each class in the order of its numbers is cut into so many runs; the last is held out, as the training does. */
const FOLDS = 5

/** Pictures that the network has never seen, with what they show. */
export const heldOutPictures = (dataDirectory: string): { readonly file: string; readonly defect: SurfaceDefect }[] => {
  const folder = path.join(dataDirectory, 'neu-det', 'images')
  const numberOf = (name: string) => Number(/(\d+)\.jpg$/.exec(name)?.[1])
  return surfaceDefects.flatMap((defect) => {
    const own = readdirSync(folder)
      .filter((name) => name.replace(/_\d+\.jpg$/, '') === defect)
      .sort((a, b) => numberOf(a) - numberOf(b))
    return own
      .filter((_, position) => Math.floor((position * FOLDS) / own.length) === FOLDS - 1)
      .map((name) => ({ file: path.join(folder, name), defect }))
  })
}

const SIDE = 200

/** A drawing of a scratched surface: dark grey with a soft grain, and bright lines along it. */
export const drawnScratches = (seed: number): Tensor<'uint8'> => {
  const random = seededRandom(seed)
  const rough = Array.from({ length: SIDE * SIDE }, () => random.normal())
  const grey = Float32Array.from(rough, (_, i) => {
    const around = [0, 1, 2, SIDE, SIDE + 1, SIDE + 2, 2 * SIDE, 2 * SIDE + 1]
    return 90 + 2 * around.reduce((sum, step) => sum + rough[(i + step) % rough.length]!, 0)
  })
  for (let line = 0; line < 2; line++) {
    const [from, lean, length] = [20 + random.below(160), 0.06 * random.normal(), 80 + random.below(110)]
    const start = random.below(SIDE - length + 1)
    for (let y = start; y < start + length; y++)
      for (let wide = -4; wide <= 4; wide++) {
        const x = Math.round(from + lean * y + wide)
        if (x >= 0 && x < SIDE) grey[y * SIDE + x]! += 90 * Math.exp(-(wide ** 2) / 4)
      }
  }
  return tensor(
    Uint8Array.from(grey, (value) => Math.max(0, Math.min(255, value))),
    [SIDE, SIDE, 1],
  )
}
