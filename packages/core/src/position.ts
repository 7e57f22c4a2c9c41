import { Fault, type FaultCode } from './fault.ts'
import { deepestNesting } from './nesting.ts'
import { toPointer } from './schema.ts'

/** Where a value stands: linked, since most values pass and nobody asks where they were. */
export interface Position {
  readonly key: PropertyKey
  readonly above?: Position
  readonly depth: number
}

export const roots = { input: { key: 'input', depth: 1 }, output: { key: 'output', depth: 1 } } as const

/** Of a member or an item. */
export function within(above: Position, key: PropertyKey): Position {
  return { key, above, depth: above.depth + 1 }
}

/** RFC 6901 JSON Pointer. */
export function pointerTo({ key, above }: Position): string {
  return (above === undefined ? '' : pointerTo(above)) + toPointer([key])
}

/** The fault of the value that stands there; whoever finds it throws it. */
export function refuse(code: FaultCode, position: Position, problem: string): Fault {
  const field = pointerTo(position)
  return new Fault(code, `${field} ${problem}`, { field })
}

export function refuseDepth(invalid: FaultCode, position: Position): void {
  if (position.depth > deepestNesting)
    throw new Fault(invalid, `the ${invalid.slice('invalid-'.length)} is nested more than ${deepestNesting} deep`)
}
