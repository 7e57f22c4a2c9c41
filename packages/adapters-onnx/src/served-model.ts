import { defineModel, Fault, type FaultCode, invoke, type Model, type RunContext, type RunResult } from '@dinrail/core'
import { ownTensor } from './array-parts.ts'
import { describedBy } from './contract-descriptor.ts'
import type { Health, OnnxModel } from './definition.ts'
import { numbersOf } from './element-types.ts'
import type { Engine } from './engine.ts'
import { fitsShape } from './feeds.ts'
import { callsToFill, checkGolden, measuredNow } from './golden.ts'
import type { Tensors } from './network.ts'
import { judged, noveltyScore } from './novelty.ts'
import { type Fields, type Memory, shapeText } from './onnx-input.ts'
import { checkFinite, gave } from './onnx-output.ts'
import { prepareInputs, prepareOutputs } from './prepared-contract.ts'
import type { OnnxTensor } from './runtime.ts'
import { type Session, sessions } from './sessions.ts'
import type { WholeContract } from './stated-contract.ts'

type Answering = OnnxModel<Fields, unknown>

/** What a call ends in through the network and nobody else. */
const networkCodes: ReadonlySet<FaultCode> = new Set(['internal', 'invalid-output', 'deadline-exceeded'])

/** How long one golden answer may take, in milliseconds. */
const goldenDeadlineMs = 60_000

