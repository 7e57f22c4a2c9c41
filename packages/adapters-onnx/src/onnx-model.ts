import { readArtefact } from './artefact.ts'
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
import { checkExecution } from './execution-form.ts'
import { readSource } from './model-source.ts'
import { servedModel } from './served-model.ts'
import { embeddedContract, mergedContract, type WholeContract } from './stated-contract.ts'

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
  const { runtime, model: source, sha256: pin, signature, trust, execution = {}, ...stated } = definition
  const name = stated.id ?? 'the model'
  if (typeof runtime?.InferenceSession?.create !== 'function')
    throw new TypeError(
      `${name}: runtime is no ONNX runtime: import * as runtime from 'onnxruntime-web', or its default export, and pass it`,
    )
  if (pin !== undefined && !/^sha256:[0-9a-f]{64}$/.test(pin))
    throw new TypeError(`${name}: sha256 is ${pin}: it must be sha256: and 64 hexadecimal digits in lower case`)
  if (signature !== undefined && trust === undefined)
    throw new TypeError(`${name}: a signature is stated, and no trust that could judge it`)
  checkExecution(execution)
  const { bytes, external } = await readSource(source)
  const artefact = await readArtefact(
    name,
    { bytes, ...(external && { external }) },
    {
      pin,
      stated: stated.provenance?.artefact,
    },
  )
  const contract = mergedContract(embeddedContract(artefact.file.metadata), stated as WholeContract)
  const { id = name } = contract
  const engine = await loadEngine({
    runtime,
    bytes,
    id,
    execution,
    ...(artefact.external && { external: artefact.external }),
  })
  try {
    const served = servedModel(engine, contract, artefact.digest, execution.queue)
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
    // What went wrong first is what has to be known.
    await engine.dispose().catch(() => {})
    throw problem
  }
}
