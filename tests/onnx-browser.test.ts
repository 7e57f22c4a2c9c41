import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { build } from 'esbuild'
import * as ort from 'onnxruntime-web'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { counter, mlp } from '../packages/adapters-onnx/src/networks.test-support.ts'
import { isMissing } from './missing-part.ts'
import { projectRoot } from './run-script.ts'

/** WebGPU as Chromium has it, on a graphics processor that is a program. */
const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
const executablePath = process.env.DINRAIL_CHROMIUM ?? '/usr/bin/chromium'
const runtimeFolder = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))

/** The page's script, against what is published: the built packages. */
async function bundle(): Promise<string> {
  const dist = (name: string, entry: string) => path.join(projectRoot, 'packages', name, 'dist', `${entry}.js`)
  const { outputFiles } = await build({
    entryPoints: [path.join(projectRoot, 'tests/onnx-page.ts')],
    bundle: true,
    write: false,
    minify: true,
    logLevel: 'error',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias: {
      '@dinrail/core': dist('core', 'index'),
      '@dinrail/adapters-onnx/worker-pool': dist('adapters-onnx', 'worker-pool'),
      '@dinrail/adapters-onnx': dist('adapters-onnx', 'index'),
    },
  })
  return outputFiles[0]?.text ?? ''
}

/** The same calls by the raw runtime in Node. */
async function inNode(): Promise<number[]> {
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(mlp())
  const answers: number[] = []
  for (let call = 0; call < 8; call++) {
    const data = Float32Array.from({ length: 64 }, (_, at) => Math.sin(at + call))
    const { answer } = await session.run({ features: new ort.Tensor('float32', data, [1, 64]) })
    answers.push((answer!.data as Float32Array)[0]!)
  }
  await session.release()
  return answers
}

describe.skipIf(isMissing(existsSync(executablePath)))(
  `an ONNX model in a real browser (skipped where Debian's chromium is not at ${executablePath})`,
  () => {
    let browser: Browser
    let server: Server
    let origin: string

    beforeAll(async () => {
      const files = new Map<string, readonly [type: string, bytes: string | Uint8Array]>([
        ['/', ['text/html', '<!doctype html><title>Dinrail</title>']],
        ['/page.js', ['text/javascript', await bundle()]],
        ['/mlp.onnx', ['application/octet-stream', mlp()]],
        ['/counter.onnx', ['application/octet-stream', counter()]],
      ])
      for (const name of readdirSync(runtimeFolder).filter((one) => /(?:bundle\.min\.mjs|\.wasm)$/.test(one)))
        files.set(`/ort/${name}`, [
          name.endsWith('wasm') ? 'application/wasm' : 'text/javascript',
          readFileSync(path.join(runtimeFolder, name)),
        ])
      server = createServer((request, response) => {
        const [type, bytes] = files.get(request.url ?? '') ?? []
        if (type === undefined) response.statusCode = 404
        else response.setHeader('content-type', type)
        response.end(bytes)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      browser = await chromium.launch({ executablePath, args })
    })
    afterAll(async () => {
      await browser?.close()
      server?.close()
    })

    const inPage = `import(location.origin + '/page.js').then(({ main }) => main(location.origin))`
    const inWorker = `new Promise((resolve, reject) => {
      const run = 'import("ORIGIN/page.js").then(({ main }) => main("ORIGIN")).then(postMessage, (e) => postMessage({ error: String(e) }))'
      const script = new Blob([run.replaceAll('ORIGIN', location.origin)], { type: 'text/javascript' })
      const worker = new Worker(URL.createObjectURL(script), { type: 'module' })
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
    })`

    it.each([
      ['a page', inPage],
      ['a worker', inWorker],
    ])(
      'answers as in Node, alone, joined and from a pool, and survives a run that never ends: %s',
      async (_, script) => {
        const page = await browser.newPage()
        const problems: string[] = []
        page.on('pageerror', (problem) => problems.push(problem.message))
        await page.goto(origin)
        const result = (await page.evaluate(script)) as Record<string, unknown>
        const expected = await inNode()
        expect(result).toMatchObject({ hung: 'deadline-exceeded', afterwards: [4] })
        for (const way of ['here', 'joined', 'pooled'])
          for (const [call, level] of (result[way] as number[]).entries())
            expect(Math.abs(level - expected[call]!), `${way} ${call}`).toBeLessThan(1e-6)
        expect(problems).toEqual([])
        await page.close()
      },
    )

    it('answers the same by WebGPU, alone, joined and from a pool', async () => {
      const page = await browser.newPage()
      await page.goto(origin)
      const script = `import(location.origin + '/page.js').then(({ graphics }) => graphics(location.origin))`
      const result = (await page.evaluate(script)) as Record<string, unknown>
      const expected = await inNode()
      expect(result.webgpu).toBe(true)
      expect(result.submitted).toBeGreaterThan(8)
      for (const way of ['here', 'joined', 'pooled'])
        for (const [call, level] of (result[way] as number[]).entries())
          expect(Math.abs(level - expected[call]!), `${way} ${call}`).toBeLessThan(1e-4)
      await page.close()
    })
  },
)
