/**
 * A parsed UCUM unit: `value in base units = value × factor + offset`. Angles, counts and other arbitrary units have
 * no dimension of their own, as UCUM says.
 */
export interface Unit {
  readonly code: string
  readonly factor: number
  /** Only of temperatures on a scale with its own zero; such a unit stands alone, never in a product. */
  readonly offset: number
  /** Exponents of metre, gram, second, kelvin, ampere, candela, mole. */
  readonly dimension: readonly number[]
}

type Dimension = Unit['dimension']
type Atom = readonly [factor: number, dimension: Dimension, metric?: boolean]

const none: Dimension = [0, 0, 0, 0, 0, 0, 0]
const metre: Dimension = [1, 0, 0, 0, 0, 0, 0]
const gram: Dimension = [0, 1, 0, 0, 0, 0, 0]
const second: Dimension = [0, 0, 1, 0, 0, 0, 0]
const kelvin: Dimension = [0, 0, 0, 1, 0, 0, 0]
const force: Dimension = [1, 1, -2, 0, 0, 0, 0]
const pressure: Dimension = [-1, 1, -2, 0, 0, 0, 0]
const energy: Dimension = [2, 1, -2, 0, 0, 0, 0]
const power: Dimension = [2, 1, -3, 0, 0, 0, 0]

/** UCUM atoms that industry uses, case-sensitive codes. The base of mass is the gram, as in UCUM. */
const atoms: Readonly<Record<string, Atom>> = {
  m: [1, metre, true],
  g: [1, gram, true],
  s: [1, second, true],
  K: [1, kelvin, true],
  A: [1, [0, 0, 0, 0, 1, 0, 0], true],
  cd: [1, [0, 0, 0, 0, 0, 1, 0], true],
  mol: [1, [0, 0, 0, 0, 0, 0, 1], true],
  rad: [1, none, true],
  deg: [Math.PI / 180, none],
  '%': [0.01, none],
  '[ppm]': [1e-6, none],
  Hz: [1, [0, 0, -1, 0, 0, 0, 0], true],
  N: [1e3, force, true],
  Pa: [1e3, pressure, true],
  bar: [1e8, pressure, true],
  '[psi]': [6894757.293168361, pressure],
  J: [1e3, energy, true],
  W: [1e3, power, true],
  V: [1e3, [2, 1, -3, 0, -1, 0, 0], true],
  Ohm: [1e3, [2, 1, -3, 0, -2, 0, 0], true],
  C: [1, [0, 0, 1, 0, 1, 0, 0], true],
  L: [1e-3, [3, 0, 0, 0, 0, 0, 0], true],
  l: [1e-3, [3, 0, 0, 0, 0, 0, 0], true],
  t: [1e6, gram, true],
  eV: [1.602176634e-16, energy, true],
  min: [60, second],
  h: [3600, second],
  d: [86400, second],
  '[g]': [9.80665, [1, 0, -2, 0, 0, 0, 0], true],
  '[in_i]': [0.0254, metre],
  '[ft_i]': [0.3048, metre],
  '[lb_av]': [453.59237, gram],
  '[HP]': [745699.8715822703, power],
}

/** Scales with a zero of their own: kelvin = value × factor + offset. */
const scales: Readonly<Record<string, readonly [factor: number, offset: number]>> = {
  Cel: [1, 273.15],
  '[degF]': [5 / 9, 459.67 * (5 / 9)],
}

const prefixes: Readonly<Record<string, number>> = {
  Y: 1e24,
  Z: 1e21,
  E: 1e18,
  P: 1e15,
  T: 1e12,
  G: 1e9,
  M: 1e6,
  k: 1e3,
  h: 1e2,
  da: 1e1,
  d: 1e-1,
  c: 1e-2,
  m: 1e-3,
  u: 1e-6,
  n: 1e-9,
  p: 1e-12,
  f: 1e-15,
}

const parsed = new Map<string, Unit>()

