import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from './digest.ts'
import type { JournalEntry } from './journal.ts'
import { JournalChain, journalWriter, verifyJournal } from './journal-chain.ts'
import { treeHead } from './journal-tree.ts'
import { memoryJournal } from './memory-journal.ts'

async function written(count: number): Promise<JournalEntry[]> {
  const journal = memoryJournal()
  const events = Array.from({ length: count }, (_, i) => ({ kind: 'write', actor: 'plant/agent', data: { speed: i } }))
  return Promise.all(events.map((event) => journal.append(event)))
}

/** What an attacker who knows the format writes: a chain that hangs together. */
async function rechained(entries: readonly JournalEntry[]): Promise<JournalEntry[]> {
  const chained: JournalEntry[] = []
  let previous = `sha256:${'0'.repeat(64)}`
  for (const [sequence, { time, kind, actor, data }] of entries.entries()) {
    const content = { sequence, time, kind, actor, data, previous }
    previous = await sha256(new TextEncoder().encode(canonicalJson(content)))
    chained.push({ ...content, digest: previous })
  }
  return chained
}

describe('without a head', () => {
  test('a whole journal is right, an empty one too', async () => {
    const entries = await written(5)
    expect(await verifyJournal(entries)).toEqual({ ok: true, ...(await treeHead(entries)), proven: 0 })
    expect(await verifyJournal([])).toMatchObject({ ok: true, size: 0 })
  })

  test('an edit of any member is found and named', async () => {
    const entries = await written(4)
    const edits: Partial<Record<keyof JournalEntry, unknown>>[] = [
      { data: { speed: 99 } },
      { kind: 'read' },
      { actor: 'plant/other' },
      { time: '2020-01-01T00:00:00.000Z' },
      { previous: entries[0]!.previous },
      { digest: entries[0]!.digest },
      { digest: undefined },
      { data: { speed: Number.NaN } },
      { extra: true } as object,
    ]
    for (const edit of edits) {
      const edited = entries.map((entry, i) => (i === 2 ? { ...entry, ...edit } : entry)) as JournalEntry[]
      expect(await verifyJournal(edited)).toMatchObject({
        ok: false,
        sequence: 2,
        problem: expect.stringMatching(/entry 2 was changed/),
      })
    }
  })

  test('a deletion, an insertion and another order are found and named', async () => {
    const entries = await written(5)
    const [a, b, c, d, e] = entries as [JournalEntry, JournalEntry, JournalEntry, JournalEntry, JournalEntry]
    const problem = expect.stringMatching(
      /entry \d stands where entry \d belongs: an entry was deleted, inserted or moved/,
    )
    for (const [changed, sequence] of [
      [[a, c, d, e], 1],
      [[b, c, d, e], 0],
      [[a, b, b, c, d, e], 2],
      [[a, c, b, d, e], 1],
    ] as const)
      expect(await verifyJournal(changed)).toMatchObject({ ok: false, sequence, problem })
  })

  test('an entry that was replaced by a well-made one is found at the next', async () => {
    const entries = await written(4)
    const forged = await rechained(entries.map((entry, i) => (i === 1 ? { ...entry, data: { speed: 99 } } : entry)))
    expect(await verifyJournal([entries[0]!, forged[1]!, ...entries.slice(2)])).toMatchObject({
      ok: false,
      sequence: 2,
      problem: expect.stringMatching(/does not follow/),
    })
  })

  test('what is no entry at all is said, never thrown', async () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    for (const entry of [null, 1, 'x', [], {}, { sequence: 0, data: deep }])
      expect(await verifyJournal([entry as JournalEntry])).toMatchObject({ ok: false, sequence: 0 })
  })
})

describe('against a head', () => {
  test('an end that was cut off is found', async () => {
    const entries = await written(5)
    const head = await treeHead(entries)
    expect(await verifyJournal(entries.slice(0, 3), head)).toEqual({
      ok: false,
      sequence: 3,
      problem: 'the head counts 5 entries and only 3 are there: the end was cut off',
    })
    expect(await verifyJournal([], head)).toMatchObject({ ok: false, sequence: 0 })
  })

  test('a journal that was rewritten as a whole is found', async () => {
    const entries = await written(5)
    const head = await treeHead(entries)
    const forged = await rechained(entries.map((entry, i) => (i === 1 ? { ...entry, data: { speed: 99 } } : entry)))
    expect(await verifyJournal(forged)).toMatchObject({ ok: true })
    expect(await verifyJournal(forged, head)).toMatchObject({
      ok: false,
      sequence: 4,
      problem: expect.stringMatching(/were rewritten/),
    })
  })

  test('a journal that has grown since is right, and says how much of it the head proves', async () => {
    const entries = await written(5)
    for (const size of [0, 1, 3, 5])
      expect(await verifyJournal(entries, await treeHead(entries.slice(0, size)))).toMatchObject({
        ok: true,
        size: 5,
        proven: size,
      })
  })

  test('a head that is none is said', async () => {
    const { root } = await treeHead([])
    for (const head of [null, {}, { size: -1, root }, { size: 0, root: 'sha256:0' }])
      expect(await verifyJournal([], head as { size: number; root: string })).toMatchObject({ ok: false })
  })

  test('no rearrangement of the entries passes', async () => {
    const entries = await written(8)
    const head = await treeHead(entries)
    const indexes = fc.array(fc.nat(7), { maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(indexes, async (chosen) => {
        const same = chosen.length === 8 && chosen.every((index, i) => index === i)
        const verdict = await verifyJournal(await rechained(chosen.map((i) => entries[i]!)), head)
        // Only the original order, or what merely continues it, can have the head's root.
        const continues = chosen.slice(0, 8).every((index, i) => index === i) && chosen.length >= 8
        expect(verdict.ok).toBe(same || continues)
      }),
      { numRuns: 200 },
    )
  })
})

test('once an entry could not be stored, the journal takes no other', async () => {
  let failing = false
  const writer = journalWriter(new JournalChain(), () => {
    if (failing) throw new Error('the disk is full')
  })
  const event = { kind: 'step', actor: 'plant/agent', data: null }
  await writer.append(event)
  failing = true
  const refused = [writer.append(event), writer.append(event)]
  failing = true
  for (const append of refused)
    await expect(append).rejects.toMatchObject({
      code: 'unavailable',
      retryable: false,
      message: expect.stringMatching(/the disk is full/),
    })
  failing = false
  await expect(writer.append(event)).rejects.toMatchObject({ code: 'unavailable' })
})
