import type { ChatCard } from '@dinrail/core'

/** How a server that speaks chat completions differs from the others. Data only: state your own where yours is missing. */
export interface Server {
  /** Ends of host names that are this server's. */
  readonly hosts?: readonly string[]
  /** The port that it listens on unless told otherwise. */
  readonly port?: number
  /** How the key is sent: `authorization: Bearer …` unless stated. */
  readonly auth?: 'bearer' | 'api-key'
  /** The environment variable that holds its key where none is given; only read for `hosts` of its own. */
  readonly keyVariable?: string
  /** Where a request goes: the base URL's path unless stated, or one path for each model and version of the interface. */
  readonly paths?: 'deployments'
  /** What the limit of the output is called; `max_tokens` unless stated. */
  readonly outputLimit?: 'max_completion_tokens'
  readonly seed?: 'random_seed'
  /** What asks for any tool; `required` unless stated. */
  readonly anyTool?: 'any'
  /** Ids of calls must be nine letters and digits. */
  readonly shortCallIds?: true
  /** Where only words hold it to a schema, it can at least be held to JSON. */
  readonly jsonMode?: true
  /** It does not know `stream_options`. */
  readonly noStreamOptions?: true
  /** It wants its own reasoning back while tools are called. */
  readonly reasoningBack?: true
  readonly chat?: Partial<ChatCard>
}

const native = { structuredOutput: 'native' } as const

/** The servers that are known by name. */
export const servers = {
  openai: {
    hosts: ['api.openai.com'],
    keyVariable: 'OPENAI_API_KEY',
    outputLimit: 'max_completion_tokens',
    chat: { ...native, modalities: ['text', 'image', 'document'] },
  },
  azure: {
    hosts: ['.openai.azure.com', '.cognitiveservices.azure.com', '.services.ai.azure.com'],
    auth: 'api-key',
    keyVariable: 'AZURE_OPENAI_API_KEY',
    paths: 'deployments',
    outputLimit: 'max_completion_tokens',
    chat: { ...native, modalities: ['text', 'image'] },
  },
  vllm: { chat: native },
  ollama: { port: 11434, chat: native },
  'llama.cpp': { chat: native },
  'lm-studio': { port: 1234, chat: native },
  deepseek: { hosts: ['api.deepseek.com'], keyVariable: 'DEEPSEEK_API_KEY', jsonMode: true, reasoningBack: true },
  dashscope: {
    hosts: ['dashscope.aliyuncs.com', 'dashscope-intl.aliyuncs.com', 'dashscope-us.aliyuncs.com'],
    keyVariable: 'DASHSCOPE_API_KEY',
    jsonMode: true,
  },
  mistral: {
    hosts: ['api.mistral.ai'],
    keyVariable: 'MISTRAL_API_KEY',
    seed: 'random_seed',
    anyTool: 'any',
    shortCallIds: true,
    noStreamOptions: true,
    chat: native,
  },
  groq: { hosts: ['api.groq.com'], keyVariable: 'GROQ_API_KEY', jsonMode: true },
  openrouter: { hosts: ['openrouter.ai'], keyVariable: 'OPENROUTER_API_KEY' },
} as const satisfies Readonly<Record<string, Server>>

export type ServerName = keyof typeof servers

/** The server behind a base URL, by its host or its usual port; one without quirks where nobody knows it. */
export function serverAt({ hostname, port }: URL): Server {
  const known: readonly Server[] = Object.values(servers)
  return (
    known.find((server) => isHostOf(server, hostname)) ??
    known.find((server) => server.port === Number(port || 0)) ??
    {}
  )
}

function isHostOf({ hosts = [] }: Server, hostname: string): boolean {
  return hosts.some((host) => (host.startsWith('.') ? hostname.endsWith(host) : hostname === host))
}

/** The header that carries the key, where there is one. */
export function keyHeader({ auth }: Server, key: string | undefined): Record<string, string> {
  if (key === undefined || key === '') return {}
  return auth === 'api-key' ? { 'api-key': key } : { authorization: `Bearer ${key}` }
}

/** The key from the environment, for servers that are known to be the ones that it belongs to. */
export function keyFromEnvironment(server: Server, { hostname }: URL): string | undefined {
  if (server.keyVariable === undefined || !isHostOf(server, hostname)) return undefined
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> }
  }
  // Secrets that are mounted as files often end with a line's end.
  return process?.env?.[server.keyVariable]?.trim()
}
