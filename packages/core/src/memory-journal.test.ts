import { expect, test } from 'vitest'
import type { JournalEntry } from './journal.ts'
import { verifyJournal } from './journal-chain.ts'
import { memoryJournal } from './memory-journal.ts'
import { tensor } from './tensor.ts'

async function all(entries: AsyncIterable<JournalEntry>): Promise<JournalEntry[]> {
  const read: JournalEntry[] = []
  for await (const entry of entries) read.push(entry)
  return read
}

test('appends that are made at once are chained in the order in which they were asked for', async () => {
  const journal = memoryJournal()
  const settled = await Promise.all(
    Array.from({ length: 50 }, (_, i) => journal.append({ kind: 'step', actor: 'plant/agent', data: { i } })),
  )
  const entries = await all(journal.entries())
  expect(entries).toEqual(settled)
  expect(entries.map(({ data }) => (data as { i: number }).i)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  const head = await journal.head()
  expect(await verifyJournal(entries, head)).toEqual({ ok: true, ...head, proven: 50 })
})

test('a head that is asked for between appends is the head of what was appended before', async () => {
  const journal = memoryJournal()
  const event = { kind: 'step', actor: 'plant/agent', data: null }
  const [, head] = await Promise.all([journal.append(event), journal.head(), journal.append(event)])
  expect(head.size).toBe(1)
  expect(await verifyJournal(journal.entries(), head)).toMatchObject({ ok: true, size: 2, proven: 1 })
})

test('an entry is what the data was when append was called, and cannot be changed afterwards', async () => {
  const journal = memoryJournal()
  const data = { speed: 10, list: [1] }
  const appended = journal.append({ kind: 'step', actor: 'plant/agent', data })
  data.speed = 99
  data.list.push(2)
  const entry = await appended
  expect(entry.data).toEqual({ speed: 10, list: [1] })
  expect(() => {
    ;(entry.data as { list: number[] }).list.push(3)
  }).toThrow(TypeError)
})

test('a tensor is held as its form and the digest of its bytes', async () => {
  const journal = memoryJournal()
  const vibration = { value: tensor(new Float32Array([1, 2])), unit: 'mm/s' }
  const { data } = await journal.append({ kind: 'step', actor: 'plant/agent', data: { vibration } })
  expect(data).toEqual({
    vibration: {
      value: {
        tensor: {
          dtype: 'float32',
          shape: [2],
          // printf '\0\0\x80\x3f\0\0\0\x40' | sha256sum
          sha256: 'sha256:b9c80b5adeca450753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37',
        },
      },
      unit: 'mm/s',
    },
  })
})

test('numbers that JSON cannot say are recorded, and what is no data is refused without harm to the journal', async () => {
  const journal = memoryJournal()
  const event = { kind: 'step', actor: 'plant/agent' }
  const { data } = await journal.append({ ...event, data: { load: Number.NaN, ticks: 5n, at: new Date(0) } })
  expect(data).toEqual({ load: { number: 'NaN' }, ticks: { bigint: '5' }, at: '1970-01-01T00:00:00.000Z' })
  await expect(journal.append({ ...event, data: { run: () => 1 } })).rejects.toThrow(/^\/run is .* no JSON form/)
  const circular: unknown[] = []
  circular.push(circular)
  await expect(journal.append({ ...event, data: circular })).rejects.toThrow(/holds itself/)
  expect(await journal.append({ ...event, data: undefined })).toMatchObject({ sequence: 1, data: null })
  expect(await verifyJournal(journal.entries())).toMatchObject({ ok: true, size: 2 })
})
