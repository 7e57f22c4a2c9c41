import { isTensor, type Tensor } from '@dinrail/core'
import { z } from 'zod'
import { BEARING_WINDOW, bearingConditions } from './training/cwru-bearing.ts'
import { stripDefects, stripFeatures } from './training/steel-plates.ts'

/** What the parts of the line agree on. Each part runs in a process of its own and knows nothing else of the others. */

/** 2048 samples at 12 kHz of the drive-end accelerometer. */
const vibration = z.custom<Tensor<'float32'>>(isTensor).meta({
  tensor: { dtype: 'float32', shape: [BEARING_WINDOW], axes: ['time'] },
  unit: 'm/s2',
  quantity: 'acceleration',
})
const shaftSpeed = z.number().meta({ unit: '1/min', quantity: 'rotational-speed' })
const strip = z.object(Object.fromEntries(stripFeatures.map(({ name, unit }) => [name, z.number().meta({ unit })])))

export const bearingDiagnosis = {
  id: 'dinrail/bearing-diagnosis',
  input: z.object({ vibration, shaftSpeed }),
  output: z.object({ label: z.enum(bearingConditions), probabilities: z.record(z.string(), z.number()) }),
}

export const surfaceInspection = {
  id: 'dinrail/surface-inspection',
  input: strip,
  output: z.object({ label: z.enum(stripDefects), probabilities: z.record(z.string(), z.number()) }),
}

/** The largest change of the mill speed that needs no person, m/s. */
export const ownAuthority = 1

/** The limits within which this mill may be run; `mill-speed` refuses every other value. */
const millSpeedRange = { physical: { min: 0, max: 40 }, operating: { min: 2, max: 15 } }

export const millSpeed = {
  id: 'plant/mill-speed',
  input: z.object({
    speed: z.number().meta({ unit: 'm/s', quantity: 'strip-speed', limits: millSpeedRange }),
    reason: z.string().max(400),
  }),
  output: z.object({ speed: z.number().meta({ unit: 'm/s' }) }),
}

export const workOrder = {
  id: 'plant/work-order',
  input: z.object({
    asset: z.string().max(100),
    fault: z.string().max(100),
    priority: z.enum(['low', 'medium', 'high']),
    action: z.string().max(400),
  }),
  output: z.object({ number: z.string() }),
}

export const eventLog = {
  id: 'plant/event-log',
  input: z.object({ kind: z.string().max(60), actor: z.string().max(100), data: z.unknown() }),
  output: z.object({
    sequence: z.number(),
    time: z.string(),
    kind: z.string(),
    actor: z.string(),
    data: z.unknown(),
    previous: z.string(),
    digest: z.string(),
  }),
}

export const maintenanceAgent = {
  id: 'plant/maintenance-agent',
  input: z.object({
    event: z.literal('vibration-alarm'),
    asset: z.string(),
    vibration,
    shaftSpeed,
    strip,
    millSpeed: z.number().meta({ unit: 'm/s' }),
  }),
  output: z.object({
    diagnosis: z.enum(bearingConditions),
    quality: z.enum(stripDefects),
    workOrder: z.string().describe('number of the work order that was filed'),
    millSpeed: z.number().meta({ unit: 'm/s' }).describe('mill speed in force at the end'),
    summary: z.string().describe('what was found, done and left to people, in two sentences'),
  }),
}

export type Strip = z.infer<typeof strip>
export type MaintenanceReport = z.infer<typeof maintenanceAgent.output>
