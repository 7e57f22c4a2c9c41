/** One unit under the codes of others. */
type Row = readonly [ucum: string, unece: string, qudt: string, iec62720: string]

/** UCUM code, UNECE Recommendation 20 common code, local name in QUDT, number in IEC 62720. Empty where a list has no such unit. */
const rows: readonly Row[] = [['Cel', 'CEL', 'DEG_C', 'UAA033']]

const forms = [
  { pattern: /^unece:(.+)$/, column: 1 },
  { pattern: /^(?:qudt:|https?:\/\/qudt\.org\/vocab\/unit\/)(.+)$/, column: 2 },
  { pattern: /^0112\/2\/\/\/62720#([A-Z]{3}\d{3})(?:#\d{3})?$/, column: 3 },
] as const

/** The UCUM code behind an alias; undefined where the code has no alias's form. Throws a `TypeError` for an alias that nobody knows. */
export function aliasedUnit(code: string): string | undefined {
  for (const { pattern, column } of forms) {
    const name = pattern.exec(code)?.[1]
    if (name === undefined) continue
    const row = rows.find((one) => one[column] === name)
    if (row === undefined)
      throw new TypeError(`unit '${code}' is not among the aliases known here: state its UCUM code`)
    return row[0]
  }
  return undefined
}
