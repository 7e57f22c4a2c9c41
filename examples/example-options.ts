import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

/** What every example with records of its own takes: `--data DIR`, or nothing. Says what is wrong and exits with 2 otherwise. */
export function dataFolder(needs: string): string | undefined {
  try {
    const { values } = parseArgs({ options: { data: { type: 'string' } } })
    if (values.data !== undefined && !existsSync(path.join(values.data, needs)))
      throw new TypeError(`there is no ${path.join(values.data, needs)}: --data names the folder that holds ${needs}/`)
    return values.data
  } catch (problem) {
    console.error((problem as Error).message)
    process.exit(2)
  }
}
