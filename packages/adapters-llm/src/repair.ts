import {
  type Attempt,
  type ChatInput,
  type ChatOutput,
  Fault,
  type RunContext,
  type RunResult,
  type StructuredAnswer,
} from '@dinrail/core'
import { judge } from './judgement.ts'

export interface Repairable {
  /** The model whose answers they are. */
  readonly self: { readonly id: string; readonly version: string }
  /** What makes it keep a schema. */
  readonly by: StructuredAnswer['by']
  ask(input: ChatInput): Promise<RunResult<ChatOutput>>
  /** Takes secrets out of what the model said. */
  readonly hide?: (text: string) => string
}

/** Asks once more where an answer does not fit, and not again: a second one that does not fit is `invalid-output`. */
export async function repaired(
  { self, by, ask, hide = (text) => text }: Repairable,
  input: ChatInput,
  context: Pick<RunContext, 'count'>,
): Promise<RunResult<ChatOutput>> {
  const started = performance.now()
  const first = await ask(input)
  const { flaw, value } = judge(first.output, input)
  if (flaw === undefined) return fitting(first, value, by, false)
  const broken = ({ spent }: RunResult<ChatOutput>, since: number) =>
    ({ model: self, outcome: 'invalid-output', elapsedMs: performance.now() - since, spent }) as const
  context.count(broken(first, started))
  const askedAgain = performance.now()
  const outside = ({ output }: RunResult<ChatOutput>, { message }: { readonly message: string }, usage?: Attempt[]) =>
    new Fault('invalid-output', `${self.id}: ${output.answeredBy} ${hide(message)}`, {
      field: '/output/content',
      usage,
    })
  const second = await ask({ ...input, messages: [...input.messages, ...flaw.complaint] }).catch((thrown: unknown) => {
    // What is too long with the complaint was not the caller's.
    throw Fault.from(thrown).code === 'invalid-input' ? outside(first, flaw) : thrown
  })
  const mended = judge(second.output, input)
  if (mended.flaw === undefined) return fitting(second, mended.value, by, true)
  // The call's own attempt is this second request.
  throw outside(second, mended.flaw, [broken(second, askedAgain)])
}

/** An answer that fits; where it had to be asked for again, the reply says so. */
function fitting(
  result: RunResult<ChatOutput>,
  value: unknown,
  by: StructuredAnswer['by'],
  repaired: boolean,
): RunResult<ChatOutput> {
  if (value !== undefined) return { ...result, output: { ...result.output, structured: { value, by, repaired } } }
  if (!repaired) return result
  const message = 'its first answer did not fit and was asked for again'
  return { ...result, warnings: [...(result.warnings ?? []), { code: 'answer-repaired', message }] }
}
