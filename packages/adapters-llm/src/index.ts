// Large language models.
export { type ChatModelOptions, chatModel } from './chat-model.ts'
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

// For tests.
export {
  type Exchange,
  type RecordedChunk,
  type Recorder,
  type Recording,
  type RecordOptions,
  type Replay,
  type ReplayOptions,
  record,
  replay,
} from './recording.ts'
export { type ScriptedModel, type ScriptedStep, scriptedModel } from './scripted-model.ts'
