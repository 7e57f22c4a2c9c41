// For those who call models.
export { invoke } from './invoke.ts'
export { sample, type Sample, type Stated } from './sample.ts'
export { tensor, type DataType, type Tensor } from './tensor.ts'
export { Fault, faultCodes, isFault, type FaultCode, type FaultRecord } from './fault.ts'
export type { Attempt, Caller, InvokeOptions, ModelReference, Quality, Reply, Spent, Warning } from './model.ts'

// For those who make models.
export { defineModel, type ModelDefinition } from './define-model.ts'
export type { Final, Model, RunContext, RunResult } from './model.ts'
export { isTensor } from './tensor.ts'
export type { InputOf, OutputOf, Schema } from './schema.ts'
export type { JsonSchema, Limits, Range, TensorSchema, Vocabulary } from './vocabulary.ts'
export {
  authorities,
  canonicalJson,
  descriptorDigest,
  industrialTasks,
  sha256,
  specVersion,
  type Authority,
  type ChatCard,
  type ConfidenceSource,
  type Descriptor,
  type Place,
  type Provenance,
  type Safety,
  type Supports,
  type Task,
  type Timing,
} from './descriptor.ts'
export type {
  AssistantPart,
  ChatInput,
  ChatMessage,
  ChatModel,
  ChatOutput,
  ChatPart,
  ChatTool,
  FinishReason,
  ToolCall,
  ToolResult,
} from './chat.ts'

// For those who carry models.
export type { Announcement, AnnouncementEvent, Stop, Transport } from './transport.ts'

// For the safety boundary.
export type { Journal, JournalEntry, JournalEvent } from './journal.ts'
