import {
  type ChatTool,
  Fault,
  type Model,
  type ModelReference,
  type RunContext,
  type ToolCall,
  type ToolResult,
} from '@dinrail/core'
import type { Handles } from './handles.ts'

/** The models that an agent may call, under the names that language models know them by. */
export interface Toolbox {
  readonly offered: readonly ChatTool[]
  /** Whether a call changes nothing, so that several of them may run side by side. */
  isRead(call: ToolCall): boolean
  /** The id of the model behind a name, or the name itself where there is none. */
  modelOf(call: ToolCall): string
  run(call: ToolCall, options: ToolRun): Promise<ToolOutcome>
}

export interface ToolRun {
  readonly context: RunContext
  readonly handles: Handles
  readonly agent: string
  readonly idempotencyKey: string
}

export interface ToolOutcome {
  readonly result: ToolResult
  readonly servedBy: readonly ModelReference[]
  readonly elapsedMs: number
  readonly confidence?: number | undefined
}

export function toolbox(tools: readonly Model[]): Toolbox {
  const byName = new Map<string, Model>()
  for (const tool of tools) {
    const name = toolName(tool.descriptor.id)
    if (byName.has(name)) throw new TypeError(`two tools have the name ${name}: ${tool.descriptor.id} is one of them`)
    byName.set(name, tool)
  }
  return {
    offered: [...byName].map(([name, { descriptor }]) => {
      // Every request tells all of it: the address of the schema's language says nothing to a model.
      const { $schema, ...parameters } = descriptor.input
      const { title, description, effect } = descriptor
      return { name, description: [title, description, `Effect: ${effect}.`].filter(Boolean).join('. '), parameters }
    }),
    isRead: ({ name }) => byName.get(name)?.descriptor.effect === 'none',
    modelOf: ({ name }) => byName.get(name)?.descriptor.id ?? name,
    async run(call, { context, handles, agent, idempotencyKey }) {
      const started = performance.now()
      const tool = byName.get(call.name)
      try {
        if (tool === undefined)
          throw new Fault('not-found', `there is no tool '${call.name}'; there are ${[...byName.keys()].join(', ')}`)
        const input = revealed(call, handles)
        const caller = { id: agent, roles: ['agent'] }
        const { output, confidence, quality, servedBy } = await context.invoke(tool, input, { caller, idempotencyKey })
        const shown = { ...(handles.conceal({ output }, call.callId) as { output: unknown }), confidence, quality }
        return {
          result: { ...named(call), outcome: 'ok', result: shown },
          servedBy,
          confidence,
          elapsedMs: performance.now() - started,
        }
      } catch (thrown) {
        const { code, message, field, model } = Fault.from(thrown)
        // The field of a model that the tool called is none of the arguments.
        const elsewhere = model !== undefined && model !== tool?.descriptor.id
        return {
          result: {
            ...named(call),
            outcome: 'fault',
            result: { code, message, field, ...(elsewhere && { model }) },
          },
          servedBy: [],
          elapsedMs: performance.now() - started,
        }
      }
    },
  }
}

/** `maker/name` with the slash as an underscore: what every known server accepts as a function's name. */
export function toolName(id: string): string {
  return id.replace('/', '_').slice(0, 64)
}

function named({ callId, name }: ToolCall) {
  return { kind: 'tool-result', callId, name } as const
}

function revealed(call: ToolCall, handles: Handles): unknown {
  if (typeof call.arguments !== 'object' || call.arguments === null || Array.isArray(call.arguments))
    throw new Fault(
      'invalid-input',
      `the arguments must be a JSON object, not ${JSON.stringify(call.arguments)?.slice(0, 200)}`,
      { field: '/input' },
    )
  try {
    return handles.reveal(call.arguments)
  } catch (problem) {
    throw new Fault('invalid-input', (problem as Error).message, { field: '/input' })
  }
}
