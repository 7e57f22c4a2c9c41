/**
 * Listens for voices in a machine hall, and shows that a network with a memory keeps its callers apart.
 *
 *   npx tsx examples/listen-for-voice/start.ts [sound.wav]
 *
 * Without a file it hears the sound beside it: a hum, and two calls that a speech synthesiser made. Exits with 1 where a call
 * is missed or heard where there is none, or where two interleaved sessions answer other than alone.
 */
import assert from 'node:assert/strict'
import { invoke, tensor } from '@dinrail/core'
import { RATE, STEP, voiceModel } from './voice-model.ts'
import { readWave } from './wave-file.ts'

/** Seconds, as the synthesiser made them. */
const calls = [
  { from: 0.6, to: 2.36 },
  { from: 3, to: 4.02 },
]
const TOLERANCE = 0.2
/** A voice begins above the first and ends below the second probability, for so many steps. */
const [BEGINS, ENDS, PAUSE] = [0.5, 0.35, 10]

const voice = await voiceModel()
type Session = ReturnType<typeof voice.openSession>

const stepsOf = (sound: Float32Array) =>
  Array.from({ length: Math.floor(sound.length / STEP) }, (_, step) =>
    tensor(sound.slice(step * STEP, (step + 1) * STEP)),
  )

async function heard(session: Session, sound: ReturnType<typeof stepsOf>[number]): Promise<number> {
  const { output } = await invoke(session, { sound }, { deadlineMs: 1_000 })
  return output.probabilities.voice
}

function voicesIn(probabilities: readonly number[]): { from: number; to: number }[] {
  const voices: { from: number; to: number }[] = []
  let [begun, quiet] = [-1, 0]
  for (const [step, probability] of [...probabilities, ...new Array<number>(PAUSE).fill(0)].entries()) {
    if (begun < 0 && probability >= BEGINS) [begun, quiet] = [step, 0]
    if (begun < 0) continue
    quiet = probability < ENDS ? quiet + 1 : 0
    if (quiet < PAUSE) continue
    voices.push({ from: (begun * STEP) / RATE, to: ((step + 1 - quiet) * STEP) / RATE })
    begun = -1
  }
  return voices
}

const [given] = process.argv.slice(2)
const sound = stepsOf(await readWave(given ?? new URL('./sound/machine-hall.wav', import.meta.url)))
const alone: number[] = []
const one = voice.openSession()
for (const step of sound) alone.push(await heard(one, step))
await one.dispose?.()
const voices = voicesIn(alone)
for (const { from, to } of voices) console.log(`a voice from ${from.toFixed(2)} s to ${to.toFixed(2)} s`)

// Two microphones at once: one hears the hall, the other one hears it later. Each must answer as if it were alone.
const later = 20
const [first, second] = [voice.openSession(), voice.openSession()]
const [here, there]: [number[], number[]] = [[], []]
for (let step = 0; step < sound.length + later; step++) {
  const both = [
    step < sound.length ? heard(first, sound[step]!).then((answer) => here.push(answer)) : undefined,
    step >= later ? heard(second, sound[step - later]!).then((answer) => there.push(answer)) : undefined,
  ]
  await Promise.all(both)
}
assert.deepEqual(here, alone, 'the first microphone heard something of the second')
assert.deepEqual(there, alone, 'the second microphone heard something of the first')
console.log(`two sessions, interleaved over ${sound.length + later} steps, answered as each alone`)

// A session that anybody can name belongs to its caller: the same name of another caller is another memory.
const named = (id: string, step: number) =>
  invoke(voice, { sound: sound[step]!, session: 'gate' }, { deadlineMs: 1_000, caller: { id } })
const speaking = Math.floor((1.5 * RATE) / STEP)
for (let step = 0; step < speaking; step++) await named('gate-3', step)
const warm = (await named('gate-3', speaking)).output.probabilities.voice
const cold = (await named('gate-4', speaking)).output.probabilities.voice
assert.equal(warm, alone[speaking])
assert.notEqual(warm, cold)

if (given === undefined) {
  console.log('the voices were synthesised, which the network was not told')
  assert.equal(voices.length, calls.length, `${voices.length} voices were heard, ${calls.length} were there`)
  for (const [index, { from, to }] of calls.entries()) {
    assert(Math.abs(voices[index]!.from - from) < TOLERANCE, `voice ${index + 1} began at ${from} s`)
    assert(Math.abs(voices[index]!.to - to) < TOLERANCE, `voice ${index + 1} ended at ${to} s`)
  }
}
await Promise.all([first.dispose?.(), second.dispose?.()])
await voice.dispose()
