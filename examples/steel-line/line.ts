import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type FileJournal, fileJournal, verifyJournalFile } from '@dinrail/agent-kit/file-journal'
import { connect, discover, Fault, invoke, type KnownContract, type Schema, serve, type Transport } from '@dinrail/core'
import { mqttTransport } from '@dinrail/transport-mqtt'
import { embeddedBroker } from '@dinrail/transport-mqtt/embedded-broker'
import { connect as connectMqtt } from 'mqtt'
import { bearingDiagnosis, maintenanceAgent, millSpeed, surfaceInspection } from './contracts.ts'
import { shownJournal } from './journal-lines.ts'
import { type AskPerson, guardedMillSpeed, type MillDrive } from './mill-speed.ts'
import type { LargeModel, Options } from './options.ts'
import { startPart } from './part.ts'
import { eventLogTool, type FiledOrder, workOrderTool } from './plant-records.ts'
import type { Shift, Window } from './shift.ts'
import {
  askPerson,
  bold,
  dim,
  green,
  heading,
  progress,
  red,
  say,
  sayFault,
  sayModels,
  sayReply,
  yellow,
} from './terminal.ts'

/** Cleans up after each step of the line, the last one first. */
type CleanUps = (() => unknown)[]

/** Who calls from the line's own control, as the journal names it. */
const lineControl = { id: 'plant/line-control', roles: ['operator'] }
const asset = 'hot strip mill, stand 4, drive end'
const patienceMs = 30_000
/** How long the agent may take: a large model on the processor of this machine takes seconds for each step. */
const endpointMs = 180_000
const inProcessMs = 900_000
/** How long the parts may take to start: a large model is read from its file first. */
const loadingMs = 180_000
/** Below these shares of right answers a model is not the one that its card describes. */
const leastAccuracy = { bearing: 0.9, surface: 0.6 }
/** A label counts as an alarm when it came twice in a row with at least this confidence. */
const alarmConfidence = 0.7

/** Runs the whole story once. Answers with what went wrong, nothing when all went right. */
export async function runLine(shift: Shift, options: Options, signal: AbortSignal): Promise<readonly string[]> {
  const cleanUps: CleanUps = []
  try {
    return await new SteelLine(shift, options, signal, cleanUps).run()
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  }
}

class SteelLine {
  private readonly trouble: string[] = []
  private readonly drive: MillDrive = { speed: 12, stripThreaded: true }

  constructor(
    private readonly shift: Shift,
    private readonly options: Options,
    private readonly signal: AbortSignal,
    private readonly cleanUps: CleanUps,
  ) {}

  async run(): Promise<readonly string[]> {
    say(bold('A steel strip line on the rail'))
    say(`  ${this.shift.source}`)
    const url = await this.startBroker()
    const journal = await this.startJournal()
    const transport = await mqttTransport({ connect: connectMqtt, url })
    this.cleanUps.push(() => transport.close())
    const orders = await this.startPlant(transport, journal)
    await this.startParts(url, transport)
    heading('Discovered on the broker')
    sayModels(await discover(transport))
    const models = await connectModels(transport)

    heading('Bearings')
    await this.measure('bearing windows', this.shift.windows, leastAccuracy.bearing, async (window) => {
      const reply = await invoke(models.bearing, bearingInput(window), this.within(2_000))
      return {
        answer: reply.output.label,
        truth: window.truth,
        show: () => sayReply(`${window.origin}: ${reply.output.label}`, reply),
      }
    })
    heading('Strips')
    await this.measure('strips', this.shift.strips, leastAccuracy.surface, async ({ strip, truth }) => {
      const reply = await invoke(models.surface, strip, this.within(2_000))
      return {
        answer: reply.output.label,
        truth,
        show: () => sayReply(`a region: ${reply.output.label} (it is ${truth})`, reply),
      }
    })

    heading('A bearing gets worse')
    const alarm = await this.watch(models.bearing)
    if (alarm === undefined) this.trouble.push('the bearing got worse and no alarm was raised')
    else {
      heading('The maintenance agent')
      await this.maintain(models.agent, alarm)
      if (!this.signal.aborted && orders.length !== 1)
        this.trouble.push(`${orders.length} work orders were filed instead of one`)
    }
    await this.drill(models.millSpeed)
    await this.report(journal)
    return this.trouble
  }

  private async startBroker(): Promise<string> {
    if (this.options.broker !== undefined) {
      say(`  broker ${this.options.broker}`)
      return this.options.broker
    }
    const broker = await embeddedBroker()
    this.cleanUps.push(() => broker.close())
    say(`  embedded broker ${broker.url}`)
    return broker.url
  }

