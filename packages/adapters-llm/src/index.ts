// Large language models.
export { type ChatModelOptions, chatModel } from './chat-model.ts'

// What answers where there is none.
export { type Conversation, type PlaybookOptions, playbook, type Rule, type Step } from './playbook.ts'

// For tests.
export { type ScriptedStep, scriptedModel } from './scripted-model.ts'
