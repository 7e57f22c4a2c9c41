import { answerCheck } from './answer-schema.ts'
import type { AssistantPart, ChatOutput } from './chat.ts'
import { Fault } from './fault.ts'
import { parseJson } from './strict-json.ts'
import type { JsonSchema } from './vocabulary.ts'

/** The JSON in the text of an answer, where it keeps the schema, or what is wrong with it, in words for the model. */
export function readStructured(
  content: readonly AssistantPart[],
  schema: JsonSchema,
): { readonly value: unknown } | { readonly problem: string } {
  const text = content.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('')
  const problem = answerCheck(schema)
  const found = readJson(text)
  if ('problem' in found) return found
  const broken = problem(found.value)
  return broken === undefined ? found : { problem: broken }
}

/** The JSON alone, or what a model has put between fences or amid other words. */
function readJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  const fenced = /```(?:json)?([\s\S]*?)```/.exec(text)?.[1]
  const [from, to] = [text.search(/[{[]/), Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))]
  let problem = 'it holds no JSON'
  for (const candidate of [text, fenced, from === -1 ? undefined : text.slice(from, to + 1)]) {
    if (candidate === undefined) continue
    try {
      return { value: parseJson(candidate) }
    } catch (thrown) {
      problem = `it ${Fault.from(thrown).message}`
    }
  }
  return { problem }
}

/** The fault of an answer that broke its schema, for good. */
export function schemaBroken({ answeredBy, finishReason }: ChatOutput, problem: string, id: string): Fault {
  const why = finishReason === 'length' ? ', and it was cut off at its longest' : ''
  return new Fault('invalid-output', `${id}: ${answeredBy} answered outside the responseSchema: ${problem}${why}`, {
    field: '/output/content',
  })
}
