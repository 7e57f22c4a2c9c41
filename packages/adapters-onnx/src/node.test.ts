import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { within } from './engine.test-support.ts'
import { loadEngine } from './engine.ts'
import { externalSum } from './networks.test-support.ts'
import { readModel } from './node.ts'

ort.env.wasm.numThreads = 1
let root: string
let folder: string

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dinrail-folder-'))
  folder = path.join(root, 'model')
  await mkdir(path.join(folder, 'weights'), { recursive: true })
  await writeFile(path.join(root, 'secret'), 'the plant’s password')
  const two = new Uint8Array(Float32Array.of(10, 20).buffer)
  await writeFile(path.join(folder, 'weights/two.bin'), two)
  await symlink(path.join(root, 'secret'), path.join(folder, 'link.bin'))
  await symlink('weights/two.bin', path.join(folder, 'inside.bin'))
  await symlink(root, path.join(folder, 'up'))
})
afterAll(() => rm(root, { recursive: true }))

async function load(location: string) {
  const file = path.join(folder, 'model.onnx')
  await writeFile(file, externalSum(location))
  return loadEngine({ runtime: ort, ...(await readModel(file)), id: 'test/external' })
}

it('a model is read by its path, and by its address as import.meta.resolve gives it', async () => {
  const file = path.join(folder, 'one.onnx')
  await writeFile(file, 'bytes')
  for (const place of [file, pathToFileURL(file), pathToFileURL(file).href])
    expect(new TextDecoder().decode((await readModel(place)).bytes)).toBe('bytes')
})

describe('weights beside the file', () => {
  it.each(['weights/two.bin', './weights/two.bin', 'inside.bin'])(
    'are loaded from its folder: %s',
    async (location) => {
      const engine = await load(location)
      const x = { type: 'float32', dims: [2], data: Float32Array.of(1, 2) } as const
      const { y } = await engine.run({ x }, within(5_000))
      expect(y?.data).toEqual(Float32Array.of(11, 22))
      await engine.dispose()
    },
  )

  it.each([
    ['../secret', 'goes up'],
    ['weights/../../secret', 'goes up'],
    ['/etc/passwd', 'is absolute'],
    ['file:///etc/passwd', 'is a URL'],
    ['https://example.com/weights.bin', 'is a URL'],
    ['C:secret', 'names a drive'],
    ['\\\\server\\secret', 'is absolute'],
    ['weights\\..\\..\\secret', 'has a backslash'],
    ['', 'is empty'],
    ['two.bin\u0000.png', 'control characters'],
    ['link.bin', 'through a link'],
    ['up/secret', 'through a link'],
  ])('are refused at %j', async (location, why) => {
    await expect(load(location)).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining(why) })
    const { external } = await readModel(path.join(folder, 'model.onnx'))
    await expect(external?.(location)).rejects.toMatchObject({ code: 'denied' })
  })

  it('that are missing are named, and so is what to do without a reader', async () => {
    await expect(load('gone.bin')).rejects.toMatchObject({ code: 'not-found' })
    const bytes = externalSum('weights/two.bin')
    await expect(loadEngine({ runtime: ort, bytes, id: 'test/external' })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/weights\/two\.bin.*save the model as one file/),
    })
  })
})

describe('a model’s file', () => {
  it('that is missing or a folder is a fault that says so', async () => {
    await expect(readModel(path.join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(readModel(folder)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('is not a file'),
    })
    const pipe = path.join(folder, 'pipe.onnx')
    if (spawnSync('mkfifo', [pipe]).status === 0)
      await expect(readModel(pipe)).rejects.toMatchObject({ code: 'invalid-input' })
  })
})
