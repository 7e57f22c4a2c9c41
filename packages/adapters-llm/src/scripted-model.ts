import { type AssistantPart, type ChatInput, type ChatModel, defineChatModel, Fault } from '@dinrail/core'

/** What a scripted model does with one call: answer, or fault. */
export type ScriptedStep = readonly AssistantPart[] | Fault | ((input: ChatInput) => readonly AssistantPart[])

/** A chat model for tests: gives its steps one after another. */
export function scriptedModel(
  steps: readonly ScriptedStep[],
  id = 'test/scripted',
): ChatModel & { assertConsumed(): void } {
  let next = 0
  const model = defineChatModel({
    id,
    version: '1.0.0',
    title: 'Scripted model',
    chat: { tools: true, structuredOutput: 'native', modalities: ['text'] },
    async run(input) {
      const step = steps[next]
      if (step === undefined)
        throw new Fault('internal', `the script has ${steps.length} steps and was asked for one more`)
      next += 1
      if (step instanceof Fault) throw step
      const content = typeof step === 'function' ? step(input) : step
      const called = content.some(({ kind }) => kind === 'tool-call')
      return { output: { content, finishReason: called ? 'tool-calls' : 'stop', answeredBy: 'script', tokens: {} } }
    },
  })
  return {
    ...model,
    assertConsumed() {
      if (next < steps.length)
        throw new Error(`${steps.length - next} of ${steps.length} scripted steps were never asked for`)
    },
  }
}
