import type { Quality } from './model.ts'

/** What is made of two values is as good as the worse of them. */
export function worseQuality(a: Quality, b: Quality): Quality {
  if (a === 'bad' || b === 'bad') return 'bad'
  return a === 'uncertain' || b === 'uncertain' ? 'uncertain' : 'good'
}
