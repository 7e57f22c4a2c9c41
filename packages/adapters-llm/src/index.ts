// Large language models.
export { type AnthropicModelOptions, anthropicModel } from './anthropic-model.ts'
export type { Timeouts } from './bounded-request.ts'
export { type ChatModelOptions, chatModel } from './chat-model.ts'
// For retrieval.
export type { EmbeddingInput, EmbeddingModel, EmbeddingOutput } from './embedding.ts'
export { type EmbeddingModelOptions, embeddingModel } from './embedding-model.ts'
export type { EndpointOptions } from './endpoint-model.ts'
export { type AiSdkModel, type FromAiSdkOptions, fromAiSdk } from './from-ai-sdk.ts'
// What answers where there is none.
export {
  type AnsweredCall,
  type Conversation,
  type PlaybookOptions,
  playbook,
  type Rule,
  readConversation,
  type Step,
} from './playbook.ts'
export type { Price, Prices } from './price.ts'
export type { Quota } from './quota.ts'
// For tests.
export {
  type RecordedChunk,
  type RecordedExchange,
  type Recorder,
  type Recording,
  type RecordOptions,
  type Replay,
  type ReplayOptions,
  record,
  replay,
} from './recording.ts'
export {
  type RerankInput,
  type RerankModel,
  type RerankModelOptions,
  type RerankOutput,
  rerankModel,
} from './rerank-model.ts'
export { type ScriptedModel, type ScriptedStep, scriptedModel } from './scripted-model.ts'
export { fetchSender, type HttpRequest, type HttpResponse, type Sender } from './sender.ts'
export { type Server, type ServerName, servers } from './servers.ts'
