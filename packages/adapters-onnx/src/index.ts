// For those who put an ONNX file on the rail.
export type {
  CategoryColumn,
  CharactersOutput,
  ConstantInput,
  EmbeddedContract,
  Golden,
  ImageField,
  ImageInput,
  InputRecipe,
  Interval,
  LabelsOutput,
  Novelty,
  NumberColumn,
  NumberField,
  OnnxContract,
  OutputRecipe,
  OutputTensor,
  Scale,
  SessionBounds,
  StatedDescriptor,
  StateInput,
  TensorField,
  TensorInput,
  TensorOutput,
  TextField,
  TextInput,
  TextOutput,
  ValueField,
  ValuesOutput,
  VectorField,
  VectorInput,
  Window,
} from './contract.ts'
export { metadataKey } from './contract.ts'
export { customInputs, customOutputs } from './custom-code.ts'
export type {
  CustomInputs,
  CustomOutputs,
  FedTensors,
  Health,
  ModelFiles,
  ModelSource,
  NamedTensors,
  NamedTexts,
  OnnxDefinition,
  OnnxDescriptor,
  OnnxModel,
  TextTensor,
} from './definition.ts'
export { type DiagnosedProblem, type Diagnosis, doctor } from './doctor.ts'
export type { BatchingOptions, Execution } from './engine.ts'
export type { ExternalReader } from './external-data.ts'
export type { Classification, ValueWithInterval } from './inferred.ts'
export { onnxModel } from './onnx-model.ts'
export type { OnnxMetadata, OnnxRuntime, OnnxSession, OnnxValue } from './runtime.ts'
export { contractOf, embedDescriptor } from './stated-contract.ts'
export { type SwappableModel, swappable } from './swappable.ts'
