import type { AssistantPart, ChatOutput } from '@dinrail/core'

/** The tool that a model must call to answer within a schema, where that is how it is held to one. */
export const answerTool = 'give_answer'

/** The tool that stands for the answer, as the answer that it is. Beside other calls it is nothing: they come first. */
export function withoutAnswerTool(output: ChatOutput): ChatOutput {
  const isAnswer = (part: AssistantPart) => part.kind === 'tool-call' && part.name === answerTool
  const others = output.content.some((part) => part.kind === 'tool-call' && part.name !== answerTool)
  if (!output.content.some(isAnswer)) return output
  const content = output.content.flatMap((part): AssistantPart[] => {
    if (part.kind === 'tool-call' && isAnswer(part))
      return others ? [] : [{ kind: 'text', text: textOfArguments(part.arguments) }]
    // Words beside the answer are no part of it.
    return part.kind === 'text' && !others ? [] : [part]
  })
  return { ...output, content, finishReason: others ? 'tool-calls' : 'stop' }
}

function textOfArguments(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
