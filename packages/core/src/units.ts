import { aliasedUnit } from './unit-aliases.ts'

/** Numerator and denominator: factors between units are exact, so that conversion rounds once and not at each step. */
type Ratio = readonly [numerator: bigint, denominator: bigint]

/**
 * A parsed UCUM unit: `value in base units = value × numerator / denominator`. Angles, counts and other arbitrary units have
 * no dimension of their own, as UCUM says.
 */
export interface Unit {
  readonly code: string
  readonly numerator: bigint
  readonly denominator: bigint
  /** Only of temperatures on a scale with its own zero, in its own degrees: `kelvin = (value + offset) × factor`. */
  readonly offset: Ratio | undefined
  /** Exponents of metre, gram, second, kelvin, ampere, candela, mole. */
  readonly dimension: readonly number[]
}

type Dimension = Unit['dimension']
type Atom = readonly [factor: Ratio, dimension: Dimension, metric?: boolean]

const none: Dimension = [0, 0, 0, 0, 0, 0, 0]
const metre: Dimension = [1, 0, 0, 0, 0, 0, 0]
const gram: Dimension = [0, 1, 0, 0, 0, 0, 0]
const second: Dimension = [0, 0, 1, 0, 0, 0, 0]
const kelvin: Dimension = [0, 0, 0, 1, 0, 0, 0]
const frequency: Dimension = [0, 0, -1, 0, 0, 0, 0]
const acceleration: Dimension = [1, 0, -2, 0, 0, 0, 0]
const force: Dimension = [1, 1, -2, 0, 0, 0, 0]
const pressure: Dimension = [-1, 1, -2, 0, 0, 0, 0]
const energy: Dimension = [2, 1, -2, 0, 0, 0, 0]
const power: Dimension = [2, 1, -3, 0, 0, 0, 0]
const volume: Dimension = [3, 0, 0, 0, 0, 0, 0]

/** A decimal, a fraction of decimals or both, exactly: `0.3048`, `5/9`, `1e-24`. */
function ratio(text: string): Ratio {
  const [over, under] = text.split('/').map(decimal)
  return under === undefined ? over! : divide(over!, under)
}

