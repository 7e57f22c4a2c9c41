import type { Member, Range, Rule } from './vocabulary.ts'

/** What the schema names, in its order, whether a value has it or not. */
export function membersOf(rule: Rule): readonly Member[] {
  rule.members ??= [...(rule.properties ?? [])].map(([key, member]) => {
    // No number is in order where a tensor belongs.
    let [least, most] = member.tensor === undefined ? [-Number.MAX_VALUE, Number.MAX_VALUE] : [1, 0]
    for (const { min = least, max = most } of Object.values(member.limits ?? {}) as Range[]) {
      least = Math.max(least, min)
      most = Math.min(most, max)
    }
    return { key, rule: member, least, most }
  })
  return rule.members
}

/** What stands under a name. What every object inherits, such as `constructor`, is nothing. */
export function memberOf(value: object, key: string): unknown {
  const member = (value as Record<string, unknown>)[key]
  return typeof member === 'function' && member === Object.prototype[key as never] ? undefined : member
}

export function hasItems({ items, prefixItems, additional }: Rule): boolean {
  return items !== undefined || prefixItems !== undefined || additional !== undefined
}

/** What the schema does not name: items, and members beyond its properties. Passes over numbers about which nothing is said. */
export function eachItem(
  { properties, additional, items, prefixItems }: Rule,
  value: object,
  visit: (key: PropertyKey, member: unknown, memberRule: Rule) => void,
): void {
  const see = (key: PropertyKey, member: unknown, rule: Rule | undefined) => {
    if (rule === undefined || (Number.isFinite(member) && rule.limits === undefined && !rule.needsVisit)) return
    visit(key, member, rule)
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) see(i, value[i], prefixItems?.[i] ?? items)
  } else if (additional !== undefined) {
    for (const [key, member] of Object.entries(value)) if (!properties?.has(key)) see(key, member, additional)
  }
}
