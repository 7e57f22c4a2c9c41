import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

export interface Options {
  readonly help: boolean
  /** Journal file to verify instead of running the line. */
  readonly verify: string | undefined
  /** Folder of real records; without it the line is simulated. */
  readonly data: string | undefined
  readonly approve: boolean
  readonly seed: number
  readonly journals: string
  /** An MQTT broker to use; without it one runs in this process. */
  readonly broker: string | undefined
  readonly llm: LargeModel | undefined
}

/** Behind an endpoint, or a file that runs in the agent's own process. */
export type LargeModel =
  | { readonly url: string; readonly model: string; readonly key: string | undefined }
  | { readonly gguf: string }

export const help = `A steel strip line whose models talk only through the rail, over MQTT.

  npm start                        a simulated line; the mill's boundary asks at the terminal for larger changes
  npm start -- --approve           the same, larger changes approved
  npm start -- --data DIR          real records (cwru-bearing, steel-plates) in place of the simulator
  npm start -- --verify FILE       checks the chain of a journal and exits
  npm start -- --broker URL        an MQTT broker of your own, such as mqtt://127.0.0.1:1883
  npm start -- --seed N            another simulated shift (default 1)
  npm start -- --journals DIR      where the journal is written (default ./journals)

The maintenance agent's large model is any OpenAI-compatible endpoint, which goes before a file:
  DINRAIL_LLM_URL=http://127.0.0.1:11434/v1 DINRAIL_LLM_MODEL=qwen3 [DINRAIL_LLM_KEY=…] npm start
or a model file that runs in the agent's own process (first: node scripts/install-local-engine.mjs):
  DINRAIL_GGUF=model.gguf npm start
What it says is checked step by step. Where it is wrong or lost, a deterministic playbook answers that step, and the report says so.
Without one, a deterministic playbook reasons in its place and says so in every answer.

Exit code 0: everything in the story went right. 1: something went wrong, and the last lines say what. 2: wrong usage.
`

/** Reads the command line and the environment. Throws a `TypeError` that says what is wrong. */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      verify: { type: 'string' },
      data: { type: 'string' },
      approve: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      journals: { type: 'string', default: 'journals' },
      broker: { type: 'string' },
    },
  })
  const seed = Number(values.seed)
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new TypeError(`--seed ${values.seed} is not a whole number of 0 or more`)
  const { verify, data, approve, journals, broker } = values
  return { help: values.help, verify, data, approve, seed, journals, broker, llm: readLargeModel(environment) }
}

export function readLargeModel(environment: Readonly<Record<string, string | undefined>>): LargeModel | undefined {
  const { DINRAIL_LLM_URL: url, DINRAIL_LLM_MODEL: model, DINRAIL_LLM_KEY: key, DINRAIL_GGUF: gguf } = environment
  if (!url && !model) {
    if (gguf && !existsSync(gguf)) throw new TypeError(`DINRAIL_GGUF names ${gguf}, and there is no such file`)
    return gguf ? { gguf } : undefined
  }
  if (!url || !model)
    throw new TypeError(
      `a large model needs DINRAIL_LLM_URL and DINRAIL_LLM_MODEL; ${url ? 'DINRAIL_LLM_MODEL' : 'DINRAIL_LLM_URL'} is missing`,
    )
  if (!URL.canParse(url)) throw new TypeError(`DINRAIL_LLM_URL '${url}' is no URL`)
  return { url, model, key: key || undefined }
}