  private async startJournal(): Promise<FileJournal> {
    await mkdir(this.options.journals, { recursive: true })
    const name = `steel-line-${new Date().toISOString().replace(/[:.]/g, '-')}.jsonl`
    const journal = await fileJournal(path.join(this.options.journals, name))
    this.cleanUps.push(() => journal.close())
    return shownJournal(journal)
  }

  /** What belongs to the plant itself: the drive behind its boundary, the work orders, the journal. */
  private async startPlant(transport: Transport, journal: FileJournal) {
    const orders: FiledOrder[] = []
    const instance = 'plant-control'
    await serve(guardedMillSpeed(this.drive, journal, this.ask), transport, { instance })
    await serve(workOrderTool(journal, orders), transport, { instance })
    await serve(eventLogTool(journal), transport, { instance })
    return orders
  }

  private readonly ask: AskPerson = async (question) => {
    if (this.options.approve) {
      say(`    ${question}: ${green('approved by --approve')}`)
      return { granted: true, approver: 'operator (--approve)' }
    }
    if (!process.stdin.isTTY)
      return {
        granted: false,
        approver: 'an unattended terminal',
        reason: 'no person is there, and --approve was not given',
      }
    const answer = await askPerson(question, patienceMs)
    return {
      granted: answer === true,
      approver: 'operator',
      reason: answer === 'no answer' ? 'nobody answered' : 'declined',
    }
  }

  private async startParts(url: string, transport: Transport): Promise<void> {
    const lost = new AbortController()
    for (const name of ['small-models', 'maintenance-agent']) {
      const part = startPart(name, { DINRAIL_LINE_BROKER: url }, (reason) => {
        const message = `${reason}; whatever it was doing is in the journal`
        this.trouble.push(message)
        say(`  ${red('lost')}  ${message}`)
        lost.abort(new Fault('unavailable', reason))
      })
      this.cleanUps.push(() => part.stop())
      say(`  ${name} runs as process ${part.process.pid}`)
    }
    const large = this.options.llm
    const startMs = large && 'gguf' in large ? loadingMs : patienceMs
    const ids = [bearingDiagnosis, surfaceInspection, maintenanceAgent].map(({ id }) => id)
    const found = Promise.all(ids.map((id) => connect(transport, id, { deadlineMs: startMs })))
    await Promise.race([found, rejectionOf(lost.signal), rejectionOf(this.signal)])
  }

  private within(deadlineMs: number) {
    return { deadlineMs, signal: this.signal, caller: lineControl }
  }

