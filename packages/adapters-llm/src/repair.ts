import {
  type ChatInput,
  type ChatOutput,
  Fault,
  type ModelReference,
  type RunContext,
  type RunResult,
  type StructuredAnswer,
} from '@dinrail/core'
import { judge } from './judgement.ts'

export interface Answerer {
  /** The model whose answers they are. */
  readonly self: ModelReference
  /** What makes it keep a schema. */
  readonly by: StructuredAnswer['by']
  /** Takes secrets out of what the model said. */
  readonly hide?: (text: string) => string
  /** Whether an answer says a key, which must reach no log and no journal. It is refused, since an answer is never rewritten. */
  readonly saysKey?: (output: ChatOutput) => boolean
}

export interface Repairable extends Answerer {
  ask(input: ChatInput): Promise<RunResult<ChatOutput>>
}

/** Asks once more where an answer does not fit, and not again: a second one that does not fit is `invalid-output`. */
export async function repaired(
  model: Repairable,
  input: ChatInput,
  context: Pick<RunContext, 'count'>,
): Promise<RunResult<ChatOutput>> {
  const { ask } = model
  const started = performance.now()
  const first = await ask(input)
  const { flaw, value } = judge(first.output, input)
  if (flaw === undefined) return fitting(model, first, value, started, false)
  context.count(brokenBy(model, first, started))
  const askedAgain = performance.now()
  const second = await ask({ ...input, messages: [...input.messages, ...flaw.complaint] }).catch((thrown: unknown) => {
    // What is too long with the complaint was not the caller's.
    throw Fault.from(thrown).code === 'invalid-input' ? refused(model, first, flaw.message) : thrown
  })
  const mended = judge(second.output, input)
  if (mended.flaw === undefined) return fitting(model, second, mended.value, askedAgain, true)
  throw refused(model, second, mended.flaw.message, askedAgain)
}

/** What a stream has given cannot be taken back: outside its schema it is `invalid-output` at once, and calls are left as they are. */
export function asGiven(
  model: Answerer,
  result: RunResult<ChatOutput>,
  input: ChatInput,
  started: number,
): RunResult<ChatOutput> {
  const { flaw, value } = judge(result.output, { ...input, tools: [] })
  if (flaw !== undefined) throw refused(model, result, flaw.message, started)
  return fitting(model, result, value, started, false)
}

function brokenBy({ self }: Answerer, { spent }: RunResult<ChatOutput>, since: number) {
  return { model: self, outcome: 'invalid-output', elapsedMs: performance.now() - since, spent } as const
}

/** `since` where the answer's own request ends the call; otherwise that is another, which is counted by itself. */
function refused(model: Answerer, result: RunResult<ChatOutput>, problem: string, since?: number): Fault {
  const { self, hide = (text) => text } = model
  return new Fault('invalid-output', `${self.id}: ${hide(`${result.output.answeredBy} ${problem}`)}`, {
    field: '/output/content',
    ...(since !== undefined && { usage: [brokenBy(model, result, since)] }),
  })
}

/** An answer that fits; where it had to be asked for again, the reply says so. */
function fitting(
  model: Answerer,
  result: RunResult<ChatOutput>,
  value: unknown,
  since: number,
  repaired: boolean,
): RunResult<ChatOutput> {
  const { by, saysKey } = model
  if (saysKey?.(result.output)) throw refused(model, result, 'says a key in its answer', since)
  if (value !== undefined) return { ...result, output: { ...result.output, structured: { value, by, repaired } } }
  if (!repaired) return result
  const message = 'its first answer did not fit and was asked for again'
  return { ...result, warnings: [...(result.warnings ?? []), { code: 'answer-repaired', message }] }
}
