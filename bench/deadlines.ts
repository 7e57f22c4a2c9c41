// How late calls settle whose models hang: a thousand at once, with deadlines spread over a second.
import { defineModel, type Fault, invoke } from '@dinrail/core'
import { z } from 'zod'
import { against } from './measure.ts'

const hung = defineModel({
  id: 'bench/hung',
  version: '1.0.0',
  title: 'Never answers and ignores its signal',
  task: 'process-analysis',
  input: z.object({}),
  output: z.object({}),
  run: () => new Promise<never>(() => {}),
})

const calls = 1_000
const allowedMs = 50
const lateness = await Promise.all(
  Array.from({ length: calls }, async (_, i) => {
    const deadlineMs = 1 + i
    const began = performance.now()
    const { code } = await invoke(hung, {}, { deadlineMs }).then(
      () => ({ code: 'an answer' }),
      (fault: Fault) => fault,
    )
    if (code !== 'deadline-exceeded') throw new Error(`a hung call ended in ${code}`)
    return performance.now() - began - deadlineMs
  }),
)
lateness.sort((a, b) => a - b)
const at = (share: number) => lateness[Math.floor(share * (calls - 1))] ?? Number.NaN
console.log(`\n${calls.toLocaleString('en')} hung calls`)
console.log(
  `  late by ${at(0.5).toFixed(1)} ms in the middle, ${at(0.99).toFixed(1)} ms at p99, ${at(1).toFixed(1)} ms at most`,
)
const tooLate = lateness.filter((late) => late > allowedMs).length
against(`0 of ${calls}`, `${tooLate} settled more than ${allowedMs} ms after their deadline`, tooLate === 0)
