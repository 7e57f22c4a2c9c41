import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  connect,
  defineModel,
  inProcessTransport,
  invoke,
  limitLoad,
  type Model,
  serve,
  sha256,
  type Tensor,
  tensor,
} from '@dinrail/core'
import { signDescriptor, trustedBy } from '@dinrail/core/signature'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { faultOf } from './fault-of.test-support.ts'
import { doctor, onnxModel, swappable } from './index.ts'
import { externalSum } from './networks.test-support.ts'
import { readModel } from './node.ts'
import { lines } from './tiny-networks.test-support.ts'

ort.env.wasm.numThreads = 1

const stated = { runtime: ort, id: 'acme/gain', title: 'Gain', task: 'process-analysis' } as const
const gain = (factor: number, version = '1.0.0', more: object = {}) =>
  onnxModel({
    ...stated,
    version,
    model: lines([factor]),
    inputs: { x: { vector: [{ name: 'level', unit: 'mm' }] } },
    outputs: { y: { values: [{ name: 'level', unit: 'mm' }] } },
    ...more,
  })
const bounds = { deadlineMs: 5_000 }

describe('the life of a model', () => {
  it('ends once, after the calls in flight', async () => {
    const model = await gain(2)
    expect(model.health()).toMatchObject({ state: 'ready', running: 0, answered: 0, failed: 0 })
    const calls = Array.from({ length: 20 }, (_, level) => invoke(model, { level }, bounds))
    await Promise.resolve()
    const [once, twice] = [model.dispose(), model.dispose()]
    expect(once).toBe(twice)
    expect(model.health().state).toBe('draining')
    expect(await Promise.all(calls)).toHaveLength(20)
    await once
    expect(model.health()).toMatchObject({ state: 'disposed', running: 0, answered: 20 })
    expect(await faultOf(invoke(model, { level: 1 }, bounds))).toMatchObject({ code: 'unavailable', retryable: false })
  })

  it('goes on beside another version, and each names itself', async () => {
    const [one, two] = await Promise.all([gain(1, '1.0.0'), gain(2, '2.0.0')])
    const replies = await Promise.all([one, two, one, two].map((model) => invoke(model, { level: 3 }, bounds)))
    expect(replies.map(({ output, servedBy }) => [servedBy[0]!.version, output.level])).toEqual([
      ['1.0.0', 3],
      ['2.0.0', 6],
      ['1.0.0', 3],
      ['2.0.0', 6],
    ])
    await Promise.all([one.dispose(), two.dispose()])
  })

  it('counts what the network got wrong, and not what its callers did', async () => {
    const model = await gain(2)
    await faultOf(invoke(model, { level: Number.NaN }, bounds))
    await invoke(model, { level: 1 }, bounds)
    expect(model.health()).toMatchObject({ answered: 1, failed: 0 })
    expect((await faultOf(invoke(model, { level: 3e38 * 10 }, bounds))).code).toBe('invalid-input')
    expect((await faultOf(invoke(model, { level: 3e38 }, bounds))).code).toBe('invalid-output')
    expect(model.health()).toMatchObject({ answered: 1, failed: 1 })
    await model.dispose()
  })

  it('has as many callers at once as it is given, and no more', async () => {
    const model = limitLoad(await gain(2), { atOnce: 1, waiting: 1 })
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => invoke(model, { level: 1 }, bounds)))
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    for (const call of calls) if (call.status === 'rejected') expect(call.reason.code).toBe('overloaded')
    await model.dispose?.()
  })
})

