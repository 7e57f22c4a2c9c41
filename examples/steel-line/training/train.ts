/**
 * Trains the models of the steel line and writes them, their cards and the parameters of the strip simulator.
 * The same data give the same bytes.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeModel } from '../../training/write-model.ts'
import { trainBearingDiagnosis } from './bearing-diagnosis.ts'
import { readStrips } from './steel-plates.ts'
import { fitStripDistributions } from './strip-distributions.ts'
import { trainSurfaceInspection } from './surface-inspection.ts'

const HELP = `Trains the models of the steel line.

  --data DIR   directory that holds cwru-bearing/ and steel-plates/ (default ../shared/data)
  --help       this text

Writes models/*.onnx, models/*.card.json, models/*.card.md and simulator/strips.json beside this folder.
`

const modelsDirectory = fileURLToPath(new URL('../models/', import.meta.url))
const distributionsFile = fileURLToPath(new URL('../simulator/strips.json', import.meta.url))

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: '../shared/data' }, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    console.log(HELP)
    return
  }
  const progressOf = (model: string) => (line: string) => console.log(`${model}: ${line}`)
  writeModel(modelsDirectory, await trainBearingDiagnosis(values.data, progressOf('bearing-diagnosis')))

  // Fitted on the train slice alone: a simulated strip tells nothing of the strips held out.
  const distributions = fitStripDistributions(readStrips(values.data, 'train'))
  writeFileSync(distributionsFile, `${JSON.stringify(distributions)}\n`)
  writeModel(
    modelsDirectory,
    await trainSurfaceInspection(values.data, distributions, progressOf('surface-inspection')),
  )
}

try {
  await main()
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exitCode = 1
}
