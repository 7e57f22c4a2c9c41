import { type Descriptor, descriptorProblem, specVersion } from './descriptor.ts'
import type { Final, Model, RunContext, RunResult } from './model.ts'
import { type InputOf, type OutputOf, type Schema, toJsonSchema } from './schema.ts'
import { compileVocabulary } from './vocabulary.ts'

type Derived = 'specVersion' | 'kind' | 'effect' | 'supports' | 'input' | 'output' | '~types'

/** What an author states; the rest of the descriptor follows from it. */
export interface ModelDefinition<In extends Schema, Out extends Schema, Part = never>
  extends Omit<Descriptor, Derived>,
    Partial<Pick<Descriptor, 'kind' | 'effect' | 'supports'>> {
  readonly input: In
  readonly output: Out
  run(input: OutputOf<In>, context: RunContext): RunResult<InputOf<Out>> | Promise<RunResult<InputOf<Out>>>
  stream?(input: OutputOf<In>, context: RunContext): AsyncIterable<Part | Final<InputOf<Out>>>
  dispose?(): Promise<void>
}

/**
 * Makes a model of a function and a contract. Throws a `TypeError` at once where the contract makes no sense, so that a
 * mistake is found where it was made and not by the first caller.
 */
export function defineModel<In extends Schema, Out extends Schema, Part = never>(
  definition: ModelDefinition<In, Out, Part>,
): Model<InputOf<In>, OutputOf<Out>, Part> {
  const { input, output, run, stream, dispose, ...stated } = definition
  const effect = stated.effect ?? 'none'
  const descriptor: Descriptor<InputOf<In>, OutputOf<Out>> = {
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
  compileVocabulary(descriptor.input)
  compileVocabulary(descriptor.output)
  return {
    descriptor,
    schemas: { input, output },
    run: async (value, context) => run(value as OutputOf<In>, context) as RunResult<OutputOf<Out>>,
    ...(stream && {
      stream: (value: InputOf<In>, context: RunContext) =>
        stream(value as OutputOf<In>, context) as AsyncIterable<Part | Final<OutputOf<Out>>>,
    }),
    ...(dispose && { dispose }),
  }
}
