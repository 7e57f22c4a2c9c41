import { type Descriptor, descriptorProblem, specVersion } from './descriptor.ts'
import type { Final, Model, RunContext, RunResult } from './model.ts'
import { type Schema, toJsonSchema } from './schema.ts'

type Derived = 'specVersion' | 'kind' | 'effect' | 'supports' | 'input' | 'output' | '~types'

/** Conditional so that the compiler settles `Answer` from the schemas first: the literals that `run` returns keep their types. */
type Run<Parsed, Answer> = [Answer] extends [infer Known]
  ? (input: Parsed, context: RunContext) => RunResult<Known> | Promise<RunResult<Known>>
  : never

/** What an author states; the rest of the descriptor follows from it. `Parsed` is the input with its defaults filled in. */
export interface ModelDefinition<In, Parsed, Answer, Out, Part = never>
  extends Omit<Descriptor, Derived>,
    Partial<Pick<Descriptor, 'kind' | 'effect' | 'supports'>> {
  readonly input: Schema<In, Parsed>
  readonly output: Schema<Answer, Out>
  readonly run: Run<Parsed, Answer>
  stream?(input: Parsed, context: RunContext): AsyncIterable<Part | Final<NoInfer<Answer>>>
  dispose?(): Promise<void>
}

/**
 * Makes a model of a function and a contract. Throws a `TypeError` at once where the contract makes no sense, so that a
 * mistake is found where it was made and not by the first caller.
 */
export function defineModel<In, Parsed, Answer, Out, Part = never>(
  definition: ModelDefinition<In, Parsed, Answer, Out, Part>,
): Model<In, Out, Part> {
  const { input, output, run, stream, dispose, ...stated } = definition
  const effect = stated.effect ?? 'none'
  const descriptor: Descriptor<In, Out> = {
    ...stated,
    specVersion,
    kind: stated.kind ?? (effect === 'none' ? 'model' : 'tool'),
    effect,
    supports: { ...stated.supports, ...(stream && { stream: true }) },
    input: toJsonSchema(input, 'input'),
    output: toJsonSchema(output, 'output'),
  }
  const problem = descriptorProblem(descriptor)
  if (problem !== undefined) throw new TypeError(`defineModel('${String(stated.id)}'): ${problem}`)
  // `invoke` validates between the caller's form and the model's on both ways, so the two are one type from here on.
  return {
    descriptor,
    schemas: { input, output },
    run(value, context) {
      try {
        const given = run(value as unknown as Parsed, context) as unknown as RunResult<Out> | Promise<RunResult<Out>>
        return given instanceof Promise ? given : Promise.resolve(given)
      } catch (thrown) {
        return Promise.reject(thrown)
      }
    },
    ...(stream && {
      stream: (value: In, context: RunContext) =>
        stream(value as unknown as Parsed, context) as AsyncIterable<Part | Final<Out>>,
    }),
    ...(dispose && { dispose }),
  }
}
