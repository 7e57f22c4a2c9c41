import { fork } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileJournal, verifyJournalFile } from './file-journal.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'journal-'))
  file = path.join(folder, 'shift.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

async function written(count: number) {
  const journal = await fileJournal(file)
  await Promise.all(
    Array.from({ length: count }, (_, i) => journal.append({ kind: 'step', actor: 'tester', data: { i } })),
  )
  const head = await journal.head()
  await journal.close()
  return head
}

describe('a journal in a file', () => {
  it('verifies, and goes on where it was after a restart', async () => {
    await written(3)
    await written(2)
    expect(await verifyJournalFile(file)).toMatchObject({ ok: true, size: 5, proven: 5 })
    const sequences = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).sequence)
    expect(sequences).toEqual([0, 1, 2, 3, 4])
  })

  it('shows every change of any byte', async () => {
    const head = await written(4)
    const bytes = await readFile(file)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes)
        changed[at]! ^= flip
        await writeFile(file, changed)
        expect(await verifyJournalFile(file, head)).toMatchObject({ ok: false })
      }),
      { numRuns: 150 },
    )
  })

  it.each([
    ['an entry that was deleted', (lines: string[]) => lines.filter((_, i) => i !== 1)],
    ['entries in another order', ([a, b, ...rest]: string[]) => [b!, a!, ...rest]],
    ['an entry that is there twice', ([a, ...rest]: string[]) => [a!, a!, ...rest]],
    ['an end that was cut off', (lines: string[]) => lines.slice(0, 2)],
  ])('shows %s', async (_, change) => {
    await written(4)
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    await writeFile(file, `${change(lines).join('\n')}\n`)
    expect(await verifyJournalFile(file)).toMatchObject({ ok: false })
    await expect(fileJournal(file)).rejects.toMatchObject({ code: 'unavailable', message: /damaged/ })
  })

  it('puts a torn last line aside and goes on', async () => {
    await written(2)
    await appendFile(file, '{"sequence":2,"ti')
    expect(await verifyJournalFile(file)).toMatchObject({ ok: true, size: 2 })
    await written(1)
    expect(await verifyJournalFile(file)).toMatchObject({ ok: true, size: 3 })
    expect(await readFile(`${file}.torn`, 'utf8')).toBe('{"sequence":2,"ti')
  })

  it('has one writer at a time', async () => {
    const journal = await fileJournal(file)
    await expect(fileJournal(file)).rejects.toMatchObject({ code: 'unavailable', message: /is writing this journal/ })
    await journal.close()
    await (await fileJournal(file)).close()
  })

  it('is not-found where there is none', async () => {
    await expect(verifyJournalFile(file)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('verifies after its process was killed in the middle, and another takes over', async () => {
    const script = path.join(folder, 'writer.mjs')
    const source = fileURLToPath(new URL('./file-journal.ts', import.meta.url))
    await writeFile(
      script,
      `import { fileJournal } from ${JSON.stringify(source)}
       const journal = await fileJournal(${JSON.stringify(file)})
       for (let i = 0; ; i++) { await journal.append({ kind: 'step', actor: 'killed', data: { i } }); process.send(i) }`,
    )
    const tsconfig = fileURLToPath(new URL('../../../tsconfig.json', import.meta.url))
    const child = fork(script, {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
    })
    let acknowledged = -1
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)))
      child.on('message', (i: number) => {
        acknowledged = i
        if (i === 40) resolve()
      })
    })
    child.removeAllListeners('exit')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    const verdict = await verifyJournalFile(file)
    expect(verdict).toMatchObject({ ok: true })
    expect(verdict.ok && verdict.size).toBeGreaterThanOrEqual(acknowledged + 1)
    await written(1)
  })
})
