// For those who put an ONNX file on the rail.
export type { Feature, ScalarField, TensorField } from './fields.ts'
export { type Classification, type Golden, type OnnxClassifier, onnxModel } from './onnx-model.ts'
export type { OnnxMetadata, OnnxRuntime, OnnxSession, OnnxValue } from './runtime.ts'