describe('an exchange', () => {
  it('leaves every call with one of the two versions, and drains the one before', async () => {
    const [one, two] = await Promise.all([gain(1, '1.0.0'), gain(2, '1.1.0')])
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    const before = Array.from({ length: 50 }, () => invoke(door, { level: 3 }, bounds))
    await Promise.resolve()
    const swapped = door.swap(two)
    const after = Array.from({ length: 50 }, () => invoke(door, { level: 3 }, bounds))
    const replies = await Promise.all([...before, ...after])
    await swapped
    for (const { output, servedBy } of replies) expect(output.level).toBe(servedBy[0]!.version === '1.0.0' ? 3 : 6)
    expect(replies.at(-1)!.servedBy[0]!.version).toBe('1.1.0')
    expect(replies[0]!.servedBy[0]!.version).toBe('1.0.0')
    expect(one.health().state).toBe('disposed')
    expect(door.descriptor.version).toBe('1.1.0')
    expect((await faultOf(invoke(door, { level: Number.NaN }, bounds))).code).toBe('invalid-input')
    await door.dispose?.()
    expect(two.health().state).toBe('disposed')
  })

  it('by itself changes nothing', async () => {
    const one = await gain(1)
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    await door.swap(one)
    expect((await invoke(door, { level: 3 }, bounds)).output.level).toBe(3)
    await door.dispose?.()
  })

  it('does not take one back that it still lets go of, which would be disposed of under its callers', async () => {
    const [one, two] = await Promise.all([gain(1), gain(2)])
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    const call = invoke(door, { level: 3 }, bounds)
    const swapped = door.swap(two)
    expect(await faultOf(door.swap(one))).toMatchObject({ code: 'unavailable', retryable: false })
    await Promise.all([call, swapped])
    expect((await invoke(door, { level: 3 }, bounds)).output).toEqual({ level: 6 })
    await door.dispose?.()
  })

  it('never leaves callers with a version that was disposed, such as the one before', async () => {
    const [one, two] = await Promise.all([gain(1), gain(2, '1.1.0')])
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    await door.swap(two)
    const fault = await faultOf(door.swap(one))
    expect(fault).toMatchObject({ code: 'unavailable', retryable: false })
    expect(fault.message).toContain('acme/gain 1.0.0 is disposed: load it again')
    expect((await invoke(door, { level: 3 }, bounds)).output.level).toBe(6)
    await door.dispose?.()
  })

  it('is over once the door is disposed, and no version is left behind', async () => {
    const [one, two, three] = await Promise.all([gain(1), gain(1, '1.0.1'), gain(1, '1.0.2')])
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    const calls = Array.from({ length: 20 }, () => invoke(door, { level: 3 }, bounds))
    await Promise.resolve()
    const swapped = door.swap(two)
    await door.dispose?.()
    expect([one, two].map((version) => version.health().state)).toEqual(['disposed', 'disposed'])
    await Promise.all([swapped, ...calls])
    expect(await faultOf(door.swap(three))).toMatchObject({ code: 'unavailable' })
    expect(three.health().state).toBe('ready')
    expect(await faultOf(invoke(door, { level: 3 }, bounds))).toMatchObject({ code: 'unavailable' })
    await three.dispose()
  })

  it('is refused where callers would notice, and nothing has changed', async () => {
    const [one, other] = await Promise.all([
      gain(1),
      gain(2, '2.0.0', { inputs: { x: { vector: [{ name: 'level', unit: 'm' }] } } }),
    ])
    const door = swappable<{ readonly level: number }, { readonly level: number }>(one)
    const fault = await faultOf(door.swap(other))
    expect(fault).toMatchObject({ code: 'contract-changed' })
    expect(fault.message.split('/input/properties/level/unit')).toHaveLength(2)
    expect((await invoke(door, { level: 3 }, bounds)).output.level).toBe(3)
    await Promise.all([door.dispose?.(), other.dispose()])
  })

  it.each([
    ['', (door: Model) => door],
    [' behind a limit', (door: Model) => limitLoad(door, { atOnce: 4 })],
  ])('of a served model%s is noticed by whoever planned against the one before', async (_, placed) => {
    const transport = inProcessTransport()
    const door = swappable<{ readonly level: number }, { readonly level: number }>(await gain(1))
    const service = await serve(placed(door as Model), transport)
    const remote = await connect(transport, 'acme/gain', bounds)
    expect((await invoke(remote, { level: 3 }, bounds)).output).toEqual({ level: 3 })
    // The same file and contract, loaded again, are what was promised.
    await door.swap(await gain(1))
    expect((await invoke(remote, { level: 3 }, bounds)).output).toEqual({ level: 3 })
    await door.swap(await gain(2))
    const fault = await faultOf(invoke(remote, { level: 3 }, bounds))
    expect(fault).toMatchObject({ code: 'contract-changed', message: expect.stringContaining('serve it again') })
    await service.close()
    await serve(placed(door as Model), transport)
    const again = await connect(transport, 'acme/gain', bounds)
    expect((await invoke(again, { level: 3 }, bounds)).output).toEqual({ level: 6 })
    await transport.close()
    await door.dispose?.()
  })

  it('waits for the calls of the one before, whatever that one does itself', async () => {
    let answer = () => {}
    const ended: string[] = []
    const slow = (version: string) =>
      defineModel({
        id: 'acme/slow',
        version,
        title: 'Slow',
        task: 'process-analysis',
        input: z.object({}),
        output: z.object({}),
        run: () =>
          new Promise<{ output: Record<string, never> }>((resolve) => {
            answer = () => resolve({ output: {} })
          }),
        async dispose() {
          ended.push(version)
        },
      })
    const door = swappable(slow('1.0.0'))
    const call = invoke(door, {}, bounds)
    await new Promise((resolve) => setImmediate(resolve))
    const swapped = door.swap(slow('1.0.1'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(ended).toEqual([])
    answer()
    await Promise.all([call, swapped])
    expect(ended).toEqual(['1.0.0'])
  })

  it('works for models of every kind', async () => {
    const rule = (version: string) =>
      defineModel({
        id: 'acme/rule',
        version,
        title: 'Rule',
        task: 'process-analysis',
        input: z.object({ level: z.number() }),
        output: z.object({ level: z.number() }),
        run: ({ level }) => ({ output: { level } }),
      })
    const door = swappable(rule('1.0.0'))
    await door.swap(rule('1.0.1'))
    expect((await invoke(door, { level: 1 }, bounds)).servedBy[0]!.version).toBe('1.0.1')
  })
})

describe('weights', () => {
  it('are the pinned ones or none', async () => {
    const bytes = lines([2])
    const pin = await sha256(bytes)
    await (await gain(2, '1.0.0', { model: bytes, sha256: pin })).dispose()
    for (const at of [bytes.length >> 2, bytes.length >> 1]) {
      const flipped = bytes.slice()
      flipped[at]! ^= 1
      expect(await faultOf(gain(2, '1.0.0', { model: flipped, sha256: pin }))).toMatchObject({ code: 'denied' })
    }
  })

  it('beside the file are part of what is pinned', async () => {
    const bytes = externalSum('two.bin')
    const load = (weights: readonly number[], more: object = {}) =>
      onnxModel({
        ...stated,
        version: '1.0.0',
        model: { bytes, external: async () => new Uint8Array(Float32Array.from(weights).buffer) },
        ...more,
      })
    const artefactOf = async (weights: readonly number[]) => {
      const model = await load(weights)
      await model.dispose()
      return model.descriptor.provenance?.artefact
    }
    const pin = await artefactOf([10, 20])
    expect(pin).not.toBe(await artefactOf([10, 21]))
    const model = await load([10, 20], { sha256: pin })
    const { output } = await invoke(model, { x: tensor(Float32Array.of(1, 2)) }, bounds)
    expect((output.y as Tensor).data).toEqual(Float32Array.of(11, 22))
    await model.dispose()
    expect(await faultOf(load([10, 21], { sha256: pin }))).toMatchObject({ code: 'denied' })
    expect(await faultOf(load([10, 20], { sha256: await sha256(bytes) }))).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('of the .onnx file alone'),
    })
  })

  it('are those that the stated provenance names', async () => {
    const artefact = await sha256(lines([2]))
    await (await gain(2, '1.0.0', { provenance: { artefact } })).dispose()
    expect(await faultOf(gain(3, '1.0.0', { provenance: { artefact } }))).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('provenance.artefact says'),
    })
  })

  it('are pinned by nothing but a digest', async () => {
    await expect(gain(2, '1.0.0', { sha256: 'A'.repeat(64) })).rejects.toThrow(/sha256: and 64 hexadecimal digits/)
  })

  it('are vouched for by a signature over the descriptor, which holds their digest', async () => {
    const { privateKey, publicKey } = (await crypto.subtle.generateKey('Ed25519', false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const unsigned = await gain(2)
    const signature = await signDescriptor(unsigned.descriptor, privateKey, 'acme-2026')
    const trust = trustedBy({ 'acme-2026': publicKey })
    await (await gain(2, '1.0.0', { signature, trust })).dispose()
    expect(await faultOf(gain(2, '1.0.0', { trust }))).toMatchObject({ code: 'denied' })
    expect(await faultOf(gain(3, '1.0.0', { signature, trust }))).toMatchObject({ code: 'denied' })
    await expect(gain(2, '1.0.0', { signature })).rejects.toThrow(/no trust/)
    expect(await faultOf(gain(2, '1.0.1', { signature, trust }))).toMatchObject({ code: 'denied' })
    await unsigned.dispose()
  })
})

