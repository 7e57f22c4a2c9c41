import {
  type AssistantPart,
  type ChatInput,
  type ChatMessage,
  type ChatModel,
  type ChatOutput,
  defineChatModel,
  Fault,
  type RunResult,
  type ToolCall,
  type ToolResult,
} from '@dinrail/core'
import { inParts } from './content-parts.ts'
import { refuseUnknown } from './stated-options.ts'

/** What a rule may look at. */
export interface Conversation {
  /** The last thing that the user said which is JSON, parsed, or else the text of the last thing said. */
  readonly request: unknown
  /** Names of the tools on offer. */
  readonly tools: readonly string[]
  /** Results of one tool so far, in order, whoever called it. */
  resultsOf(tool: string): readonly ToolResult[]
  /** The calls so far with their results, in order. */
  readonly calls: readonly AnsweredCall[]
}

export interface AnsweredCall {
  readonly call: ToolCall
  /** Absent where the call was not answered. */
  readonly result: ToolResult | undefined
  /** Whether a playbook made it, and not a language model before it fell away. */
  readonly byPlaybook: boolean
}

export interface Rule {
  readonly name: string
  readonly when: (conversation: Conversation) => boolean
  readonly do: (conversation: Conversation) => Step
}

/** What a rule does: call tools, or give the answer. */
export type Step =
  | { readonly call: readonly { readonly name: string; readonly arguments: unknown }[] }
  | { readonly say: unknown }

export interface PlaybookOptions {
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly title?: string | undefined
  /** The first one whose `when` holds decides. */
  readonly rules: readonly Rule[]
}

/**
 * A deterministic reasoner behind the chat contract, for plants without a language model and as the fallback of those
 * with one. Every reply says that a playbook answered and by which rule.
 */
export function playbook(options: PlaybookOptions): ChatModel {
  refuseUnknown('playbook', options, 'id version title rules')
  const { id = 'playbook/rules', version = '1.0.0', title = 'Deterministic playbook', rules } = options
  if (!Array.isArray(rules)) throw new TypeError('playbook: rules is no list')
  async function run(input: ChatInput): Promise<RunResult<ChatOutput>> {
    const conversation = readConversation(input)
    const rule = rules.find(({ when }) => when(conversation))
    if (rule === undefined) throw new Fault('unsupported', `no rule of the playbook ${id} fits this conversation`)
    const content = write(rule.do(conversation), input)
    return {
      output: {
        content,
        finishReason: content.some(({ kind }) => kind === 'tool-call') ? 'tool-calls' : 'stop',
        answeredBy: 'playbook',
        tokens: {},
      },
      warnings: [
        {
          code: 'playbook',
          message: `answered by the deterministic playbook ${id}, rule '${rule.name}': no language model was asked`,
        },
      ],
    }
  }

  return defineChatModel({
    id,
    version,
    title,
    chat: { tools: true, structuredOutput: 'native', modalities: ['text'] },
    run,
    stream: (input) => inParts(() => run(input)),
  })
}

/** A conversation as rules and checks look at it. */
export function readConversation({ messages, tools = [] }: Pick<ChatInput, 'messages' | 'tools'>): Conversation {
  const said = messages.flatMap(({ role, content }) => (role === 'user' ? [parsed(textOf(content))] : []))
  const results = messages.flatMap((message) => (message.role === 'tool' ? message.content : []))
  const calls = messages.flatMap((message) =>
    message.role === 'assistant' ? message.content.filter((part) => part.kind === 'tool-call') : [],
  )
  return {
    request: said.findLast((one) => typeof one !== 'string') ?? said.at(-1),
    tools: tools.map(({ name }) => name),
    resultsOf: (tool) => results.filter(({ name }) => name === tool),
    calls: calls.map((call) => ({
      call,
      result: results.find(({ callId }) => callId === call.callId),
      byPlaybook: call.callId.startsWith(ownCalls),
    })),
  }
}

const ownCalls = 'playbook-'

function textOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content
  return content.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Call ids follow from how many calls there were, so that the same conversation always gives the same answer. */
function write(step: Step, { messages }: ChatInput): AssistantPart[] {
  if ('say' in step) return [{ kind: 'text', text: typeof step.say === 'string' ? step.say : JSON.stringify(step.say) }]
  const before = messages.flatMap((message) =>
    message.role === 'assistant' ? message.content.filter(({ kind }) => kind === 'tool-call') : [],
  ).length
  return step.call.map(({ name, arguments: given }, i) => ({
    kind: 'tool-call',
    callId: `${ownCalls}${before + i + 1}`,
    name,
    arguments: given,
  }))
}
