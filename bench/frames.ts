// What a frame of a million floats costs there and back, against copying its bytes twice.
import { decodeFrames, encodeFrame, type Frame, type Tensor, tensor } from '@dinrail/core'
import { against, compare } from './measure.ts'

const count = 1_000_000
const values = tensor(Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i))))
const frame: Frame = {
  kind: 'call',
  call: '1',
  model: 'bench/spectrum',
  replyTo: 'replies/1',
  deadline: Date.now() + 60_000,
  caller: { id: 'bench' },
  priority: 5,
  trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  idempotencyKey: '1',
  digest: `sha256:${'0'.repeat(64)}`,
  input: { values },
}
const source = new Uint8Array(values.data.buffer)

/** Reads what came, so that no work can be left out. */
function mustBe(last: number | undefined): void {
  if (last !== values.data.at(-1)) throw new Error(`the last value came back as ${last}`)
}

const measured = await compare(
  `${count.toLocaleString('en')} floats there and back`,
  20,
  [
    {
      name: 'two copies',
      run(times) {
        for (let i = 0; i < times; i++) {
          const sent = new Uint8Array(source.length)
          sent.set(source)
          const received = new Uint8Array(source.length)
          received.set(sent)
          mustBe(new Float32Array(received.buffer).at(-1))
        }
      },
    },
    {
      name: 'encodeFrame and decodeFrames',
      run(times) {
        for (let i = 0; i < times; i++)
          for (const { input } of decodeFrames(encodeFrame(frame)) as Generator<Frame & { readonly input: unknown }>)
            mustBe((input as { readonly values: Tensor<'float32'> }).values.data.at(-1))
      },
    },
  ],
  31,
)
const ratio = (measured['encodeFrame and decodeFrames'] ?? Number.NaN) / (measured['two copies'] ?? Number.NaN)
against('at most 1.2×', `a frame costs ${ratio.toFixed(2)}× two copies of its bytes`, ratio <= 1.2)
