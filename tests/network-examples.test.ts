import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot, runScript } from './run-script.ts'

const data = process.env.DINRAIL_DATA ?? path.join(projectRoot, '../shared/data')

describe('the examples with real networks run as a user runs them', () => {
  it.each([
    ['remaining-life', 'no machine stands behind them', 'a turbine outlet of 900 K: uncertain'],
    ['forecast-energy', 'no meter stands behind it', 'a day with a hole: invalid-input'],
    ['inspect-surface', 'drawn, not photographed', 'a picture of no surface: out-of-limits'],
    ['read-nameplate', 'speed      1455 1/min', 'a blank plate: invalid-input'],
    ['listen-for-voice', 'a voice from 0.7', 'answered as each alone'],
  ])('%s', async (name, ...lines) => {
    const { exitCode, output } = await runScript(`examples/${name}/start.ts`).ended
    for (const line of lines) expect(output).toContain(line)
    expect(exitCode, output).toBe(0)
  })

  it.for([
    ['remaining-life', 'cmapss', /engines that the network has never seen: RMSE (\S+) cycles/, 0, 16.4],
    ['forecast-energy', 'steel-energy', /two months never seen: RMSE (\S+) kWh/, 0, 10.6],
    ['inspect-surface', 'neu-det', /accuracy (\S+) % of 48 pictures/, 85, 100],
  ] as const)(
    '%s keeps what its card promises on held-out records',
    async ([name, needs, figure, low, high], { skip }) => {
      skip(
        !existsSync(path.join(data, needs)),
        `there is no ${needs} in ${data}: DINRAIL_DATA names the folder of records`,
      )
      const { exitCode, output } = await runScript(`examples/${name}/start.ts`, ['--data', data]).ended
      const value = Number(figure.exec(output)?.[1])
      expect(value, output).toBeGreaterThanOrEqual(low)
      expect(value).toBeLessThanOrEqual(high)
      expect(exitCode, output).toBe(0)
    },
  )

  it.each(['remaining-life', 'forecast-energy', 'inspect-surface'])(
    '%s says what is wrong with its options',
    async (name) => {
      const wrong = await runScript(`examples/${name}/start.ts`, ['--data', 'no/such/folder']).ended
      expect(wrong.output).toMatch(/--data names the folder that holds/)
      expect(wrong.exitCode).toBe(2)
    },
  )
})
