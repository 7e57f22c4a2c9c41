import { type ApprovalRequest, defineModel, guard, type Journal, type Model } from '@dinrail/core'
import { millSpeed, ownAuthority } from './contracts.ts'

/** The simulated drive. What it does not simulate is the boundary around it, which is the one a real drive would have. */
export interface MillDrive {
  /** m/s */
  speed: number
  /** An interlock: while it is open nobody may change the speed. */
  stripThreaded: boolean
}

export type AskPerson = (
  question: string,
) => Promise<{ readonly granted: boolean; readonly approver: string; readonly reason?: string }>

/** The actuator behind its boundary: the only way to the drive. */
export function guardedMillSpeed(
  drive: MillDrive,
  journal: Journal,
  ask: AskPerson,
): Model<{ speed: number; reason: string }, { speed: number }> {
  const actuator = defineModel({
    ...millSpeed,
    version: '1.0.0',
    title: 'Mill speed',
    description: `Sets the speed of the strip. A change of up to ${ownAuthority} m/s is made at once, a larger one asks a person first.`,
    task: 'parameter-control',
    effect: 'actuate',
    place: { area: 'hot strip mill', workUnit: 'stand 4' },
    run({ speed }) {
      drive.speed = speed
      return { output: { speed } }
    },
  })
  return guard(actuator, {
    authority: 'act-within-limits',
    allow: [{ role: 'agent' }, { role: 'operator' }],
    rates: [
      {
        name: 'mill speed',
        unit: 'm/s',
        target: ({ speed }) => speed,
        current: () => drive.speed,
        atMost: 3,
        withinMs: 60_000,
      },
    ],
    interlocks: [{ name: 'strip-threaded', holds: () => drive.stripThreaded }],
    approval: {
      when: ({ speed }) => Math.abs(speed - drive.speed) > ownAuthority + 1e-9,
      ask: (request) => ask(questionOf(request, drive)),
      validMs: 30_000,
    },
    readBack: ({ speed }) => drive.speed === speed,
    journal,
  })
}

function questionOf(request: ApprovalRequest, drive: MillDrive): string {
  const { speed, reason } = request.arguments as { speed: number; reason: string }
  return `${request.proposer.id} proposes mill speed ${drive.speed} → ${speed} m/s: ${reason}`
}
