import { checkBounds } from './bounds.ts'
import { Fault } from './fault.ts'
import { heldValues } from './held-values.ts'
import { checkFreshness, type Intake, unwrapSamples } from './intake.ts'
import type { Model, RunResult } from './model.ts'
import { type Verdict, validate } from './schema.ts'
import { compileVocabulary, holdsValues, type Rule } from './vocabulary.ts'

/** What the checks need of a call; what they find goes there too. */
interface CheckedCall extends Intake {
  readonly statedInput: unknown
  readonly caller: { readonly id: string }
}

/** Samples and units → schema → freshness → limits. Answers with the input in the contract's own units; at once, where the validator does. */
export function checkInput<In, Out, Part>(model: Model<In, Out, Part>, call: CheckedCall): In | Promise<In> {
  const { descriptor, schemas } = model
  if (model.inputChecks === 'where-it-runs') return call.statedInput as In
  const rule = compileVocabulary(descriptor.input)
  if (holdsValues(rule)) call.held = heldValues(model as Model, model.holder?.(call) ?? call.caller.id)
  const bare = unwrapSamples(rule, call.statedInput, call)
  const verdict = schemas === undefined ? { value: bare } : validate(schemas.input, bare)
  return verdict instanceof Promise
    ? verdict.then((settled) => acceptInput(model, call, rule, settled))
    : acceptInput(model, call, rule, verdict)
}

function acceptInput<In, Out, Part>(
  { descriptor }: Model<In, Out, Part>,
  call: CheckedCall,
  rule: Rule,
  verdict: Verdict,
): In {
  const value = valid(verdict, 'input', descriptor.id)
  if (call.measured !== undefined) checkFreshness(call)
  checkBounds(rule, value, 'input', descriptor, call)
  return value as In
}

/** Schema → limits → confidence. Answers with the result whose output the schema has given back. */
export function checkResult<In, Out, Part>(
  model: Model<In, Out, Part>,
  call: CheckedCall,
  result: RunResult<Out>,
): RunResult<Out> | Promise<RunResult<Out>> {
  const { descriptor, schemas } = model
  if (!('output' in Object(result)))
    throw new Fault('invalid-output', `${descriptor.id} must answer { output }, not ${typeof result}`, {
      field: '/output',
    })
  const { confidence, output } = result
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1))
    throw new Fault('invalid-output', `${descriptor.id}: confidence ${confidence} is not a probability`, {
      field: '/confidence',
    })
  const verdict = schemas === undefined ? { value: output } : validate(schemas.output, output)
  return verdict instanceof Promise
    ? verdict.then((settled) => acceptResult(model, call, result, settled))
    : acceptResult(model, call, result, verdict)
}

function acceptResult<In, Out, Part>(
  { descriptor }: Model<In, Out, Part>,
  call: CheckedCall,
  result: RunResult<Out>,
  verdict: Verdict,
): RunResult<Out> {
  const value = valid(verdict, 'output', descriptor.id)
  checkBounds(compileVocabulary(descriptor.output), value, 'output', descriptor, call)
  return value === result.output ? result : { ...result, output: value as Out }
}

function valid(verdict: Verdict, root: 'input' | 'output', id: string): unknown {
  if ('value' in verdict) return verdict.value
  const field = `/${root}${verdict.pointer}`
  throw new Fault(`invalid-${root}`, `${id}: ${field}: ${verdict.problem}`, { field })
}
