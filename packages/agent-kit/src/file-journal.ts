import { appendFile, type FileHandle, open, readFile, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import {
  Fault,
  headProblem,
  type Journal,
  JournalChain,
  type JournalEntry,
  type JournalHead,
  type JournalVerdict,
  journalWriter,
  verifyJournal,
} from '@dinrail/core'

export interface FileJournal extends Journal {
  readonly path: string
  /** Kept where the file is not, it proves for ever what was written so far. */
  head(): Promise<JournalHead>
  close(): Promise<void>
}

/**
 * A journal in a file: one JSON line an entry, on the disk before `append` settles, and beside it the head of its tree in
 * `{path}.head`. One process writes at a time. A last line that a crash tore is moved to `{path}.torn`; every other
 * damage is a `Fault`, since writing on would bury it.
 */
export async function fileJournal(path: string): Promise<FileJournal> {
  const unlock = await lock(`${path}.lock`)
  try {
    const chain = await resume(path)
    const file = await open(path, 'a')
    const writer = journalWriter(chain, async (entry) => {
      await file.appendFile(`${JSON.stringify(entry)}\n`)
      await file.datasync()
      await writeHead(path, await chain.head())
    })
    await writeHead(path, await chain.head())
    return {
      ...writer,
      path,
      entries: () => readEntries(path),
      async close() {
        await writer.head()
        await file.close()
        await unlock()
      },
    }
  } catch (problem) {
    await unlock()
    throw problem
  }
}

/** Checks the chain of a journal's file, and its end against the head beside it or the one given. */
export async function verifyJournalFile(path: string, head?: JournalHead): Promise<JournalVerdict> {
  const text = await readText(path)
  if (text === undefined) throw new Fault('not-found', `there is no journal ${path}`)
  const lines = text.split('\n')
  // A crash may leave half a line at the end: it was never durable, so nothing that counts on it has happened.
  lines.pop()
  const kept = head ?? (await readHead(path))
  if (kept === 'malformed') return { ok: false, sequence: 0, problem: `${path}.head holds no head: it was changed` }
  const entries: JournalEntry[] = []
  for (const [i, line] of lines.entries()) {
    try {
      entries.push(JSON.parse(line))
    } catch {
      return { ok: false, sequence: i, problem: `entry ${i} is not JSON: it was changed` }
    }
  }
  const verdict = await verifyJournal(entries, kept)
  // The head is written right after its entry, so a crash leaves it at most one behind.
  if (verdict.ok && kept !== undefined && head === undefined && verdict.size > kept.size + 1)
    return {
      ok: false,
      sequence: kept.size,
      problem: `the head counts ${kept.size} entries and ${verdict.size} are there: entries were added`,
    }
  return verdict
}

async function* readEntries(path: string): AsyncGenerator<JournalEntry> {
  const lines = ((await readText(path)) ?? '').split('\n')
  for (const line of lines.slice(0, -1)) yield JSON.parse(line)
}

/** The chain of what is there already. */
async function resume(path: string): Promise<JournalChain> {
  const chain = new JournalChain()
  const text = await readText(path)
  if (text === undefined) return chain
  const whole = text.lastIndexOf('\n') + 1
  if (whole < text.length) {
    await appendFile(`${path}.torn`, text.slice(whole))
    await truncate(path, Buffer.byteLength(text.slice(0, whole)))
  }
  const verdict = await verifyJournalFile(path)
  if (!verdict.ok)
    throw new Fault(
      'unavailable',
      `the journal ${path} is damaged at entry ${verdict.sequence}: ${verdict.problem}. Keep it, and begin a new one`,
      { retryable: false },
    )
  for await (const entry of readEntries(path)) await chain.accept(entry)
  return chain
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Fault('unavailable', `the journal ${path} cannot be read: ${(problem as Error).message}`)
  }
}

async function readHead(path: string): Promise<JournalHead | undefined | 'malformed'> {
  const text = await readText(`${path}.head`)
  if (text === undefined) return undefined
  try {
    const head: unknown = JSON.parse(text)
    return headProblem(head) === undefined ? (head as JournalHead) : 'malformed'
  } catch {
    return 'malformed'
  }
}

/** By rename, so that a crash leaves the old head or the new one, never half of one. */
async function writeHead(path: string, head: JournalHead): Promise<void> {
  const temporary = `${path}.head.new`
  await writeFile(temporary, `${JSON.stringify(head)}\n`)
  await rename(temporary, `${path}.head`)
}

async function lock(path: string): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt++) {
    let file: FileHandle | undefined
    try {
      file = await open(path, 'wx')
      await file.writeFile(String(process.pid))
      return () => unlink(path).catch(() => {})
    } catch (problem) {
      const { code } = problem as NodeJS.ErrnoException
      if (code !== 'EEXIST')
        throw new Fault('unavailable', `the journal cannot be opened: ${(problem as Error).message}`)
      const owner = Number(await readText(path))
      if (attempt > 3 || isAlive(owner))
        throw new Fault('unavailable', `process ${owner} is writing this journal (${path})`)
      await unlink(path).catch(() => {})
    } finally {
      await file?.close()
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === 'EPERM'
  }
}
