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

/** What one symbol stands for; `takesPrefixes` such as the `k` of `kPa`. */
interface Atom {
  readonly factor: Ratio
  readonly dimension: Unit['dimension']
  readonly takesPrefixes: boolean
}

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

const bases = ['m', 'g', 's', 'K', 'A', 'cd', 'mol']

/**
 * UCUM atoms that industry uses, case-sensitive, each as a number of what other symbols say; those with a star take prefixes.
 * A text is a third of the size that records would have in every browser. π is its first 32 digits.
 */
const definitions = `rad* 1
deg 3.1415926535897932384626433832795/180
% 1/100
[ppth] 1/1000
[ppm] 1e-6
[ppb] 1e-9
Hz* 1 s-1
N* 1 kg.m/s2
Pa* 1 N/m2
bar* 1e5 Pa
atm 101325 Pa
m[H2O]* 9806.65 Pa
m[Hg]* 133322.3874 Pa
[psi] 1 [lbf_av]/[in_i]2
J* 1 N.m
cal* 4.184 J
[Btu_IT] 1055.05585262 J
eV* 1.602176634e-19 J
W* 1 J/s
[HP] 745.69987158227022 W
V* 1 W/A
Ohm* 1 V/A
S* 1 A/V
C* 1 A.s
F* 1 C/V
Wb* 1 V.s
T* 1 Wb/m2
H* 1 Wb/A
lm* 1 cd
lx* 1 lm/m2
L* 1 dm3
l* 1 dm3
t* 1 Mg
P* 0.1 Pa.s
St* 1 cm2/s
min 60 s
h 60 min
d 24 h
a 365.25 d
[g]* 9.80665 m/s2
[lbf_av] 4.4482216152605 N
[in_i] 0.0254 m
[ft_i] 0.3048 m
[mi_i] 1609.344 m
[kn_i] 1852/3600 m/s
[lb_av] 453.59237 g
[gal_us] 3.785411784 L`

/** Scales with a zero of their own: kelvin = (value + offset) × factor. */
const scales: Readonly<Record<string, readonly [factor: string, offset: string]>> = {
  Cel: ['1', '273.15'],
  '[degF]': ['5/9', '459.67'],
}

/** Each with its power of ten. */
const prefixes = 'Y24 Z21 E18 P15 T12 G9 M6 k3 h2 da1 d-1 c-2 m-3 u-6 n-9 p-12 f-15'

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
  const [factor, offset] = Object.hasOwn(scales, code) ? scales[code]! : []
  if (offset === undefined) return undefined
  const [numerator, denominator] = ratio(factor!)
  return { ...parseProduct('K'), code, numerator, denominator, offset: ratio(offset) }
}

/** `kg.m/s2`: terms joined by `.` and `/`, left to right; a leading `/` inverts; `{…}` annotates and counts as one. */
function parseProduct(code: string): Unit {
  let total: Ratio = [1n, 1n]
  const dimension = bases.map(() => 0)
  const terms = code.replace(/^\//, '1/').split(/([./])(?![^{]*\})/)
  if (terms.length > 2 * mostTerms) throw new TypeError(`unit '${code}' has more than ${mostTerms} terms`)
  for (let i = 0; i < terms.length; i += 2) {
    const { atom, exponent } = parseTerm(terms[i] ?? '', code)
    const signed = i > 0 && terms[i - 1] === '/' ? -exponent : exponent
    for (let times = 0; times < Math.abs(signed); times++)
      total = signed > 0 ? multiply(total, atom.factor) : divide(total, atom.factor)
    for (let axis = 0; axis < dimension.length; axis++) dimension[axis]! += signed * atom.dimension[axis]!
  }
  return { code, numerator: total[0], denominator: total[1], offset: undefined, dimension }
}

function parseTerm(term: string, code: string): { atom: Atom; exponent: number } {
  // What is only annotated is counted.
  const bare = term.replace(/\{[^{}]*\}$/, '') || (term && '1')
  const power10 = /^10[*^]([+-]?\d{1,2})$/.exec(bare)
  if (power10) return { atom: plain(`1e${power10[1]}`), exponent: 1 }
  if (/^[1-9]\d{0,8}$/.test(bare)) return { atom: plain(bare), exponent: 1 }
  const [, symbol = '', exponent = '1'] = /^(.*?)([+-]?[1-9])?$/.exec(bare) ?? []
  const atom = findAtom(symbol)
  if (atom === undefined)
    throw new TypeError(`unit '${code}': '${term}' is no UCUM unit known here${suggestion(symbol)}`)
  return { atom, exponent: Number(exponent) }
}

/** A pure number, or a base unit. */
function plain(factor: string, symbol?: string): Atom {
  return {
    factor: ratio(factor),
    dimension: bases.map((base) => Number(base === symbol)),
    takesPrefixes: symbol !== undefined,
  }
}

function findAtom(symbol: string): Atom | undefined {
  const whole = atomOf(symbol)
  if (whole !== undefined) return whole
  for (const [, prefix = '', exponent] of prefixes.matchAll(/([a-z]+)(\S+)/gi)) {
    const atom = symbol.startsWith(prefix) ? atomOf(symbol.slice(prefix.length)) : undefined
    if (atom?.takesPrefixes === true) return { ...atom, factor: multiply(ratio(`1e${exponent}`), atom.factor) }
  }
  return undefined
}

let defined: ReadonlyMap<string, string> | undefined

function atomOf(symbol: string): Atom | undefined {
  if (bases.includes(symbol)) return plain('1', symbol)
  defined ??= new Map(definitions.split('\n').map((row) => row.split(/ (.*)/) as [string, string]))
  const takesPrefixes = defined.has(`${symbol}*`)
  const [factor, unit = '1'] = defined.get(takesPrefixes ? `${symbol}*` : symbol)?.split(' ') ?? []
  if (factor === undefined) return undefined
  const { numerator, denominator, dimension } = parseProduct(unit)
  return { factor: multiply(ratio(factor), [numerator, denominator]), dimension, takesPrefixes }
}

const mistakes: Readonly<Record<string, string>> = {
  rpm: '1/min',
  degC: 'Cel',
  '°C': 'Cel',
  degF: '[degF]',
  '°F': '[degF]',
  Nm: 'N.m',
  psi: '[psi]',
  in: '[in_i]',
  ft: '[ft_i]',
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
  const whole = [scale[0] * (common / scale[1]), shift[0] * (common / shift[1]), common].map(Number)
  const [over, added, under] = whole as [number, number, number]
  if (whole.every(Number.isSafeInteger)) return { multiply: over, add: added, divide: under }
  return { multiply: toDouble(scale), add: toDouble(shift), divide: 1 }
}

export function convert(value: number, { multiply, add, divide }: Conversion): number {
  return (value * multiply + add) / divide
}

function leastCommon(a: bigint, b: bigint): bigint {
  return a * reduced([a, b])[1]
}

/** The nearest double, near enough: both sides are shortened to what a double holds before they are divided. */
function toDouble([over, under]: Ratio): number {
  return Number(over) / Number(under)
}
