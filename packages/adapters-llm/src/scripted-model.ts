import {
  type AssistantPart,
  type ChatInput,
  type ChatModel,
  type ChatOutput,
  defineChatModel,
  Fault,
  isFault,
  type RunResult,
} from '@dinrail/core'
import { inParts } from './content-parts.ts'

/** What a scripted model does with one call: answer, or fault. */
export type ScriptedStep =
  | readonly AssistantPart[]
  | Fault
  | ((input: ChatInput) => readonly AssistantPart[] | Promise<readonly AssistantPart[]>)

export interface ScriptedModel extends ChatModel, Disposable {
  /** Throws an `Error` where steps were never asked for: a test that passes without them tests something else. */
  assertConsumed(): void
}

/**
 * A chat model for tests: gives its steps one after another, in one piece or streamed. `using model = scriptedModel([…])`
 * asserts at the end of the block that every step was asked for; without `using`, call `assertConsumed`.
 */
export function scriptedModel(steps: readonly ScriptedStep[], id = 'test/scripted'): ScriptedModel {
  let next = 0

  async function run(input: ChatInput): Promise<RunResult<ChatOutput>> {
    const step = steps[next]
    if (step === undefined)
      throw new Fault('internal', `the script has ${steps.length} steps and was asked for one more`)
    next += 1
    if (isFault(step)) throw step
    const content = typeof step === 'function' ? await step(input) : step
    const called = content.some(({ kind }) => kind === 'tool-call')
    return { output: { content, finishReason: called ? 'tool-calls' : 'stop', answeredBy: 'script', tokens: {} } }
  }

  const model = defineChatModel({
    id,
    version: '1.0.0',
    title: 'Scripted model',
    chat: { tools: true, structuredOutput: 'native', modalities: ['text', 'image', 'document'] },
    run,
    stream: (input) => inParts(() => run(input)),
  })
  const assertConsumed = () => {
    if (next < steps.length)
      throw new Error(`${steps.length - next} of ${steps.length} scripted steps were never asked for`)
  }
  return { ...model, assertConsumed, [Symbol.dispose]: assertConsumed }
}
