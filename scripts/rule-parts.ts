/**
 * An access rule taken apart into what it asks for, in words, each part judged by the gateway's own judge.
 */
import type { AccessRule, CallerKind, Condition } from '../src/config/route.ts'
import { judge, type Judged } from '../src/gateway/rule.ts'

export interface RulePart {
  readonly words: string
  holds(caller: Judged, now: number): boolean
}

const kinds: ReadonlySet<CallerKind> = new Set(['anonymous', 'session', 'bearer', 'machine'])

/** Each thing that the rule asks for, in the order in which the gateway asks. */
export function partsOf(rule: AccessRule): readonly RulePart[] {
  const parts: RulePart[] = []
  const add = (words: string, only: Partial<AccessRule>) => {
    const alone: AccessRule = { ...rule, ...nothing, ...only }
    parts.push({ words, holds: (caller, now) => judge(alone, caller, now) === undefined })
  }
  add(`is ${listOf([...rule.any], 'or')}`, { any: rule.any })
  const { clientIds, scopes, scopesAny, acr, maxAge } = rule
  if (clientIds.length > 0) add(`client is ${listOf(clientIds, 'or')}`, { clientIds })
  for (const scope of scopes) add(`scope ${scope}`, { scopes: [scope] })
  if (scopesAny.length > 0) add(`scope ${listOf(scopesAny, 'or')}`, { scopesAny })
  for (const one of rule.claims) add(`claim ${wordsOf(one)}`, { claims: [one] })
  if (rule.claimsAny.length > 0) {
    const words = rule.claimsAny.map(wordsOf).join(', or ')
    add(`claim ${words}`, { claimsAny: rule.claimsAny })
  }
  for (const one of rule.claimsNone) add(`no claim ${wordsOf(one)}`, { claimsNone: [one] })
  if (acr.length > 0) add(`signed in with ${listOf(acr, 'or')}`, { acr })
  if (maxAge !== undefined) add(`signed in within ${String(maxAge)} s`, { maxAge })
  return parts
}

const nothing = {
  any: kinds,
  scopes: [],
  scopesAny: [],
  claims: [],
  claimsAny: [],
  claimsNone: [],
  acr: [],
  maxAge: undefined,
  clientIds: [],
} satisfies Partial<AccessRule>

function wordsOf({ path, ...operators }: Condition): string {
  const said = Object.entries(operators)
    .filter(([, operand]) => operand !== undefined)
    .map(([name, operand]) => `${name} ${JSON.stringify(operand)}`)
  return `${path.join(' → ')} ${said.join(' and ')}`
}

export function listOf(words: readonly string[], last: 'and' | 'or'): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}
