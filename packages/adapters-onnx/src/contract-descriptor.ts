import type { ConfidenceSource, Descriptor } from '@dinrail/core'
import type { OnnxContract, OutputRecipe } from './contract.ts'
import { isCustomInputs, isCustomOutputs } from './prepared-contract.ts'
import type { WholeContract } from './stated-contract.ts'

type Told = Omit<WholeContract, 'inputs' | 'outputs' | 'context' | 'novelty' | 'sessions' | 'golden'>

/** What the descriptor says beside the schemas. The recipes travel with it; of code it only says that it is there. */
export function describedBy(
  stated: Told,
  inputs: WholeContract['inputs'] = {},
  outputs: WholeContract['outputs'] = {},
  rest: { readonly [Key in 'context' | 'novelty' | 'sessions']: OnnxContract[Key] | undefined },
) {
  const { id, version, title, task } = stated
  for (const [key, value] of Object.entries({ id, version, title, task }))
    if (value === undefined)
      throw new TypeError(
        `${key} is stated neither here nor in the file: every model has an id, version, title and task`,
      )
  const confidence = confidenceOf(stated.confidence, isCustomOutputs(outputs) ? {} : outputs)
  const onnx = Object.fromEntries(
    Object.entries({
      inputs: isCustomInputs(inputs) ? 'code' : inputs,
      outputs: isCustomOutputs(outputs) ? 'code' : outputs,
      ...rest,
    }).filter(([, value]) => value !== undefined && Object.keys(value).length > 0),
  )
  return {
    ...(stated as Told & Pick<Descriptor, 'id' | 'version' | 'title' | 'task'>),
    ...(confidence && { confidence }),
    onnx,
  }
}

/** Where the confidence comes from, as the recipes have it. */
function confidenceOf(
  stated: ConfidenceSource | undefined,
  outputs: Readonly<Record<string, OutputRecipe>>,
): ConfidenceSource | undefined {
  const recipes = Object.values(outputs)
  const labels = recipes.filter((recipe) => 'labels' in recipe)
  const calibration = labels.some(({ isotonic }) => isotonic !== undefined)
    ? 'isotonic'
    : labels.some(({ temperature }) => temperature !== undefined)
      ? 'temperature'
      : labels.length === 0 && recipes.some(isConformal)
        ? 'conformal'
        : undefined
  if (stated !== undefined && calibration !== undefined && stated.calibration !== calibration)
    throw new TypeError(
      `confidence.calibration is ${stated.calibration} as stated, the outputs are calibrated by ${calibration}`,
    )
  if (calibration !== undefined) return { ...stated, calibration }
  return stated ?? (labels.length > 0 ? { calibration: 'none' } : undefined)
}

/** Quantiles are what the network learnt; a half-width or a margin was measured. */
function isConformal(recipe: OutputRecipe): boolean {
  const fields = 'values' in recipe ? recipe.values : 'tensor' in recipe ? [recipe.tensor] : []
  return fields.some(
    ({ interval }) => interval !== undefined && ('halfWidth' in interval || interval.margin !== undefined),
  )
}
