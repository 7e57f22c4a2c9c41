import { seededRandom } from '../training/random.ts'

export const SEED = 2008
export const FOLDS = 5
/** The fold whose engines the model in the file has never seen. */
export const HELD_OUT = FOLDS - 1

/** Which fold each engine is left out with. */
export const foldsOf = (units: readonly number[]): ReadonlyMap<number, number> => {
  const order = seededRandom(SEED).shuffled([...new Set(units)])
  return new Map(order.map((unit, position) => [unit, position % FOLDS]))
}
