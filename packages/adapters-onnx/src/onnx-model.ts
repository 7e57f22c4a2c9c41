import { Fault, sha256 } from '@dinrail/core'
import type { InputRecipe, NumberField, OutputRecipe } from './contract.ts'
import type {
  CustomInputs,
  CustomOutputs,
  InputOfDefinition,
  OnnxDefinition,
  OnnxModel,
  OutputOfDefinition,
} from './definition.ts'
import { loadEngine } from './engine.ts'
import { readModelFile } from './model-file.ts'
import { readSource } from './model-source.ts'
import { servedModel, type WholeContract } from './served-model.ts'
import { embeddedContract, mergedContract } from './stated-contract.ts'

/**
 * Loads a network and puts it on the rail. Throws a `TypeError` where file and definition disagree, `invalid-input` where
 * the file is no ONNX model, `denied` where the weights are not the pinned ones or nobody vouches for them, `unsupported`
 * where the runtime lacks an operator, and `internal` where a golden answer comes out differently.
 */
export async function onnxModel<
  const Inputs extends Readonly<Record<string, InputRecipe>> | CustomInputs<unknown> = Readonly<
    Record<string, InputRecipe>
  >,
  const Context extends Readonly<Record<string, NumberField>> = Readonly<Record<never, never>>,
  const Outputs extends Readonly<Record<string, OutputRecipe>> | CustomOutputs<unknown> = Readonly<
    Record<string, OutputRecipe>
  >,
>(
  definition: OnnxDefinition<Inputs, Context, Outputs>,
): Promise<OnnxModel<InputOfDefinition<Inputs, Context>, OutputOfDefinition<Outputs>>> {
  const started = performance.now()
  const { runtime, model: source, sha256: pinned, signature, trust, execution, ...stated } = definition
  if (signature !== undefined && trust === undefined)
    throw new TypeError(`${stated.id}: a signature is stated, and no trust that could judge it`)
  const { bytes, external } = await readSource(source)
  const artefact = await sha256(bytes)
  const name = stated.id ?? 'the model'
  if (pinned !== undefined && pinned !== artefact)
    throw new Fault(
      'denied',
      `${name}: the weights are ${artefact}, pinned are ${pinned}: load the file that belongs to this contract`,
    )
  const { metadata } = readModelFile(bytes)
  const contract = mergedContract(embeddedContract(metadata), stated as WholeContract)
  const { id = name } = contract
  const engine = await loadEngine({
    runtime,
    bytes,
    id,
    ...(execution && { execution }),
    ...(external && { external }),
  })
  try {
    const served = servedModel(engine, contract, artefact, execution?.queue)
    if (trust !== undefined)
      await trust({
        instance: 'here',
        address: 'here',
        descriptor: served.model.descriptor,
        ...(signature !== undefined && { signature }),
      })
    await served.prove()
    served.loaded(performance.now() - started)
    return served.model as unknown as OnnxModel<InputOfDefinition<Inputs, Context>, OutputOfDefinition<Outputs>>
  } catch (problem) {
    await engine.dispose()
    throw problem
  }
}
