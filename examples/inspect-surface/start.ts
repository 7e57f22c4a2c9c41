/**
 * Names the defect that a picture of a steel surface shows, and refuses pictures of something else.
 *
 *   npx tsx examples/inspect-surface/start.ts              a drawn surface, which it says
 *   npx tsx examples/inspect-surface/start.ts --data DIR   the 48 pictures of NEU's collection that the network has never seen
 *
 * Exits with 1 where the answers are worse than the model card promises.
 */
import assert from 'node:assert/strict'
import { invoke, isFault, tensor } from '@dinrail/core'
import { dataFolder } from '../example-options.ts'
import { readPicture } from '../picture-file.ts'
import { measure } from '../training/measure.ts'
import { surfaceDefects, surfaceModel } from './surface-model.ts'
import { drawnScratches, heldOutPictures } from './surface-pictures.ts'

const PROMISED = 0.85
const data = dataFolder('neu-det')
const surface = await surfaceModel()
const bounds = { deadlineMs: 5_000 }

if (data === undefined) {
  const { output, confidence = 0 } = await invoke(surface, { picture: drawnScratches(1) }, bounds)
  console.log(`a scratched surface, drawn, not photographed: ${output.label}, ${(100 * confidence).toFixed(0)} % sure`)
  assert.equal(output.label, 'scratches')

  // A camera that sees nothing but its cap, and the network has no label for that.
  const cap = tensor(new Uint8Array(200 * 200).fill(128), [200, 200, 1])
  const refusal = await invoke(surface, { picture: cap }, bounds).then(
    ({ output: { label } }) => assert.fail(`an even grey was called ${label}`),
    (problem: unknown) => problem,
  )
  assert(isFault(refusal) && refusal.code === 'out-of-limits', String(refusal))
  console.log(`a picture of no surface: ${refusal.code}, ${refusal.message}`)
} else {
  const probabilities: Float64Array[] = []
  const truth: number[] = []
  let refused = 0
  for (const { file, defect } of heldOutPictures(data)) {
    truth.push(surfaceDefects.indexOf(defect))
    try {
      const { output } = await invoke(surface, { picture: await readPicture(file) }, bounds)
      probabilities.push(Float64Array.from(surfaceDefects, (label) => output.probabilities[label]))
    } catch (problem) {
      if (!isFault(problem) || problem.code !== 'out-of-limits') throw problem
      // A refusal is counted as a wrong answer: the next defect in the list.
      refused += 1
      const wrong = (truth.at(-1)! + 1) % surfaceDefects.length
      probabilities.push(Float64Array.from(surfaceDefects, (_, i) => (i === wrong ? 1 : 0)))
    }
  }
  const { accuracy, accuracyInterval, confusion, n } = measure(probabilities, truth, surfaceDefects)
  const percent = (share: number) => (100 * share).toFixed(1)
  console.log(`accuracy ${percent(accuracy)} % of ${n} pictures that the network has never seen`)
  console.log(
    `  95 % interval of it ${accuracyInterval.map(percent).join(' to ')} %; ${refused} were refused, counted as wrong`,
  )
  for (const [row, label] of surfaceDefects.entries()) console.log(`  ${label.padEnd(16)} ${confusion[row]!.join(' ')}`)
  assert(accuracy >= PROMISED, `the accuracy ${accuracy} is below ${PROMISED}`)
}
await surface.dispose()