  /** Asks for every record, shows the first answers and says how many were right. */
  private async measure<Item>(
    what: string,
    items: readonly Item[],
    least: number,
    ask: (item: Item) => Promise<{ answer: string; truth: string; show: () => void }>,
  ): Promise<void> {
    const shown = 3
    const times: number[] = []
    const refused: Fault[] = []
    let right = 0
    for (const [i, item] of items.entries()) {
      const started = performance.now()
      try {
        const { answer, truth, show } = await ask(item)
        times.push(performance.now() - started)
        if (answer === truth) right += 1
        if (i < shown) show()
      } catch (thrown) {
        const fault = Fault.from(thrown)
        if (fault.code !== 'out-of-limits') throw fault
        refused.push(fault)
      }
      progress(what, i + 1, items.length)
    }
    const accuracy = right / times.length
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.floor((times.length - 1) * share)]?.toFixed(1)
    say(
      `  ${bold(`${(accuracy * 100).toFixed(1)} %`)} right: ${right} of ${times.length} ${what}, ${at(0.5)} ms a call, 99 % within ${at(0.99)} ms`,
    )
    if (refused.length > 0)
      say(`  ${refused.length} more refused, outside what the model was trained on: ${dim(refused[0]!.message)}`)
    if (!(accuracy >= least)) this.trouble.push(`only ${right} of ${times.length} ${what} were recognised`)
  }

  /** Follows a bearing until the alarm. */
  private async watch(model: LineModels['bearing']): Promise<Window | undefined> {
    let before: string | undefined
    for (const window of this.shift.development) {
      const reply = await invoke(model, bearingInput(window), this.within(2_000))
      const { label } = reply.output
      const sure = (reply.confidence ?? 0) >= alarmConfidence
      sayReply(`${window.origin}: ${label}`, reply)
      if (label !== 'normal' && sure && label === before) {
        if (label !== window.truth) this.trouble.push(`the alarm says ${label}, the truth is ${window.truth}`)
        say(`  ${red('alarm')}  ${label} twice in a row at ${asset}`)
        return window
      }
      before = sure ? label : undefined
    }
    return undefined
  }

  private async maintain(agent: LineModels['agent'], window: Window): Promise<void> {
    const before = this.drive.speed
    try {
      const { strip } = this.shift.strips[0]!
      const alarm = { event: 'vibration-alarm', asset, ...bearingInput(window), strip, millSpeed: before } as const
      const { output, servedBy, warnings, elapsedMs } = await invoke(
        agent,
        alarm,
        this.within(this.options.llm && 'gguf' in this.options.llm ? inProcessMs : endpointMs),
      )
      const large = this.options.llm
      const failed = warnings.filter(({ code }) => code === 'fallback')
      const refused = warnings.filter(({ code }) => code === 'answer-refused').length
      // An endpoint that fails may be gone; a model in this process that was too slow for a step is still there.
      if (large && failed.length > 0 && ('url' in large || refused === 0))
        this.trouble.push(
          `the large model ${nameOf(large)} was lost: ${failed[0]?.message}; the playbook went on in its place`,
        )
      if (output.diagnosis !== window.truth)
        this.trouble.push(`the agent says ${output.diagnosis}, the truth is ${window.truth}`)
      if (this.drive.speed === before) this.trouble.push('no proposal of the agent was accepted')
      if (output.millSpeed !== this.drive.speed)
        this.trouble.push(`the agent reports ${output.millSpeed} m/s, the mill runs at ${this.drive.speed} m/s`)
      say(`\n  ${bold('Report')} of ${servedBy.map(({ id }) => id).join(' + ')} after ${elapsedMs.toFixed(0)} ms`)
      say(`  ${output.summary}`)
      say(
        `  diagnosis ${output.diagnosis}, strip ${output.quality}, work order ${output.workOrder}, ${output.millSpeed} m/s`,
      )
      if (large && refused > 0)
        say(`  ${yellow(`${refused} answers of the large model did not hold and were not used; the journal says why`)}`)
      if (large && failed.length > 0)
        say(`  ${yellow(`the large model failed to answer: ${failed.map(({ message }) => message).join('; ')}`)}`)
      const ruled = warnings.filter(({ code }) => code === 'playbook').length
      if (ruled > 0)
        say(`  ${dim(`${ruled} steps were reasoned by the deterministic playbook, not by a language model`)}`)
    } catch (thrown) {
      const fault = Fault.from(thrown)
      sayFault('the agent gave no report', fault)
      this.trouble.push(
        `the agent gave no report (${fault.code}: ${fault.message}); the mill stays at ${this.drive.speed} m/s`,
      )
    }
  }

  /** What if the agent were lost? A dangerous speed under its name must not reach the drive. */
  private async drill(model: LineModels['millSpeed']): Promise<void> {
    heading('Boundary drill: a dangerous proposal under the agent’s name')
    const before = this.drive.speed
    const speed = 25
    say(`  ${maintenanceAgent.id} → ${millSpeed.id}: ${speed} m/s`)
    try {
      const caller = { id: maintenanceAgent.id, roles: ['agent'] }
      await invoke(model, { speed, reason: 'make up for lost time' }, { ...this.within(5_000), caller })
      this.trouble.push(`${speed} m/s was accepted: the boundary does not hold`)
    } catch (thrown) {
      const fault = Fault.from(thrown)
      if (fault.code !== 'out-of-limits') {
        sayFault('refused for another reason than its limits', fault)
        this.trouble.push(`the dangerous proposal ended in ${fault.code} instead of out-of-limits`)
      }
    }
    if (this.drive.speed !== before) this.trouble.push(`the drill moved the mill to ${this.drive.speed} m/s`)
    say(`  the mill still runs at ${this.drive.speed} m/s`)
  }

  private async report(journal: FileJournal): Promise<void> {
    const head = await journal.head()
    const verdict = await verifyJournalFile(journal.path, head)
    heading('Journal')
    say(`  ${journal.path}`)
    say(`  ${head.size} entries, head ${head.root}`)
    if (verdict.ok) say(`  ${green('the chain holds')}; check it again with: npm start -- --verify ${journal.path}`)
    else this.trouble.push(`the journal is damaged at entry ${verdict.sequence}: ${verdict.problem}`)
  }
}

/** The models of the line as they are used here, typed by their contracts. */
async function connectModels(transport: Transport) {
  const known = <In extends Schema, Out extends Schema>(contract: KnownContract<In, Out>) =>
    connect(transport, contract, { deadlineMs: 5_000 })
  return {
    bearing: await known(bearingDiagnosis),
    surface: await known(surfaceInspection),
    agent: await known(maintenanceAgent),
    millSpeed: await known(millSpeed),
  }
}

type LineModels = Awaited<ReturnType<typeof connectModels>>

function nameOf(large: LargeModel): string {
  return 'url' in large ? `${large.model} at ${large.url}` : large.gguf
}

function bearingInput({ vibration, shaftSpeed }: Window) {
  return { vibration, shaftSpeed }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
