import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from './run-script.ts'

/** The command as it is published. */
function check(
  ...args: string[]
): Promise<{ readonly exitCode: number; readonly output: string; readonly problems: string }> {
  const command = path.join(projectRoot, 'packages/core/dist/check-command.js')
  return new Promise((resolve) =>
    execFile(process.execPath, [command, ...args], { cwd: projectRoot }, (problem, output, problems) =>
      resolve({ exitCode: problem === null ? 0 : Number(problem.code), output, problems }),
    ),
  )
}

describe('dinrail-check', () => {
  // Inside the project, so that the file finds the packages as an adapter of its own would.
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(projectRoot, 'examples/.check-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const adapter = async (name: string, source: string) => {
    const file = path.join(folder, name)
    await writeFile(
      file,
      `import { defineModel } from '@dinrail/core'\nimport { jsonSchema } from '@dinrail/core/json-schema'\n${source}`,
    )
    return file
  }

  it('proves the adapter of the guide, here and through a transport', async () => {
    const { exitCode, output } = await check('examples/write-an-adapter/spindle.mjs')
    expect(output).toContain('✓ 4.8 a sample older than maxAge is stale-input')
    expect(output).toContain('model through the in-process transport')
    expect(output).not.toContain('✗')
    expect(exitCode).toBe(0)
  })

  it('proves the transport of the guide', async () => {
    const { exitCode, output } = await check('examples/write-a-transport/broadcast.mjs')
    expect(output).not.toContain('✗')
    expect(output).toContain('✓ 9.8 a side that closes has withdrawn what it announced')
    expect(exitCode).toBe(0)
  })

  it('proves a model that converses, by the chapter of its own', async () => {
    const echo = `import { defineChatModel } from '@dinrail/core'
      const card = { tools: false, structuredOutput: 'none', modalities: ['text'] }
      const create = (tokens) => defineChatModel({ id: 'acme/echo', version: '1.0.0', title: 'Echo', chat: card,
        run: async () => ({ output: { content: [{ kind: 'text', text: 'echo' }], finishReason: 'stop', answeredBy: 'echo', tokens } }) })
      const input = { messages: [{ role: 'user', content: 'hello' }] }\n`
    const good = await check(
      await adapter('echo.mjs', `${echo}export const chat = { create: () => create({}), input }`),
    )
    expect(good.output).toMatch(/chat model\n[\s\S]*✓ 12\./)
    expect(good).toMatchObject({ exitCode: 0, output: expect.not.stringContaining('✗') })
    const bad = await check(
      await adapter('bad.mjs', `${echo}export const chat = { create: () => create({ input: -1 }), input }`),
    )
    expect(bad).toMatchObject({ exitCode: 1, output: /✗ 12\./ })
  })

  const liar = `const create = () => ({
    ...defineModel({ id: 'acme/liar', version: '1.0.0', title: 'Liar', task: 'scheduling',
      input: jsonSchema({ type: 'object' }), output: jsonSchema({ type: 'object' }), run: () => ({ output: {} }) }),
    run: async () => ({ output: 'nothing of the kind' }),
  })
  export const model = { create, input: {} }\n`

  it('names what a broken adapter breaks, and exits with 1', async () => {
    const { exitCode, output } = await check(await adapter('liar.mjs', liar))
    expect(output).toMatch(/✗ 5\.1 .*\/output/)
    expect(exitCode).toBe(1)
  })

  it('excuses what is known, and fails an excuse that is not needed', async () => {
    const excused = await adapter('excused.mjs', `${liar}export const known = { answers: 'fixed in 1.1' }`)
    expect((await check(excused)).exitCode).toBe(0)
    const stale = await adapter('stale.mjs', `${liar}export const known = { answers: 'x', 'descriptor-form': 'y' }`)
    expect((await check(stale)).exitCode).toBe(1)
    const misspelt = await adapter('misspelt.mjs', `${liar}export const known = { answer: 'x', answers: 'x' }`)
    expect((await check(misspelt)).output).toContain('no such check')
  })

  it('reports as JSON and as JUnit', async () => {
    const json = JSON.parse((await check('examples/write-an-adapter/spindle.mjs', '--format', 'json')).output)
    expect(json.map(({ conforms }: { conforms: boolean }) => conforms)).toEqual([true, true])
    const junit = (await check('examples/write-an-adapter/spindle.mjs', '--format', 'junit')).output
    expect(junit).toMatch(/<testsuite name="model" tests="\d+" failures="0"/)
  })

  it.each([
    ['no file', [], 'dinrail-check FILE'],
    ['a file that is not there', ['nowhere.mjs'], 'nowhere.mjs'],
    ['a format that nobody knows', ['examples/write-an-adapter/spindle.mjs', '--format', 'pdf'], 'text, json or junit'],
    ['an option that nobody knows', ['--verbose'], '--verbose'],
    ['a file that exports nothing to check', ['packages/core/dist/index.js'], 'neither model, chat nor transport'],
  ])('says what to do and exits with 2: %s', async (_, args, text) => {
    const { exitCode, output, problems } = await check(...args)
    expect(output + problems).toContain(text)
    expect(exitCode).toBe(2)
  })
})
