/**
 * Reads a motor's nameplate from a picture: a network finds the lines, another reads them, a third model knows the fields.
 * All three are one model, made by `pipe`.
 *
 *   npx tsx examples/read-nameplate/start.ts [picture.png | picture.jpg]
 *
 * Without a picture it reads the drawn one beside it, whose motor is invented, and exits with 1 where a field is wrong.
 */
import assert from 'node:assert/strict'
import { pipe } from '@dinrail/collab'
import { invoke, isFault, tensor } from '@dinrail/core'
import { readPicture } from '../picture-file.ts'
import { nameplateFields } from './nameplate-fields.ts'
import { textDetector, textReader } from './text-models.ts'

const [given] = process.argv.slice(2)
const detector = await textDetector()
const reader = await textReader()
const nameplate = pipe(pipe(detector, reader), nameplateFields())

const picture = await readPicture(given ?? new URL('./picture/nameplate.png', import.meta.url))
const { output, servedBy, elapsedMs, usage } = await invoke(nameplate, { picture }, { deadlineMs: 60_000 })

console.log(`a ${given === undefined ? 'drawn nameplate' : `picture, ${given}`}:`)
const units = nameplate.descriptor.output.properties as Readonly<Record<string, { readonly unit?: string }>>
for (const [field, value] of Object.entries(output))
  console.log(`  ${field.padEnd(10)} ${[value, units[field]?.unit ?? ''].join(' ').trimEnd()}`)
const lines = usage.filter(({ model }) => model.id === 'paddleocr/text-recognition').length
console.log(`${lines} lines read in ${elapsedMs.toFixed(0)} ms by ${servedBy.map(({ id }) => id).join(', ')}`)

if (given === undefined) {
  assert.deepEqual(output, {
    maker: 'NORDWERK MOTOREN',
    type: 'NW-132M4',
    power: 5.5,
    voltage: 400,
    speed: 1455,
    frequency: 50,
  })
  const blank = tensor(new Uint8Array(400 * 640).fill(190), [400, 640, 1])
  const refusal = await invoke(nameplate, { picture: blank }, { deadlineMs: 60_000 }).then(
    () => assert.fail('a blank plate was read'),
    (problem: unknown) => problem,
  )
  assert(isFault(refusal) && refusal.code === 'invalid-input', String(refusal))
  console.log(`a blank plate: ${refusal.code}, ${refusal.message}`)
}
await nameplate.dispose?.()
await Promise.all([detector.dispose(), reader.dispose?.()])
