/**
 * Whether a route's rule lets a caller in: the same rule for sessions, bearers and machines. Data, judged by
 * this one pure function; nothing is evaluated.
 *
 * What a rule names must be there: a claim that is absent satisfies no operator but `present = false`.
 */
import type { Scalar } from '../config/field.ts'
import type { AccessRule, CallerKind, Condition } from '../config/route.ts'
import type { Denial } from '../denial.ts'

/** What a rule can ask about: made when it is asked for, so what no rule wants is not read. */
export interface Judged {
  readonly kind: CallerKind
  readonly scopes: ReadonlySet<string>
  readonly claims: Readonly<Record<string, unknown>>
  readonly clientId: string | undefined
  readonly acr: string | undefined
  /** Seconds since 1970. */
  readonly authTime: number | undefined
}

/** Why the caller may not pass; `undefined` where it may. `now` in seconds. */
export function judge(rule: AccessRule, caller: Judged, now: number): Denial | undefined {
  if (!rule.any.has(caller.kind)) return { reason: 'caller_kind_refused' }
  if (rule.clientIds.length > 0 && !isOneOf(rule.clientIds, caller.clientId))
    return { reason: 'client_refused' }
  const missing = missingScopes(rule, caller)
  if (missing !== undefined) return { reason: 'scope_insufficient', missing }
  if (!claimsHold(rule, caller)) return { reason: 'claims_insufficient' }
  // Last: a step-up is asked only of those whom nothing else shuts out.
  return isFreshlyAuthenticated(rule, caller, now)
    ? undefined
    : {
        reason: 'authentication_insufficient',
        acrValues: rule.acr,
        maxAge: rule.maxAge,
      }
}

function missingScopes(rule: AccessRule, caller: Judged): readonly string[] | undefined {
  const { scopes, scopesAny } = rule
  if (scopes.length === 0 && scopesAny.length === 0) return undefined
  const granted = caller.scopes
  const missing = scopes.filter((scope) => !granted.has(scope))
  if (missing.length > 0) return missing
  return scopesAny.length > 0 && !scopesAny.some((scope) => granted.has(scope))
    ? scopesAny
    : undefined
}

function claimsHold(rule: AccessRule, caller: Judged): boolean {
  const { claims: all, claimsAny: any, claimsNone: none } = rule
  if (all.length === 0 && any.length === 0 && none.length === 0) return true
  const { claims } = caller
  const holds = (condition: Condition): boolean => conditionHolds(condition, claims)
  return all.every(holds) && (any.length === 0 || any.some(holds)) && !none.some(holds)
}

/** Whether one statement is true of the claims. */
export function conditionHolds(condition: Condition, claims: Judged['claims']): boolean {
  const value = valueAt(claims, condition.path)
  const present = value !== undefined && value !== null
  if (condition.present === false) return !present
  if (!present) return false
  const { equals, any, all, contains, min, max } = condition
  if (equals !== undefined && value !== equals) return false
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (any !== undefined && !elements.some((element) => isOneOf(any, element))) return false
  if (contains !== undefined && !(Array.isArray(value) && value.includes(contains))) return false
  if (all !== undefined && !(Array.isArray(value) && all.every((one) => value.includes(one))))
    return false
  if (min !== undefined && !(typeof value === 'number' && value >= min)) return false
  return max === undefined || (typeof value === 'number' && value <= max)
}

/** Own members only: `constructor` and `__proto__` are no claims. attack: inherited-claim */
function valueAt(claims: Judged['claims'], path: readonly string[]): unknown {
  let value: unknown = claims
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}

function isOneOf(list: readonly Scalar[], value: unknown): boolean {
  return list.some((candidate) => candidate === value)
}

/** Seconds by which the clock of who signed the person in and ours may differ. */
const skew = 60

/** RFC 9470. Who does not say when or how the person signed in has not shown it. */
function isFreshlyAuthenticated(rule: AccessRule, caller: Judged, now: number): boolean {
  if (rule.acr.length > 0 && !isOneOf(rule.acr, caller.acr)) return false
  if (rule.maxAge === undefined) return true
  if (caller.authTime === undefined || caller.authTime > now + skew) return false
  return now - caller.authTime <= rule.maxAge
}