/** A loaded network behind its contract; `queue` bounds the calls that wait in a session. Throws a `TypeError` where the two disagree. */
export function servedModel(engine: Engine, contract: WholeContract, artefact: string, queue?: number) {
  const {
    inputs: statedInputs,
    outputs: statedOutputs,
    context,
    novelty,
    sessions: bounds,
    golden,
    ...stated
  } = contract
  const id = String(stated.id)
  const inputs = prepareInputs(engine, statedInputs, context)
  const outputs = prepareOutputs(engine, statedOutputs, inputs.states)
  const score = novelty && noveltyScore(novelty, engine.inputs, engine.outputs)
  const keepsSessions = inputs.states.length > 0 || inputs.calls > 0
  if (bounds !== undefined && !keepsSessions)
    throw new TypeError(
      `${id} states sessions, but remembers nothing: it has no state, no window over calls and no overlap`,
    )
  const kept = sessions(id, bounds, queue)
  const { outsideTraining = 'refuse' } = stated
  let [running, answered, failed, loadedInMs] = [0, 0, 0, 0]
  let closing: Promise<void> | undefined
  let isClosed = false
  let drained: (() => void) | undefined
  let runNetwork = engine.run

  /** Without an `await`: that of a small network's answer would cost a noticeable part of its run. */
  function answer(input: Fields, context: RunContext, session: Session | undefined): Promise<RunResult<unknown>> {
    if (closing !== undefined)
      return Promise.reject(new Fault('unavailable', `${id} was disposed`, { retryable: false }))
    running += 1
    try {
      if (session !== undefined) return session.inTurn(() => runIn(session, input, context)).then(succeeded, gaveUp)
      const feeds = inputs.feed(input, undefined)
      return runNetwork(feeds, context).then((tensors) => {
        try {
          return succeeded(judge(outputs.read(tensors, input), feeds, tensors, context))
        } catch (problem) {
          return gaveUp(problem)
        }
      }, gaveUp)
    } catch (problem) {
      return Promise.reject(ended(problem))
    }
  }

  function succeeded(result: RunResult<unknown>): RunResult<unknown> {
    answered += 1
    leave()
    return result
  }

  function gaveUp(problem: unknown): never {
    throw ended(problem)
  }

  function ended(problem: unknown): unknown {
    if (networkCodes.has(Fault.from(problem).code)) failed += 1
    leave()
    return problem
  }

  function leave(): void {
    running -= 1
    if (running === 0) drained?.()
  }

  function judge(result: RunResult<unknown>, feeds: Tensors, tensors: Tensors, { inputQuality }: RunContext) {
    // A confidence was calibrated on good inputs, and says nothing of others.
    const sure = inputQuality === 'good' ? result : withoutConfidence(result)
    return score === undefined ? sure : judged(sure, score(feeds, tensors), novelty!, outsideTraining)
  }

  async function runIn(session: Session, input: Fields, context: RunContext): Promise<RunResult<unknown>> {
    const { memory } = session
    if (context.isOver) throw context.signal.reason
    const feeds = inputs.feed(input, memory)
    if (memory.filling?.refused) throw notFull(memory, context)
    const tensors = await runNetwork(feeds, context)
    const read = outputs.read(tensors, input)
    // What was sent has happened, even where it is refused for being unlike the training data.
    remember(memory, tensors, context)
    const began = session.isNew
    session.isNew = false
    const result = judge(read, feeds, tensors, context)
    const warnings = [...(result.warnings ?? [])]
    const { filling } = memory
    if (filling !== undefined)
      warnings.push({
        code: 'window-filling',
        message: `the window of ${filling.need} moments holds ${filling.have}: its first one is repeated`,
      })
    const hasDoubts = memory.doubtful > 0
    if (hasDoubts && context.inputQuality === 'good')
      warnings.push({
        code: 'uncertain-window',
        message: 'an earlier moment of the window was missing, of uncertain quality or outside of the training limits',
      })
    const doubtful =
      filling === undefined && !hasDoubts ? result : { ...withoutConfidence(result), quality: 'uncertain' as const }
    if (began) warnings.push({ code: 'session-began', message: 'it is the first answer of its session' })
    return { ...doubtful, warnings }
  }

  function notFull(memory: Memory, context: RunContext): Fault {
    const { have, need } = memory.filling!
    commitRows(memory, context)
    return new Fault(
      'unavailable',
      `${id}: the window of ${need} moments holds ${have}: call again with the next ones, in the same session`,
      { retryable: false, details: { have, need } },
    )
  }

  /**
   * A call that was late or given up does not count, so that one that is made again is not counted twice; nor does one whose
   * state is no number, which would spoil all later ones.
   */
  function remember(memory: Memory, tensors: Tensors, context: RunContext): void {
    if (context.isOver) throw context.signal.reason
    for (const [input, output] of inputs.states) checkState(input, output, tensors[output])
    commitRows(memory, context)
    for (const [input, output] of inputs.states) memory.states.set(input, ownTensor(tensors[output]!))
  }

  /** What the next call could not be fed would end that one, and all later ones of its session. */
  function checkState(input: string, output: string, tensor: OnnxTensor | undefined): void {
    checkFinite(numbersOf(output, tensor), output)
    const { type, dims } = tensor!
    const taken = engine.inputs.find(({ name }) => name === input)!
    if (type !== taken.type || (taken.shape !== undefined && !fitsShape(taken.shape, dims)))
      throw gave(output, `${type} ${shapeText(dims)} where '${input}' takes ${taken.type} ${shapeText(taken.shape)}`)
  }

  function commitRows(memory: Memory, { inputQuality }: RunContext): void {
    for (const [name, next] of memory.nextRows) memory.rows.set(name, next)
    memory.nextRows.clear()
    memory.doubtful = inputQuality === 'good' ? Math.max(0, memory.doubtful - 1) : inputs.calls
  }

  async function close(): Promise<void> {
    if (running > 0)
      await new Promise<void>((resolve) => {
        drained = resolve
      })
    await engine.dispose()
    isClosed = true
  }

  const base = defineModel<Fields, Fields, unknown, unknown>({
    ...describedBy(stated, statedInputs, statedOutputs, { context, novelty, sessions: bounds }),
    provenance: { ...stated.provenance, artefact },
    input: inputs.schema as never,
    output: outputs.schema as never,
    run: (input, context) =>
      answer(input, context, keepsSessions ? kept.of(context.caller, input.session as string | undefined) : undefined),
  })

  function openSession(): Model<Fields, unknown, never> {
    if (!keepsSessions) throw new TypeError(`${id} remembers nothing between calls: it has no sessions`)
    const session = kept.open()
    return {
      ...base,
      run(input, context) {
        if (input.session !== undefined)
          throw new Fault(
            'invalid-input',
            `/input/session is ${JSON.stringify(input.session)}: this session of ${id} was opened and is one: leave it out`,
            { field: '/input/session' },
          )
        return answer(input, context, session)
      },
      dispose: session.close,
    }
  }

  const model: Answering = {
    ...base,
    ...(keepsSessions && { holder: sessionHolder }),
    descriptor: base.descriptor as Answering['descriptor'],
    openSession,
    health: (): Health => ({
      state: isClosed ? 'disposed' : closing !== undefined ? 'draining' : 'ready',
      running,
      answered,
      failed,
      sessions: kept.count,
      leftBehind: engine.leftBehind,
      loadedInMs,
    }),
    dispose() {
      closing ??= close()
      return closing
    },
  }

  /**
   * Asks the golden questions, each in a session of its own. They are what warms the network up: made-up numbers may be none
   * that it takes, and abort a native runtime.
   */
  async function prove(): Promise<void> {
    const properties = (model.descriptor.input.properties ?? {}) as Readonly<Record<string, { maxAge?: number }>>
    const calls = callsToFill(statedInputs)
    let asked: Tensors | undefined
    runNetwork = (feeds, call) => {
      asked ??= feeds
      return engine.run(feeds, call)
    }
    await checkGolden(id, golden ?? [], async (input) => {
      const door = keepsSessions ? openSession() : model
      // Each question is asked in a session of its own.
      const fields = Object.entries(input).filter(([name]) => !(keepsSessions && name === 'session'))
      const dated = fields.map(([name, value]) => [
        name,
        properties[name]?.maxAge === undefined ? value : measuredNow(value),
      ])
      const ask = async () => (await invoke(door, Object.fromEntries(dated), { deadlineMs: goldenDeadlineMs })).output
      try {
        for (let call = 1; call < calls; call++) await ask().catch(() => {})
        return await ask()
      } finally {
        if (keepsSessions) await door.dispose?.()
      }
    })
    runNetwork = engine.run
    if (asked !== undefined) await engine.warmUp(asked)
    ;[answered, failed] = [0, 0]
  }

  return {
    model,
    prove,
    loaded(ms: number) {
      loadedInMs = ms
    },
  }
}

/** What one session of a caller sent stands in for nothing that another one leaves out. */
function sessionHolder({ caller, statedInput }: Pick<RunContext, 'caller' | 'statedInput'>): string {
  const { session } = (statedInput ?? {}) as { readonly session?: unknown }
  // As all values a session may be stated in a sample; what is no text is refused a moment later.
  const name = typeof session === 'object' ? (session as { readonly value?: unknown } | null)?.value : session
  return JSON.stringify([caller.id, ...(typeof name === 'string' ? [name] : [])])
}

function withoutConfidence({ confidence: _, ...rest }: RunResult<unknown>): RunResult<unknown> {
  return rest
}
