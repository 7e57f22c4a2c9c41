// Large models in this process. Needs Node, and `node-llama-cpp` beside it.
export { type LocalChatOptions, localChat } from './local-chat.ts'
export { type LocalEmbeddingOptions, localEmbedding } from './local-embedding.ts'
export { type GgufOptions, type LlamaEngine, threadsFor } from './local-engine.ts'
