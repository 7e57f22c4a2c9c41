import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { scriptedModel } from '@dinrail/adapters-llm'
import { invoke } from '@dinrail/core'
import { describe, expect, it } from 'vitest'
import { runScript } from '../../tests/run-script.ts'
import { citedAnswers } from './cited-answer.ts'
import { lexicalSearch } from './lexical-search.ts'
import { readPassages } from './passages.ts'

const offline = { DINRAIL_GGUF: '', DINRAIL_LLM_URL: '', DINRAIL_LLM_MODEL: '', DINRAIL_EMBEDDING_URL: '' }
const bounds = { deadlineMs: 5_000 }
const question = 'At which bearing temperature must the cooling water pump be stopped?'
const source = 'cooling-water-pump.md#Bearing temperature'
const quote = 'Above 90 °C the pump is stopped at once, since the grease loses its film.'
const search = lexicalSearch(readPassages())
const worded = (value: unknown) => [{ kind: 'text' as const, text: JSON.stringify(value) }]

describe('answers from the manuals', () => {
  it('are right, cite their section, and say where there is nothing to cite, offline', async () => {
    const { exitCode, output } = await runScript('examples/knowledge-query/start.ts', [], offline).ended
    expect(output).toMatch(/(\d+) of \1 answers are right and cite the right section/)
    expect(exitCode).toBe(0)
  })

  it('may be worded by a large model that quotes what stands there', async () => {
    using large = scriptedModel([worded({ answer: 'It is stopped above 90 °C.', citations: [{ source, quote }] })])
    const { output, servedBy, warnings } = await invoke(citedAnswers(search, large), { question }, bounds)
    expect(output.answer).toBe('It is stopped above 90 °C.')
    expect(servedBy.map(({ id }) => id)).toEqual(['plant/manual-search', 'test/scripted'])
    expect(warnings).toEqual([])
  })

  it.each([
    ['invents a number', { answer: 'Above 95 °C.', citations: [{ source, quote }] }, /it says 95/],
    [
      'invents a quote',
      { answer: 'Above 90 °C.', citations: [{ source, quote: 'Above 90 °C the pump explodes.' }] },
      /does not stand in/,
    ],
    ['invents a source', { answer: 'Above 90 °C.', citations: [{ source: 'secret.md#Pump', quote }] }, /was not shown/],
    ['cites nothing', { answer: 'Above 90 °C.', citations: [] }, /cites nothing/],
    ['keeps no schema', { answer: 90 }, /invalid-output/],
  ])('are quoted instead where the large model %s, and say so', async (_, value, reason) => {
    using large = scriptedModel([worded(value)])
    const { output, warnings } = await invoke(citedAnswers(search, large), { question }, bounds)
    expect(output).toEqual({ answer: quote, citations: [{ source, quote }] })
    expect(warnings[0]?.message).toMatch(reason)
  })

  it('ask no model where no section speaks of the question', async () => {
    using large = scriptedModel([])
    const { output, quality } = await invoke(citedAnswers(search, large), { question: 'Who won the match?' }, bounds)
    expect(output).toEqual({ answer: 'The manuals do not say.', citations: [] })
    expect(quality).toBe('uncertain')
  })

  it('find sections by meaning where an embedding model is named', async () => {
    // Two kinds of points, of what is about greasing and of all else: enough to see that the search goes by them.
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { input } = JSON.parse(body) as { input: string[] }
      const data = input.map((text) => ({ embedding: [/Greasing|How much grease/.test(text) ? 1 : 0.1, 0.1] }))
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const { output } = await runScript(
      'examples/knowledge-query/start.ts',
      ['How much grease do the pump bearings take?'],
      {
        ...offline,
        DINRAIL_EMBEDDING_URL: url,
        DINRAIL_EMBEDDING_MODEL: 'test',
      },
    ).ended
    server.close()
    expect(output).toContain('Search in the manuals by embedding/test')
    expect(output).toMatch(/12 g of lithium grease/)
  })
})
