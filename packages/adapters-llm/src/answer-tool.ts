import type { AssistantPart, ChatInput, ChatOutput, ChatTool, JsonSchema, StructuredAnswer } from '@dinrail/core'

/** The name of the tool that a model must call to answer within a schema, where that is how it is held to one; none of the caller's has it. */
function answerToolBeside(tools: readonly ChatTool[]): string {
  let name = 'give_answer'
  while (tools.some((tool) => tool.name === name)) name += '_'
  return name
}

/** Tools and choice as they are sent. Where the answer comes by a tool, that tool is among them, unless another must be called. */
export function offered(
  { tools = [], toolChoice, responseSchema }: ChatInput,
  by: StructuredAnswer['by'],
): { readonly tools: readonly ChatTool[]; readonly toolChoice: ChatInput['toolChoice'] } {
  const mustCall = toolChoice === 'required' || typeof toolChoice === 'object'
  if (responseSchema === undefined || by !== 'tool-call' || mustCall) return { tools, toolChoice }
  const name = answerToolBeside(tools)
  const answer = { name, description: 'Gives the answer.', parameters: parametersOf(responseSchema) }
  const others = toolChoice === 'none' ? [] : tools
  // By name where there is no other: some servers do not know 'required'.
  return { tools: [...others, answer], toolChoice: others.length === 0 ? { name } : 'required' }
}

/** The tool that stands for the answer, as the answer that it is. Beside other calls it is nothing: they come first. */
export function withoutAnswerTool(output: ChatOutput, { tools = [], responseSchema }: ChatInput): ChatOutput {
  if (responseSchema === undefined) return output
  const answerTool = answerToolBeside(tools)
  const isAnswer = (part: AssistantPart) => part.kind === 'tool-call' && part.name === answerTool
  const others = output.content.some((part) => part.kind === 'tool-call' && part.name !== answerTool)
  if (!output.content.some(isAnswer)) return output
  const content = output.content.flatMap((part): AssistantPart[] => {
    if (part.kind === 'tool-call' && isAnswer(part))
      return others ? [] : [{ kind: 'text', text: textOfArguments(part.arguments, responseSchema) }]
    // Words beside the answer are no part of it.
    return part.kind === 'text' && !others ? [] : [part]
  })
  return { ...output, content, finishReason: others ? 'tool-calls' : 'stop' }
}

/** What a tool takes is an object; an answer that is none, or that is one of several, becomes its only member. */
function parametersOf(schema: JsonSchema): JsonSchema {
  if (isPlainObject(schema)) return schema
  const { $defs, definitions, ...answer } = schema
  return {
    type: 'object',
    properties: { answer },
    required: ['answer'],
    ...($defs !== undefined && { $defs }),
    ...(definitions !== undefined && { definitions }),
  }
}

function isPlainObject(schema: JsonSchema): boolean {
  return schema.type === 'object' && ['anyOf', 'oneOf', 'allOf', '$ref'].every((keyword) => !(keyword in schema))
}

function textOfArguments(given: unknown, schema: JsonSchema): string {
  const wrapped = !isPlainObject(schema) && typeof given === 'object' && given !== null && 'answer' in given
  const value = wrapped ? given.answer : given
  return typeof value === 'string' && !wrapped ? value : JSON.stringify(value)
}
