import { type Descriptor, specVersion } from '../descriptor.ts'
import { canonicalJson } from '../digest.ts'
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
      const received = await soon(
        nextAt(one, 'models/acme/gauge/1', () => other.send('models/acme/gauge/1', sent, 1_000)),
        'the frame',
      )
      if (received.length !== sent.length || received.some((byte, i) => byte !== sent[i]))
        throw new Error('the frame was changed')
    }),
    check('frame-large', '9.1', 'a frame of a mebibyte arrives whole', async ({ one, other, soon }) => {
      const sent = new Uint8Array(1024 * 1024).fill(7)
      const received = await soon(
        nextAt(one, 'models/large', () => other.send('models/large', sent, 1_000)),
        'the frame',
      )
      if (received.length !== sent.length) throw new Error(`${received.length} of ${sent.length} bytes arrived`)
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
    check('address-apart', '9.3', 'nothing arrives at another address, however alike', async ({ one, other, soon }) => {
      let astray = false
      for (const alike of ['models/acme/gauge', 'models/acme/gauge/1/x', 'models/acme/+/1', 'models/acme/#'])
        await one
          .listen(alike, () => {
            astray = true
          })
          .catch(() => {})
      await soon(
        nextAt(one, 'models/acme/gauge/1', () => other.send('models/acme/gauge/1', new Uint8Array(8), 1_000)),
        'the frame',
      )
      if (astray) throw new Error('a frame arrived at an address that it was not sent to')
    }),
    check('listen-stops', '9.4', 'nothing arrives after listening has stopped', async ({ one, other, soon }) => {
      let late = false
      const stop = await one.listen('replies/a', () => {
        late = true
      })
      await stop()
      const after = nextAt(one, 'replies/b', async () => {
        await other.send('replies/a', new Uint8Array(8), 1_000)
        await other.send('replies/b', new Uint8Array(8), 1_000)
      })
      await soon(after, 'the frame to the address that still listens')
      if (late) throw new Error('a frame arrived at an address that had stopped')
    }),
    check('send-unheard', '9.5', 'a frame to nobody is dropped without a complaint', async ({ one, soon }) => {
      await soon(one.send('replies/nobody', new Uint8Array(8), 1_000), 'the end of sending')
    }),
    check(
      'announcement-late',
      '9.6',
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
    check('announcement-whole', '9.6', 'an announcement arrives as it was made', async ({ one, other, soon }) => {
      const made = { ...announcementOf('acme/gauge'), signature: 'header..signature' }
      const arrived = new Promise<AnnouncementEvent>(
        (resolve) => void other.watch((event) => event.kind === 'up' && resolve(event)).then(() => one.announce(made)),
      )
      const event = await soon(arrived, 'the announcement')
      if (event.kind !== 'up' || canonicalJson(event.announcement) !== canonicalJson(made))
        throw new Error('the announcement was changed')
    }),
    check(
      'announcement-renewed',
      '9.7',
      'an instance that is announced anew is reported anew',
      async ({ one, other, soon }) => {
        const made = announcementOf('acme/gauge')
        const renewed = { ...made, descriptor: { ...made.descriptor, version: '2.0.0' } }
        await one.announce(made)
        const arrived = new Promise<void>(
          (resolve) =>
            void other
              .watch((event) => event.kind === 'up' && event.announcement.descriptor.version === '2.0.0' && resolve())
              .then(() => one.announce(renewed)),
        )
        await soon(arrived, 'the new announcement')
      },
    ),
    check(
      'announcement-withdrawn',
      '9.8',
      'a withdrawn announcement is reported as gone',
      async ({ one, other, soon }) => {
        const withdraw = await one.announce(announcementOf('acme/gauge'))
        const event = await soon(
          nextGone(other, () => withdraw()),
          'the withdrawal',
        )
        if (event.kind !== 'gone' || event.reason !== 'withdrawn') throw new Error('it was reported as lost')
      },
    ),
    check(
      'close-withdraws',
      '9.8',
      'a side that closes has withdrawn what it announced',
      async ({ one, other, soon }) => {
        await one.announce(announcementOf('acme/gauge'))
        // Where both sides are one object there is nobody left to see it.
        if (one === other) return
        await soon(
          nextGone(other, () => one.close()),
          'the withdrawal',
        )
      },
    ),
  ]
}

interface Sides {
  readonly one: Transport
  readonly other: Transport
  readonly soon: <T>(arrived: Promise<T>, what: string) => Promise<T>
}

/** The next frame at an address, once `then` has been done. */
function nextAt(side: Transport, address: string, then: () => Promise<void>): Promise<Uint8Array> {
  return new Promise((resolve, reject) => void side.listen(address, resolve).then(then).catch(reject))
}

function nextGone(side: Transport, then: () => Promise<void>): Promise<AnnouncementEvent> {
  return new Promise((resolve, reject) => {
    void side
      .watch((event) => event.kind === 'gone' && resolve(event))
      .then(then)
      .catch(reject)
  })
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
