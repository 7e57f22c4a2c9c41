// Operators: each takes models and returns a model.
export { type CascadeOptions, cascade } from './cascade.ts'
export type { CompositeOptions } from './composite.ts'
export { type FallbackOptions, fallback } from './fallback.ts'
export { pipe } from './pipe.ts'
