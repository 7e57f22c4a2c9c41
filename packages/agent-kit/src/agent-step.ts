import type { ModelReference, ToolCall, ToolResult, Warning } from '@dinrail/core'

/** What an agent does, as it does it. The same events go into its journal. */
export type AgentStep =
  | { readonly kind: 'agent-started'; readonly input: unknown }
  | {
      readonly kind: 'agent-reasoned'
      readonly step: number
      readonly text: string
      readonly calls: readonly ToolCall[]
      readonly answeredBy: string
      readonly servedBy: readonly ModelReference[]
      readonly warnings: readonly Warning[]
      readonly elapsedMs: number
    }
  /** Journaled before the tool runs: an effect can never be missing from the journal. */
  | { readonly kind: 'tool-called'; readonly call: ToolCall; readonly model: string; readonly idempotencyKey: string }
  | {
      readonly kind: 'tool-answered'
      readonly model: string
      readonly result: ToolResult
      readonly servedBy: readonly ModelReference[]
      readonly confidence?: number | undefined
      readonly elapsedMs: number
    }
  | { readonly kind: 'agent-answered'; readonly output: unknown }
  | { readonly kind: 'agent-failed'; readonly code: string; readonly message: string }
