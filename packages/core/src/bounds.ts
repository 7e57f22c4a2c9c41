import type { Descriptor } from './descriptor.ts'
import type { FaultCode } from './fault.ts'
import type { Quality, Warning } from './model.ts'
import { type Position, pointerTo, refuse, refuseDepth, roots, within } from './position.ts'
import { eachItem, hasItems, memberOf, membersOf } from './rule-members.ts'
import { checkFinite, checkForm, extentOf } from './tensor-checks.ts'
import type { Limits, Range, Rule } from './vocabulary.ts'

/** What the checks of one value find besides faults. */
export interface Findings {
  /** Good or uncertain: what is bad is refused. */
  inputQuality: Quality
  readonly warnings: Warning[]
}

/** What a descriptor says of breaking limits: a write must keep them all, an inference is warned or answered as uncertain. */
type Promised = Pick<Descriptor, 'effect' | 'outsideTraining'>

/** Checks every tensor (form, finiteness) and every limit. Throws the first fault. */
export function checkBounds(
  rule: Rule,
  value: unknown,
  root: 'input' | 'output',
  promised: Promised,
  findings: Findings,
): void {
  bound(rule, value, roots[root], `invalid-${root}`, promised, findings)
}

function bound(
  rule: Rule,
  value: unknown,
  position: Position,
  invalid: FaultCode,
  promised: Promised,
  findings: Findings,
): void {
  if (rule.tensor !== undefined) {
    if (value === undefined) return
    const { data } = checkForm(rule.tensor, value, position, invalid)
    checkFinite(data, position, invalid)
    const extent = rule.limits === undefined ? undefined : extentOf(data)
    if (extent !== undefined) checkExtent(rule, extent, position, invalid, promised, findings)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(invalid, position, `is ${value}`)
    if (rule.limits !== undefined) checkExtent(rule, [value, value], position, invalid, promised, findings)
  } else if (typeof value === 'object' && value !== null) {
    refuseDepth(invalid, position)
    const members = membersOf(rule)
    for (let i = 0; i < members.length; i++) {
      const { key, rule: memberRule, least, most } = members[i]!
      const member = memberOf(value, key)
      // Most members are numbers in order; only the others need to know where they are.
      if (typeof member === 'number' && member >= least && member <= most) continue
      if (member !== undefined && (typeof member !== 'string' || memberRule.tensor !== undefined))
        bound(memberRule, member, within(position, key), invalid, promised, findings)
    }
    if (hasItems(rule)) boundItems(rule, value, position, invalid, promised, findings)
  }
}

/** By itself: a function that makes another one pays for it even where it does not come so far. */
function boundItems(
  rule: Rule,
  value: object,
  position: Position,
  ...judging: [invalid: FaultCode, promised: Promised, findings: Findings]
): void {
  eachItem(rule, value, (key, member, itemRule) => bound(itemRule, member, within(position, key), ...judging))
}

function checkExtent(
  rule: Rule,
  extent: readonly [number, number],
  position: Position,
  invalid: FaultCode,
  { effect, outsideTraining = 'refuse' }: Promised,
  findings: Findings,
): void {
  const { physical, training, operating } = rule.limits as Limits
  const impossible = broken(physical, extent, rule)
  if (impossible !== undefined) throw refuse(invalid, position, `breaks its physical limits: ${impossible}`)
  if (invalid === 'invalid-output') return
  const isWrite = effect !== 'none'
  const warn = (code: string, problem: string) => {
    const field = pointerTo(position)
    findings.warnings.push({ code, message: `${field}: ${problem}`, field })
  }
  const unsafe = broken(operating, extent, rule)
  if (unsafe !== undefined && isWrite) throw refuse('out-of-limits', position, `breaks its operating limits: ${unsafe}`)
  if (unsafe !== undefined) warn('outside-operating-limits', unsafe)
  const unknown = broken(training, extent, rule)
  if (unknown === undefined) return
  if (isWrite || outsideTraining === 'refuse')
    throw refuse('out-of-limits', position, `is outside what the model was trained on: ${unknown}`)
  findings.inputQuality = 'uncertain'
  warn('outside-training-limits', unknown)
}

function broken(range: Range | undefined, [least, most]: readonly [number, number], rule: Rule): string | undefined {
  if (range === undefined) return undefined
  const unit = rule.unit === undefined ? '' : ` ${rule.unit.code}`
  if (range.min !== undefined && least < range.min) return `${least}${unit} is below ${range.min}${unit}`
  if (range.max !== undefined && most > range.max) return `${most}${unit} is above ${range.max}${unit}`
  return undefined
}
