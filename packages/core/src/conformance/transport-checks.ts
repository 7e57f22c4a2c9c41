import { type Descriptor, specVersion } from '../descriptor.ts'
import type { AnnouncementEvent, Transport } from '../transport.ts'
import type { Check } from './report.ts'

export interface TransportUnderTest {
  /** Two sides of one medium for each check; they may be the same object where the medium is in process. */
  readonly create: () => Promise<{ readonly one: Transport; readonly other: Transport }>
  /** How long a frame may need, in milliseconds; 2,000 unless stated. */
  readonly patienceMs?: number
}

/** What every transport promises to `serve` and `connect`. */
export function transportChecks({ create, patienceMs = 2_000 }: TransportUnderTest): Check[] {
  const check = (id: string, clause: string, title: string, use: (sides: Sides) => Promise<void>): Check => ({
    id,
    clause,
    title,
    async run() {
      const { one, other } = await create()
      try {
        await use({ one, other, soon: (arrived, what) => within(patienceMs, arrived, what) })
      } finally {
        await one.close()
        if (other !== one) await other.close()
      }
    },
  })
  return [
    check('frame-whole', '9.1', 'a frame arrives whole, at an address with slashes', async ({ one, other, soon }) => {
      const sent = Uint8Array.from({ length: 4096 }, (_, i) => i)
      const arrived = new Promise<Uint8Array>(
        (resolve) =>
          void one.listen('models/acme/gauge/1', resolve).then(() => other.send('models/acme/gauge/1', sent, 1_000)),
      )
      const received = await soon(arrived, 'the frame')
      if (received.length !== sent.length || received.some((byte, i) => byte !== sent[i]))
        throw new Error('the frame was changed')
    }),
    check('frame-order', '9.2', 'what one side sends to one address arrives in order', async ({ one, other, soon }) => {
      const bytes: number[] = []
      const all = new Promise<void>((resolve) => {
        // A receiver may get several frames in one buffer; eight bytes keep each aligned.
        void one
          .listen('replies/x', (buffer) => {
            for (let at = 0; at < buffer.length; at += 8) bytes.push(buffer[at]!)
            if (bytes.length >= 100) resolve()
          })
          .then(async () => {
            for (let i = 0; i < 100; i++) void other.send('replies/x', Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0), 1_000)
          })
      })
      await soon(all, '100 frames')
      if (bytes.some((byte, i) => byte !== i)) throw new Error(`arrived as ${bytes.join(' ')}`)
    }),
    check('listen-stops', '9.3', 'nothing arrives after listening has stopped', async ({ one, other, soon }) => {
      let late = false
      const stop = await one.listen('replies/a', () => {
        late = true
      })
      await stop()
      const after = new Promise<void>(
        (resolve) =>
          void one.listen('replies/b', () => resolve()).then(() => other.send('replies/b', new Uint8Array(8), 1_000)),
      )
      await other.send('replies/a', new Uint8Array(8), 1_000)
      await soon(after, 'the frame to the address that still listens')
      if (late) throw new Error('a frame arrived at an address that had stopped')
    }),
    check(
      'announcement-late',
      '9.4',
      'a watcher that comes late still sees what was announced',
      async ({ one, other, soon }) => {
        await one.announce(announcementOf('acme/gauge'))
        const seen: AnnouncementEvent[] = []
        await soon(
          other.watch((event) => seen.push(event)),
          'the end of the first report',
        )
        if (!seen.some((event) => event.kind === 'up' && event.announcement.descriptor.id === 'acme/gauge'))
          throw new Error('watch settled without reporting what had been announced')
      },
    ),
    check(
      'announcement-withdrawn',
      '9.5',
      'a withdrawn announcement is reported as gone',
      async ({ one, other, soon }) => {
        const withdraw = await one.announce(announcementOf('acme/gauge'))
        const gone = new Promise<AnnouncementEvent>(
          (resolve) => void other.watch((event) => event.kind === 'gone' && resolve(event)).then(withdraw),
        )
        const event = await soon(gone, 'the withdrawal')
        if (event.kind !== 'gone' || event.reason !== 'withdrawn') throw new Error('it was reported as lost')
      },
    ),
  ]
}

interface Sides {
  readonly one: Transport
  readonly other: Transport
  readonly soon: <T>(arrived: Promise<T>, what: string) => Promise<T>
}

async function within<T>(patienceMs: number, arrived: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${patienceMs} ms`)), patienceMs)
  })
  return Promise.race([arrived, late]).finally(() => clearTimeout(timer))
}

function announcementOf(id: string) {
  const descriptor: Descriptor = {
    specVersion,
    id,
    version: '1.0.0',
    kind: 'model',
    title: 'Gauge',
    task: 'process-analysis',
    input: { type: 'object' },
    output: { type: 'object' },
    effect: 'none',
    supports: {},
  }
  return { instance: '1', address: `models/${id}/1`, descriptor }
}
