import { fork } from 'node:child_process'
import { constants } from 'node:os'
import { Fault } from '@dinrail/core'
import { refused, type TrialDefinition, type TrialStep, type Tried, tryOut } from './inspection-trial.ts'

type Word = { readonly begins: TrialStep } | { readonly tried: Tried } | { readonly problem: string }

/** How the command is called for the side that tries. */
export const trialCommand = 'trial'

/**
 * Tries a file out in a process of its own, which a run that never ends, and a runtime that ends its process, cannot take this one
 * with: a thread that is in native code cannot be ended. Each step gets `limitMs`.
 */
export function triedApart(definition: TrialDefinition, limitMs: number): Promise<Tried> {
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1]!, [trialCommand, JSON.stringify(definition)], {
      execArgv: [],
      // What a runtime prints is no part of what is said of the file.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    let step: TrialStep = 'loading it'
    let timer: ReturnType<typeof setTimeout>
    const end = (settle: () => void) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      settle()
    }
    const begins = (next: TrialStep) => {
      clearTimeout(timer)
      step = next
      timer = setTimeout(() => end(() => resolve(broken(step, `did not end within ${limitMs / 1_000} s`))), limitMs)
    }
    begins(step)
    child.on('message', (word: Word) => {
      if ('begins' in word) begins(word.begins)
      else if ('tried' in word) end(() => resolve(word.tried))
      else end(() => reject(new Error(word.problem)))
    })
    child.on('error', (problem) => end(() => reject(problem)))
    child.on('exit', (code, signal) =>
      end(() => resolve(broken(step, `ended the process of the runtime, by ${signal ?? `exit code ${code}`}`))),
    )
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => end(() => process.exit(128 + constants.signals[signal])))
  })
}

/** Nobody would call it with made-up numbers; whatever else breaks would break for its user. */
function broken(step: TrialStep, how: string): Tried {
  const why = `${step} ${how}`
  return step === 'a run of made-up numbers' ? { served: false, untimed: why } : refused(why)
}

/** The side that tries: says what it is at, and what came of it. */
export async function tryForParent(definition: string): Promise<void> {
  // Sent in full before this thread is blocked.
  const say = (word: Word) =>
    new Promise<void>((resolve) => process.send?.(word, undefined, undefined, () => resolve()))
  try {
    await say({ tried: await tryOut(JSON.parse(definition), (begins) => say({ begins })) })
  } catch (problem) {
    await say({ problem: Fault.from(problem).message })
  }
}
