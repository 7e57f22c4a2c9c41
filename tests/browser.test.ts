import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isMissing } from './missing-part.ts'
import { projectRoot } from './run-script.ts'

const executablePath = process.env.DINRAIL_CHROMIUM ?? '/usr/bin/chromium'

/** The page's script, against what is published: the built packages. */
async function bundle(): Promise<string> {
  const dist = (name: string, entry: string) => path.join(projectRoot, 'packages', name, 'dist', `${entry}.js`)
  const { outputFiles } = await build({
    entryPoints: [path.join(projectRoot, 'tests/browser-page.ts')],
    bundle: true,
    write: false,
    logLevel: 'error',
    format: 'iife',
    globalName: 'page',
    platform: 'browser',
    target: 'es2022',
    alias: {
      '@dinrail/core/conformance': dist('core', 'conformance'),
      '@dinrail/core/signature': dist('core', 'signature'),
      '@dinrail/core': dist('core', 'index'),
      '@dinrail/collab': dist('collab', 'index'),
    },
    nodePaths: [path.join(projectRoot, 'packages/core/node_modules')],
  })
  return outputFiles[0]?.text ?? ''
}

describe.skipIf(isMissing(existsSync(executablePath)))(
  `in a real browser (skipped where Debian's chromium is not at ${executablePath})`,
  () => {
    let browser: Browser
    let server: Server
    let script: string

    beforeAll(async () => {
      script = await bundle()
      // A page of localhost is a secure context, which crypto.subtle asks for.
      server = createServer((request, response) => {
        const isScript = request.url === '/page.js'
        response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
        response.end(isScript ? script : '<!doctype html><title>Dinrail</title>')
      }).listen(0, '127.0.0.1')
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    })
    afterAll(async () => {
      await browser?.close()
      server?.close()
    })

    const inWorker = `new Promise((resolve, reject) => {
    const run = 'importScripts("/page.js"); page.main().then((result) => postMessage(result), (e) => postMessage({ error: String(e) }))'
      .replace('"/page.js"', JSON.stringify(location.origin + '/page.js'))
    const worker = new Worker(URL.createObjectURL(new Blob([run])))
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
  })`

    it.each([
      ['a page', 'page.main()'],
      ['a worker', inWorker],
    ])('the built packages do all that they do in Node: %s', async (_, expression) => {
      const page = await browser.newPage()
      const problems: string[] = []
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
      page.on('pageerror', (problem) => problems.push(problem.message))
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await page.addScriptTag({ url: '/page.js' })
      const result = (await page.evaluate(expression)) as Record<string, string>
      expect(result).toMatchObject({
        found: 'browser/level',
        level: 20,
        parts: [0, 1, 2],
        foreignUnit: 'unit-mismatch',
        late: 'deadline-exceeded',
        rescued: 20,
        interlocked: 'interlocked',
        journal: true,
      })
      expect(`${result.model}\n${result.transport}`).not.toContain('✗')
      expect(problems.filter((text) => !text.includes('favicon'))).toEqual([])
      await page.close()
    })

    it('needs nothing of Node', () => {
      expect(script).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer\b/)
    })
  },
)