describe('what is passed in wrongly is a TypeError that says what to pass', () => {
  it.each([
    ['no runtime', { runtime: undefined }, /import \* as runtime from 'onnxruntime-web'/],
    ['a module that is none', { runtime: { default: {} } }, /runtime is no ONNX runtime/],
    [
      'a buffer in place of bytes',
      { model: lines([1]).buffer },
      /model is ArrayBuffer: pass its bytes as a Uint8Array/,
    ],
    ['no model', { model: undefined }, /model is undefined: pass its bytes/],
    ['null in place of inputs', { inputs: null }, /inputs is null: it must be an object/],
    ['null in place of outputs', { outputs: null }, /outputs is null: it must be an object/],
    ['a pool that is none', { execution: { pool: {} } }, /execution.pool is no pool: pass what workerPool/],
    [
      'an execution that nobody knows',
      { execution: { bathcing: { maximum: 8 } } },
      /execution.bathcing is no member of it/,
    ],
    ['a place that is none', { execution: { where: 'gpu' } }, /execution.where is gpu: it must be here or pool/],
    ['a queue of nobody', { execution: { queue: 0 } }, /execution.queue is 0: it must be a whole number above 0/],
    ['half a row', { execution: { batching: { maximum: 2.5 } } }, /execution.batching.maximum is 2.5/],
    ['a wait that is none', { execution: { batching: { maximum: 2, waitMs: -1 } } }, /execution.batching.waitMs is -1/],
  ])('%s', async (_, change, message) => {
    const loading = gain(1, '1.0.0', change)
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toBeInstanceOf(TypeError)
  })
})

