/**
 * One unit a line: UCUM code, UNECE Recommendation 20 common code, local name in QUDT and, where it was checked against the
 * published list, the number in IEC 62720. A text is a third of the size that records would have in every browser.
 */
const rows = `Cel CEL DEG_C UAA033
K KEL K
[degF] FAH DEG_F
m MTR M
mm MMT MilliM UAA862
cm CMT CentiM
um 4H MicroM
km KMT KiloM
[in_i] INH IN
[ft_i] FOT FT
m/s MTS M-PER-SEC
mm/s C16 MilliM-PER-SEC
m/min 2X M-PER-MIN
km/h KMH KiloM-PER-HR
m/s2 MSK M-PER-SEC2
1/min RPM REV-PER-MIN
rad/s 2A RAD-PER-SEC
Hz HTZ HZ
kHz KHZ KiloHZ
MHz MHZ MegaHZ
N NEW N
kN B47 KiloN
N.m NU N-M
Pa PAL PA UAA258
kPa KPA KiloPA
MPa MPA MegaPA
bar BAR BAR
mbar MBR MilliBAR
[psi] PS PSI
J JOU J
kJ KJO KiloJ
kW.h KWH KiloW-HR
MW.h MWH MegaW-HR
W WTT W
kW KWT KiloW
MW MAW MegaW
A AMP A UAA101
mA 4K MilliA
V VLT V UAA296
mV 2Z MilliV
kV KVT KiloV
Ohm OHM OHM
g GRM GM
kg KGM KiloGM
t TNE TONNE
[lb_av] LBR LB
m3 MTQ M3
L LTR L
m3/h MQH M3-PER-HR
m3/s MQS M3-PER-SEC
L/min L2 L-PER-MIN
kg/h E93 KiloGM-PER-HR
kg/s KGS KiloGM-PER-SEC
kg/m3 KMQ KiloGM-PER-M3 UAA619
s SEC SEC
ms C26 MilliSEC
min MIN MIN
h HUR HR
d DAY DAY
deg DD DEG
rad C81 RAD
% P1 PERCENT
[ppm] 59 PPM
lx LUX LUX`

const forms = [
  { pattern: /^unece:(.+)$/, column: 1 },
  { pattern: /^(?:qudt:|https?:\/\/qudt\.org\/vocab\/unit\/)(.+)$/, column: 2 },
  { pattern: /^0112\/2\/\/\/62720#([A-Z]{3}\d{3})(?:#\d{3})?$/, column: 3 },
] as const

let table: readonly string[][] | undefined

/** The UCUM code behind an alias; undefined where the code has no alias's form. Throws a `TypeError` for an alias that nobody knows. */
export function aliasedUnit(code: string): string | undefined {
  for (const { pattern, column } of forms) {
    const name = pattern.exec(code)?.[1]
    if (name === undefined) continue
    table ??= rows.split('\n').map((row) => row.split(' '))
    const ucum = table.find((row) => row[column] === name)?.[0]
    if (ucum === undefined)
      throw new TypeError(`unit '${code}' is not among the aliases known here: state its UCUM code`)
    return ucum
  }
  return undefined
}
