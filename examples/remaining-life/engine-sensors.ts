/**
 * What one cycle of a turbofan engine is described by: the fourteen of its sensors that move while it wears (Saxena and others,
 * "Damage propagation modeling for aircraft engine run-to-failure simulation", 2008). Temperatures are in kelvin here; the
 * records have degrees Rankine.
 */
export const engineSensors = [
  {
    name: 'compressorInlet',
    column: 2,
    unit: 'K',
    description: 'total temperature at the outlet of the low-pressure compressor',
  },
  {
    name: 'compressorOutlet',
    column: 3,
    unit: 'K',
    description: 'total temperature at the outlet of the high-pressure compressor',
  },
  {
    name: 'turbineOutlet',
    column: 4,
    unit: 'K',
    description: 'total temperature at the outlet of the low-pressure turbine',
  },
  {
    name: 'outletPressure',
    column: 7,
    unit: '[psi]',
    description: 'total pressure at the outlet of the high-pressure compressor',
  },
  { name: 'fanSpeed', column: 8, unit: '1/min', description: 'physical speed of the fan' },
  { name: 'coreSpeed', column: 9, unit: '1/min', description: 'physical speed of the core' },
  {
    name: 'staticPressure',
    column: 11,
    unit: '[psi]',
    description: 'static pressure at the outlet of the high-pressure compressor',
  },
  { name: 'fuelRatio', column: 12, unit: '[lb_av]/s/[psi]', description: 'fuel flow over static pressure' },
  { name: 'correctedFanSpeed', column: 13, unit: '1/min', description: 'fan speed corrected to standard conditions' },
  { name: 'correctedCoreSpeed', column: 14, unit: '1/min', description: 'core speed corrected to standard conditions' },
  { name: 'bypassRatio', column: 15, unit: '1', description: 'air around the core over air through it' },
  { name: 'bleedEnthalpy', column: 17, unit: '1', description: 'enthalpy of the bleed air, as recorded' },
  {
    name: 'highCoolantBleed',
    column: 20,
    unit: '[lb_av]/s',
    description: 'coolant bleed of the high-pressure turbine',
  },
  { name: 'lowCoolantBleed', column: 21, unit: '[lb_av]/s', description: 'coolant bleed of the low-pressure turbine' },
] as const

export type EngineSensor = (typeof engineSensors)[number]['name']
export type EngineCycle = Readonly<Record<EngineSensor, number>>

/** How many cycles the network looks at. */
export const WINDOW = 30
/** Lives above it count as it: a sound engine does not tell how old it will become (Heimes 2008). */
export const LONGEST = 125
