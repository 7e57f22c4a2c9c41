import type { Descriptor, Task } from './descriptor.ts'
import { type Directory, directoryOf } from './directory.ts'
import { Fault } from './fault.ts'
import type { Model } from './model.ts'
import type { InputOf, OutputOf, Schema } from './schema.ts'
import type { Announcement, Transport } from './transport.ts'

/** A contract that the caller knows at build time: gives types, and answers are validated against it. */
export interface KnownContract<In extends Schema, Out extends Schema> {
  readonly id: string
  readonly input: In
  readonly output: Out
}

export interface ConnectOptions {
  /** How long to wait for the model to be announced, in milliseconds. */
  readonly deadlineMs: number
  readonly trust?: Trust
}

/** Throws a `Fault` for an announcement that is not to be used; `trustedBy(keys)` of `@dinrail/core/signature` is one. */
export type Trust = (announcement: Announcement) => void | Promise<void>

/**
 * Finds a model by id and returns it as if it were here. Waits for it to appear; throws `not-found` at the deadline. The proxy
 * keeps to the contract that it was made for: when only others are announced, calls end in `contract-changed`. The types that
 * you state beside an id, such as those of a chat model, are believed; a contract of your own is held against what comes.
 */
export function connect<In = unknown, Out = unknown, Part = unknown>(
  transport: Transport,
  id: string,
  options: ConnectOptions,
): Promise<Model<In, Out, Part>>
export function connect<In extends Schema, Out extends Schema>(
  transport: Transport,
  contract: KnownContract<In, Out>,
  options: ConnectOptions,
): Promise<Model<InputOf<In>, OutputOf<Out>>>
export async function connect(
  transport: Transport,
  wanted: string | KnownContract<Schema, Schema>,
  options: ConnectOptions,
): Promise<Model> {
  if (!(options?.deadlineMs >= 0))
    throw new TypeError('connect needs deadlineMs: how long to wait for the model, in milliseconds')
  const { deadlineMs, trust } = options
  const id = typeof wanted === 'string' ? wanted : wanted.id
  const schemas = typeof wanted === 'string' ? undefined : { input: wanted.input, output: wanted.output }
  const directory = await directoryOf(transport)
  await directory.waitFor(id, deadlineMs)
  return directory.proxy(await trusted(directory, id, trust), schemas)
}

/** What to look for; without a member, any. */
export interface Wanted {
  readonly task?: Task
  readonly kind?: Descriptor['kind']
  /** Models that nobody vouches for are left out. */
  readonly trust?: Trust
}

/** All models of a kind that are announced now, each once however many instances it has, ordered by id. */
export async function discover(transport: Transport, wanted: Wanted = {}): Promise<Model[]> {
  const directory = await directoryOf(transport)
  const models: Model[] = []
  for (const id of directory.ids()) {
    const descriptor = await trusted(directory, id, wanted.trust).catch(() => undefined)
    if (descriptor === undefined) continue
    const { task, kind } = descriptor
    if ((wanted.task ?? task) === task && (wanted.kind ?? kind) === kind)
      models.push(await directory.proxy(descriptor, undefined))
  }
  return models
}

/** The descriptor that was announced last among those that are trusted. Throws why the last one is not. */
async function trusted(directory: Directory, id: string, trust: Trust | undefined): Promise<Descriptor> {
  let refused: unknown = new Fault('unavailable', `no instance of ${id} is announced`)
  for (const announcement of directory.announced(id))
    try {
      await trust?.(announcement)
      return announcement.descriptor
    } catch (problem) {
      refused = problem
    }
  throw refused
}
