// For those who call models.

// For those who make models.
export { type LoadLimit, limitLoad } from './admission.ts'
export { type AnswerCheck, answerCheck } from './answer-schema.ts'
// For the safety boundary.
export {
  type Assurance,
  type AssuranceMode,
  type AssuredModel,
  assure,
  type Judgement,
  type Monitor,
} from './assurance.ts'
export type {
  AssistantPart,
  ChatInput,
  ChatMessage,
  ChatModel,
  ChatOutput,
  ChatPart,
  ChatTool,
  FinishReason,
  StructuredAnswer,
  ToolCall,
  ToolResult,
  UserPart,
} from './chat.ts'
export {
  type Change,
  type ChangeVerdict,
  type Comparison,
  compareDescriptors,
} from './compare-descriptors.ts'
export { type ConnectOptions, connect, discover, type KnownContract, type Trust, type Wanted } from './connect.ts'
export { type ChatDefinition, defineChatModel } from './define-chat-model.ts'
export { defineModel, type ModelDefinition } from './define-model.ts'
export {
  type AssuranceCard,
  type Authority,
  authorities,
  type ChatCard,
  type ConfidenceSource,
  type Descriptor,
  descriptorDigest,
  industrialTasks,
  type Place,
  type Provenance,
  parseDescriptor,
  type Safety,
  type Supports,
  specVersion,
  type Task,
  type Timing,
} from './descriptor.ts'
export { canonicalJson, sha256 } from './digest.ts'
export { Fault, type FaultCode, type FaultRecord, faultCodes, isCallersOwn, isFault, readFault } from './fault.ts'
export { decodeFrames, encodeFrame, type Frame } from './frame.ts'
export {
  type ApprovalDecision,
  type ApprovalPolicy,
  type ApprovalRequest,
  type Boundary,
  guard,
  type Interlock,
} from './guard.ts'
export { inProcessTransport } from './in-process.ts'
export { invoke, stream } from './invoke.ts'
export type { Journal, JournalEntry, JournalEvent, JournalHead, JournalVerdict } from './journal.ts'
export { headProblem, JournalChain, journalWriter, verifyJournal } from './journal-chain.ts'
export { treeHead } from './journal-tree.ts'
export { memoryJournal } from './memory-journal.ts'
export type {
  Admitted,
  Attempt,
  Caller,
  Final,
  InvokeOptions,
  Model,
  ModelReference,
  Quality,
  Reply,
  ReplyStream,
  RunContext,
  RunResult,
  Spent,
  Warning,
} from './model.ts'
export { worseQuality } from './quality.ts'
export type { RateLimit } from './rate-limit.ts'
export { type Sample, type Stated, sample } from './sample.ts'
export type { InputOf, OutputOf, Schema } from './schema.ts'
// For those who carry models.
export { type ServeOptions, type Service, serve } from './serve.ts'
export { parseJson } from './strict-json.ts'
export { readStructured } from './structured-answer.ts'
export { type DataType, isTensor, type Tensor, tensor } from './tensor.ts'
export { argumentsProblem } from './tool-arguments.ts'
export type { Span, TracedCall, Tracer } from './tracer.ts'
export type { Announcement, AnnouncementEvent, Stop, Transport } from './transport.ts'
export type { JsonSchema, Limits, Range, TensorSchema, Vocabulary } from './vocabulary.ts'