it('a provider that the runtime does not have is not the file’s fault', async () => {
  const fault = await faultOf(gain(1, '1.0.0', { execution: { providers: ['cuda'] } }))
  expect(fault.code).toBe('unsupported')
  expect(fault.field).toBeUndefined()
  expect(fault.message).toMatch(/none of the providers that were asked for.*\[cuda\] backend not found/)
})

describe('a model may lie', () => {
  let folder = ''
  const served = createServer((request, response) =>
    request.url === '/gain.onnx' ? response.end(lines([4])) : response.writeHead(404).end(),
  )
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dinrail-onnx-'))
    await writeFile(path.join(folder, 'gain.onnx'), lines([3]))
    await new Promise<void>((resolve) => served.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    served.close()
    await rm(folder, { recursive: true })
  })
  const answerOf = async (model: Model<{ readonly level: number }, { readonly level: number }, never>) => {
    const { output } = await invoke(model, { level: 1 }, bounds)
    await model.dispose?.()
    return output.level
  }

  it('in a file', async () => {
    expect(await answerOf(await gain(0, '1.0.0', { model: await readModel(path.join(folder, 'gain.onnx')) }))).toBe(3)
    expect(await faultOf(readModel(path.join(folder, 'other.onnx')))).toMatchObject({ code: 'not-found' })
    await expect(gain(0, '1.0.0', { model: 'gain.onnx' })).rejects.toThrow(/readModel\(path\)/)
  })

  it('on a server', async () => {
    const url = `http://127.0.0.1:${(served.address() as AddressInfo).port}`
    expect(await answerOf(await gain(0, '1.0.0', { model: `${url}/gain.onnx` }))).toBe(4)
    expect(await answerOf(await gain(0, '1.0.0', { model: new URL(`${url}/gain.onnx`) }))).toBe(4)
    expect(await faultOf(gain(0, '1.0.0', { model: `${url}/other.onnx` }))).toMatchObject({ code: 'unavailable' })
    expect(await faultOf(gain(0, '1.0.0', { model: 'http://127.0.0.1:1/gain.onnx' }))).toMatchObject({
      code: 'unavailable',
    })
  })
})

describe('the doctor', () => {
  it('says what this machine can do, and how to mend what it cannot', async () => {
    const found = await doctor(ort)
    expect(found).toMatchObject({ host: `node ${process.versions.node}`, simd: true, threads: true, problems: [] })
    expect(found.runtime.web).toMatch(/^\d+\.\d+\.\d+/)
    expect(found.cores).toBeGreaterThan(0)
    expect((await doctor()).problems).toMatchObject([
      { severity: 'warning', fix: expect.stringContaining('doctor(ort)') },
    ])
    const threaded = await doctor({ ...ort, env: { versions: { web: '1' }, wasm: { numThreads: 2 } } })
    expect(threaded.problems[0]).toMatchObject({
      message: expect.stringContaining('is set to 2 threads'),
      fix: expect.stringContaining('numThreads = 1'),
    })
    const undecided = await doctor({ ...ort, env: { versions: { web: '1' }, wasm: {} } })
    expect(undecided.problems[0]!.message).toContain('decides on its threads itself')
  })
})