function decimal(text: string): Ratio {
  const [digits = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = digits.split('.')
  const power = Number(exponent) - fraction.length
  const number = BigInt(whole + fraction)
  return power >= 0 ? [number * 10n ** BigInt(power), 1n] : [number, 10n ** BigInt(-power)]
}

const multiply = (a: Ratio, b: Ratio): Ratio => reduced([a[0] * b[0], a[1] * b[1]])
const divide = (a: Ratio, b: Ratio): Ratio => multiply(a, [b[1], b[0]])
const subtract = (a: Ratio, b: Ratio): Ratio => reduced([a[0] * b[1] - b[0] * a[1], a[1] * b[1]])

function reduced([over, under]: Ratio): Ratio {
  let [a, b] = [over < 0n ? -over : over, under]
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? [0n, 1n] : [over / a, under / a]
}

const atom = (factor: string, dimension: Dimension): Atom => [ratio(factor), dimension]
/** One that takes prefixes, such as the `k` of `kPa`. */
const metric = (factor: string, dimension: Dimension): Atom => [ratio(factor), dimension, true]

/** UCUM atoms that industry uses, case-sensitive codes. The base of mass is the gram, as in UCUM. π is its first 32 digits. */
const atoms: Readonly<Record<string, Atom>> = {
  m: metric('1', metre),
  g: metric('1', gram),
  s: metric('1', second),
  K: metric('1', kelvin),
  A: metric('1', [0, 0, 0, 0, 1, 0, 0]),
  cd: metric('1', [0, 0, 0, 0, 0, 1, 0]),
  mol: metric('1', [0, 0, 0, 0, 0, 0, 1]),
  rad: metric('1', none),
  deg: atom('3.1415926535897932384626433832795/180', none),
  '%': atom('0.01', none),
  '[ppth]': atom('0.001', none),
  '[ppm]': atom('0.000001', none),
  '[ppb]': atom('1e-9', none),
  Hz: metric('1', frequency),
  N: metric('1000', force),
  Pa: metric('1000', pressure),
  bar: metric('1e8', pressure),
  atm: atom('101325000', pressure),
  'm[H2O]': metric('9806650', pressure),
  'm[Hg]': metric('133322387.4', pressure),
  '[psi]': atom('4448.2216152605/0.00064516', pressure),
  J: metric('1000', energy),
  cal: metric('4184', energy),
  '[Btu_IT]': atom('1055055.85262', energy),
  eV: metric('1.602176634e-16', energy),
  W: metric('1000', power),
  '[HP]': atom('745699.87158227022', power),
  V: metric('1000', [2, 1, -3, 0, -1, 0, 0]),
  Ohm: metric('1000', [2, 1, -3, 0, -2, 0, 0]),
  S: metric('0.001', [-2, -1, 3, 0, 2, 0, 0]),
  C: metric('1', [0, 0, 1, 0, 1, 0, 0]),
  F: metric('0.001', [-2, -1, 4, 0, 2, 0, 0]),
  Wb: metric('1000', [2, 1, -2, 0, -1, 0, 0]),
  T: metric('1000', [0, 1, -2, 0, -1, 0, 0]),
  H: metric('1000', [2, 1, -2, 0, -2, 0, 0]),
  lm: metric('1', [0, 0, 0, 0, 0, 1, 0]),
  lx: metric('1', [-2, 0, 0, 0, 0, 1, 0]),
  L: metric('0.001', volume),
  l: metric('0.001', volume),
  t: metric('1000000', gram),
  P: metric('100', [-1, 1, -1, 0, 0, 0, 0]),
  St: metric('0.0001', [2, 0, -1, 0, 0, 0, 0]),
  min: atom('60', second),
  h: atom('3600', second),
  d: atom('86400', second),
  a: atom('31557600', second),
  '[g]': metric('9.80665', acceleration),
  '[lbf_av]': atom('4448.2216152605', force),
  '[in_i]': atom('0.0254', metre),
  '[ft_i]': atom('0.3048', metre),
  '[mi_i]': atom('1609.344', metre),
  '[kn_i]': atom('1852/3600', [1, 0, -1, 0, 0, 0, 0]),
  '[lb_av]': atom('453.59237', gram),
  '[gal_us]': atom('0.003785411784', volume),
}
/** Scales with a zero of their own: kelvin = (value + offset) × factor. */
const scales: Readonly<Record<string, { readonly factor: Ratio; readonly offset: Ratio }>> = {
  Cel: { factor: ratio('1'), offset: ratio('273.15') },
  '[degF]': { factor: ratio('5/9'), offset: ratio('459.67') },
}

const prefixes: Readonly<Record<string, number>> = {
  Y: 24,
  Z: 21,
  E: 18,
  P: 15,
  T: 12,
  G: 9,
  M: 6,
  k: 3,
  h: 2,
  da: 1,
  d: -1,
  c: -2,
  m: -3,
  u: -6,
  n: -9,
  p: -12,
  f: -15,
}

const longestCode = 128
const mostTerms = 16
const parsed = new Map<string, Unit>()

/**
 * Parses a UCUM code, or one of its aliases: `unece:CEL`, `qudt:DEG_C` or its IRI, an IRDI of IEC 62720. Throws a `TypeError`
 * that names the part nobody knows.
 */
export function parseUnit(code: string): Unit {
  const known = parsed.get(code)
  if (known !== undefined) return known
  if (typeof code !== 'string' || code === '' || code.length > longestCode)
    throw new TypeError(`a unit is a UCUM code of 1 to ${longestCode} characters`)
  const ucum = aliasedUnit(code) ?? code
  const unit = parseScale(ucum) ?? parseProduct(ucum)
  if (parsed.size < 1000) parsed.set(code, unit)
  return unit
}

function parseScale(code: string): Unit | undefined {
  const scale = Object.hasOwn(scales, code) ? scales[code] : undefined
  if (scale === undefined) return undefined
  const [numerator, denominator] = scale.factor
  return { code, numerator, denominator, offset: scale.offset, dimension: kelvin }
}

/** `kg.m/s2`: terms joined by `.` and `/`, left to right; a leading `/` inverts; `{…}` annotates and counts as one. */
function parseProduct(code: string): Unit {
  let factor: Ratio = [1n, 1n]
  const dimension = [...none]
  const terms = code.replace(/^\//, '1/').split(/([./])(?![^{]*\})/)
  if (terms.length > 2 * mostTerms) throw new TypeError(`unit '${code}' has more than ${mostTerms} terms`)
  for (let i = 0; i < terms.length; i += 2) {
    const { atom, exponent } = parseTerm(terms[i] ?? '', code)
    const signed = i > 0 && terms[i - 1] === '/' ? -exponent : exponent
    for (let times = 0; times < Math.abs(signed); times++)
      factor = signed > 0 ? multiply(factor, atom[0]) : divide(factor, atom[0])
    for (let axis = 0; axis < dimension.length; axis++) dimension[axis]! += signed * atom[1][axis]!
  }
  return { code, numerator: factor[0], denominator: factor[1], offset: undefined, dimension }
}

function parseTerm(term: string, code: string): { atom: Atom; exponent: number } {
  const bare = term.replace(/\{[^{}]*\}$/, '')
  if (bare === '' && term !== '') return { atom: [[1n, 1n], none], exponent: 1 }
  const power10 = /^10[*^]([+-]?\d{1,2})$/.exec(bare)
  if (power10) return { atom: [ratio(`1e${Number(power10[1])}`), none], exponent: 1 }
  if (/^[1-9]\d{0,8}$/.test(bare)) return { atom: [ratio(bare), none], exponent: 1 }
  const parts = /^(.*?)([+-]?[1-9])?$/.exec(bare)
  const symbol = parts?.[1] ?? ''
  const exponent = parts?.[2] === undefined ? 1 : Number(parts[2])
  const atom = findAtom(symbol)
  if (atom === undefined)
    throw new TypeError(`unit '${code}': '${term}' is no UCUM unit known here${suggestion(symbol)}`)
  return { atom, exponent }
}

function findAtom(symbol: string): Atom | undefined {
  if (Object.hasOwn(atoms, symbol)) return atoms[symbol]
  for (const [prefix, exponent] of Object.entries(prefixes)) {
    if (!symbol.startsWith(prefix)) continue
    const rest = symbol.slice(prefix.length)
    const atom = Object.hasOwn(atoms, rest) ? atoms[rest] : undefined
    if (atom?.[2] === true) return [multiply(ratio(`1e${exponent}`), atom[0]), atom[1]]
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
  kWh: 'kW.h',
  lb: '[lb_av]',
}

function suggestion(symbol: string): string {
  return Object.hasOwn(mistakes, symbol) ? `; UCUM writes it '${mistakes[symbol]}'` : ''
}

/** Whether values in one unit can be said in the other. */
export function commensurable(from: Unit, to: Unit): boolean {
  return from.dimension.every((exponent, axis) => exponent === to.dimension[axis])
}

/** `(value × multiply + add) / divide`; whole numbers wherever doubles hold them, so that only the result is rounded. */
export interface Conversion {
  readonly multiply: number
  readonly add: number
  readonly divide: number
}

/** Takes a value from one unit to the other; they must be commensurable. A `difference` of temperatures knows no zero. */
export function conversion(from: Unit, to: Unit, kind?: 'difference'): Conversion {
  const scale = divide([from.numerator, from.denominator], [to.numerator, to.denominator])
  const zero: Ratio = [0n, 1n]
  const shift = kind === 'difference' ? zero : subtract(multiply(from.offset ?? zero, scale), to.offset ?? zero)
  const common = leastCommon(scale[1], shift[1])
  const [over, added] = [scale[0] * (common / scale[1]), shift[0] * (common / shift[1])]
  if (fits(over) && fits(added) && fits(common))
    return { multiply: Number(over), add: Number(added), divide: Number(common) }
  return { multiply: toDouble(scale), add: toDouble(shift), divide: 1 }
}

export function convert(value: number, { multiply, add, divide }: Conversion): number {
  return (value * multiply + add) / divide
}

function leastCommon(a: bigint, b: bigint): bigint {
  return a * reduced([a, b])[1]
}

const largest = BigInt(Number.MAX_SAFE_INTEGER)

function fits(whole: bigint): boolean {
  return whole <= largest && whole >= -largest
}

/** The nearest double, near enough: both sides are shortened to what a double holds before they are divided. */
function toDouble([over, under]: Ratio): number {
  return Number(over) / Number(under)
}
