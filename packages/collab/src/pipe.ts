import { type Model, worseQuality } from '@dinrail/core'
import { type CompositeOptions, composite } from './composite.ts'

/** Two models in a row: what the first gives is what the second takes. The joint confidence is the product. */
export function pipe<In, Between, Out>(
  first: Model<In, Between>,
  second: Model<Between, Out>,
  options: CompositeOptions = {},
): Model<In, Out> {
  return composite('pipe', [first, second], options, async (context) => {
    const start = await context.invoke(first, context.statedInput as In)
    const end = await context.invoke(second, start.output)
    const known = start.confidence !== undefined && end.confidence !== undefined
    return {
      output: end.output,
      confidence: known ? start.confidence * end.confidence : undefined,
      quality: worseQuality(start.quality, end.quality),
      warnings: [...start.warnings, ...end.warnings],
      servedBy: [...start.servedBy, ...end.servedBy],
    }
  })
}
