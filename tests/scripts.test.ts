import { describe, expect, it } from 'vitest'
import { runScript } from './run-script.ts'

describe('the users’ scripts run as they stand', () => {
  it.each([
    ['researcher-cascade', '9.5 mm/s is zone D, says lab/rule'],
    ['equipment-maker-adapter', 'the spindle grew by 117.0 µm'],
    ['onboard-an-onnx-file', '3000 1/min is above 1797 1/min'],
    ['onnx-recipes', 'every recipe feeds and reads what it says'],
    ['vendor-discovery', 'plant/strip-inspector says'],
  ])('%s', async (name, line) => {
    const { exitCode, output } = await runScript(`examples/${name}.ts`).ended
    expect(output).toContain(line)
    expect(exitCode).toBe(0)
  })
})
