// The flagship: a steel strip line. `npm start -- --help` says what it does.
import { verifyJournalFile } from '@dinrail/agent-kit/file-journal'
import { Fault } from '@dinrail/core'
import { runLine } from './line.ts'
import { help, type Options, readOptions } from './options.ts'
import { recordedShift, simulatedShift } from './shift.ts'
import { bold, green, heading, red, say } from './terminal.ts'

async function verify(file: string): Promise<number> {
  const verdict = await verifyJournalFile(file)
  if (verdict.ok) {
    say(`${green('the chain holds')}: ${verdict.size} entries, head ${verdict.root}`)
    if (verdict.proven < verdict.size)
      say(`${verdict.size - verdict.proven} of them are newer than the head beside the file`)
    return 0
  }
  say(`${red('the journal was damaged')} at entry ${verdict.sequence}: ${verdict.problem}`)
  return 1
}

async function run(options: Options): Promise<number> {
  const shift = options.data === undefined ? simulatedShift(options.seed) : recordedShift(options.data)
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort(new Fault('cancelled', 'interrupted at the terminal')))
  const started = performance.now()
  const trouble = await runLine(shift, options, interrupted.signal)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  heading(
    trouble.length === 0 ? green(`All went right, in ${seconds} s`) : red(`Something went wrong, in ${seconds} s`),
  )
  for (const one of trouble) say(`  ${red('✗')} ${one}`)
  return trouble.length === 0 ? 0 : 1
}

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2), process.env)
  } catch (problem) {
    process.stderr.write(`${(problem as Error).message}\n\n${help}`)
    process.exit(2)
  }
}

const options = optionsOrExit()
try {
  if (options.help) say(help)
  else process.exitCode = options.verify === undefined ? await run(options) : await verify(options.verify)
} catch (problem) {
  const { code, message } = Fault.from(problem)
  say(`\n${red(bold(code))}  ${message}`)
  process.exitCode = 1
}