/** Parses a UCUM code. Throws a `TypeError` that names the part nobody knows. */
export function parseUnit(code: string): Unit {
  const known = parsed.get(code)
  if (known !== undefined) return known
  if (typeof code !== 'string' || code.length > 64)
    throw new TypeError('a unit is a UCUM code of at most 64 characters')
  const unit = parseScale(code) ?? parseProduct(code)
  if (parsed.size < 1000) parsed.set(code, unit)
  return unit
}

function parseScale(code: string): Unit | undefined {
  const scale = Object.hasOwn(scales, code) ? scales[code] : undefined
  return scale && { code, factor: scale[0], offset: scale[1], dimension: kelvin }
}

/** `kg.m/s2`: terms joined by `.` and `/`, left to right; a leading `/` inverts; `{…}` annotates and counts as one. */
function parseProduct(code: string): Unit {
  let factor = 1
  const dimension = [...none]
  const terms = code.replace(/^\//, '1/').split(/([./])(?![^{]*\})/)
  for (let i = 0; i < terms.length; i += 2) {
    const sign = i > 0 && terms[i - 1] === '/' ? -1 : 1
    const { atom, exponent } = parseTerm(terms[i] ?? '', code)
    factor *= atom[0] ** (sign * exponent)
    for (let axis = 0; axis < dimension.length; axis++) dimension[axis]! += sign * exponent * atom[1][axis]!
  }
  return { code, factor, offset: 0, dimension }
}

function parseTerm(term: string, code: string): { atom: Atom; exponent: number } {
  const bare = term.replace(/\{[^{}]*\}$/, '')
  if (bare === '' && term !== '') return { atom: [1, none], exponent: 1 }
  const power10 = /^10[*^]([+-]?\d{1,2})$/.exec(bare)
  if (power10) return { atom: [10 ** Number(power10[1]), none], exponent: 1 }
  if (/^\d{1,9}$/.test(bare)) return { atom: [Number(bare), none], exponent: 1 }
  const parts = /^(.*?)([+-]?\d)?$/.exec(bare)
  const symbol = parts?.[1] ?? ''
  const exponent = parts?.[2] === undefined ? 1 : Number(parts[2])
  const atom = findAtom(symbol)
  if (atom === undefined)
    throw new TypeError(`unit '${code}': '${term}' is no UCUM unit known here${suggestion(symbol)}`)
  return { atom, exponent }
}

function findAtom(symbol: string): Atom | undefined {
  if (Object.hasOwn(atoms, symbol)) return atoms[symbol]
  for (const [prefix, factor] of Object.entries(prefixes)) {
    if (!symbol.startsWith(prefix)) continue
    const rest = symbol.slice(prefix.length)
    const atom = Object.hasOwn(atoms, rest) ? atoms[rest] : undefined
    if (atom?.[2] === true) return [factor * atom[0], atom[1]]
  }
  return undefined
}

const mistakes: Readonly<Record<string, string>> = {
  rpm: '1/min',
  degC: 'Cel',
  '°C': 'Cel',
  degF: '[degF]',
  '°F': '[degF]',
  Nm: 'N.m',
  G: '[g]',
  psi: '[psi]',
  in: '[in_i]',
  ft: '[ft_i]',
  sec: 's',
  hr: 'h',
}

function suggestion(symbol: string): string {
  return Object.hasOwn(mistakes, symbol) ? `; UCUM writes it '${mistakes[symbol]}'` : ''
}

/** Whether values in one unit can be said in the other. */
export function commensurable(from: Unit, to: Unit): boolean {
  return from.dimension.every((exponent, axis) => exponent === to.dimension[axis])
}

/** `value × scale + shift` takes a value from one unit to the other. They must be commensurable. */
export function conversion(from: Unit, to: Unit): { readonly scale: number; readonly shift: number } {
  return { scale: from.factor / to.factor, shift: (from.offset - to.offset) / to.factor }
}
