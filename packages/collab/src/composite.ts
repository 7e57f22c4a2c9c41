import { type Descriptor, type Model, type RunContext, type RunResult, specVersion } from '@dinrail/core'

/** What an author may say of a composite; everything else follows from its members. */
export interface CompositeOptions {
  /** `maker/name`; derived from the members unless stated. */
  readonly id?: string
  readonly version?: string
  readonly title?: string
}

const effects = ['none', 'record', 'actuate'] as const

/** A model made of models: takes what the first takes, gives what the last gives, and does the most that any does. */
export function composite<In, Out>(
  operator: string,
  members: readonly Model[],
  options: CompositeOptions,
  run: (context: RunContext) => Promise<RunResult<Out>>,
): Model<In, Out> {
  const first = members[0]
  const last = members[members.length - 1]
  if (first === undefined || last === undefined) throw new TypeError(`${operator} needs at least one model`)
  const names = members.map(({ descriptor }) => descriptor.id.split('/')[1])
  const descriptor: Descriptor<In, Out> = {
    specVersion,
    id: options.id ?? `collab/${[operator, ...names].join('-').slice(0, 64).replace(/-+$/, '')}`,
    version: options.version ?? '1.0.0',
    kind: 'model',
    title: options.title ?? `${operator} of ${members.map(({ descriptor: { id } }) => id).join(', ')}`,
    task: last.descriptor.task,
    input: first.descriptor.input,
    output: last.descriptor.output,
    effect: effects[Math.max(...members.map(({ descriptor: { effect } }) => effects.indexOf(effect)))] ?? 'actuate',
    supports: {},
    // The first model judges what it was not trained on; the composite must not refuse it before.
    ...(first.descriptor.outsideTraining && { outsideTraining: first.descriptor.outsideTraining }),
    ...(last.descriptor.chat && { chat: last.descriptor.chat }),
  }
  return {
    descriptor,
    ...(first.schemas && last.schemas && { schemas: { input: first.schemas.input, output: last.schemas.output } }),
    run: (_input, context) => run(context),
  }
}

/** An effect must not be repeated by whoever tries a second model: a key protects one model, never two. */
export function refuseEffects(operator: string, members: readonly Model[]): void {
  for (const { descriptor } of members)
    if (descriptor.effect !== 'none')
      throw new TypeError(
        `${operator}: ${descriptor.id} has the effect '${descriptor.effect}', which could happen twice`,
      )
}
