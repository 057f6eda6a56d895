/**
 * `routes[].access` → `AccessRule`: the rules that concern several of its keys.
 */
import type { WrittenCondition, WrittenRule } from './access-schema.ts'
import type { Report } from './field.ts'
import type { Issuer } from './issuer.ts'
import type { AccessRule, Condition } from './route.ts'

const nothingElse = {
  issuers: [],
  audience: [],
  scopes: [],
  scopesAny: [],
  claims: [],
  claimsAny: [],
  claimsNone: [],
  acr: [],
  maxAge: undefined,
  clientIds: [],
} satisfies Omit<AccessRule, 'any'>

export function parseAccess(
  written: WrittenRule | 'public' | 'session',
  path: string,
  issuers: readonly Issuer[],
  development: boolean,
  report: Report,
): AccessRule {
  if (written === 'public') return { any: new Set(['anonymous']), ...nothingElse }
  if (written === 'session') return { any: new Set(['session']), ...nothingElse }
  const any = new Set(written.any)
  const takesTokens = any.has('bearer') || any.has('machine')
  const rule: AccessRule = {
    any,
    issuers: takesTokens ? issuersOf(written, path, issuers, development, report) : [],
    audience: typeof written.audience === 'string' ? [written.audience] : (written.audience ?? []),
    scopes: written.scopes,
    scopesAny: written.scopes_any,
    claims: conditions(written.claims, `${path}.claims`, report),
    claimsAny: conditions(written.claims_any, `${path}.claims_any`, report),
    claimsNone: conditions(written.claims_none, `${path}.claims_none`, report),
    acr: written.acr,
    maxAge: written.max_age,
    clientIds: written.client_ids,
  }
  // attack: token-for-another-audience
  if (takesTokens && rule.audience.length === 0) {
    report(
      `${path}.audience`,
      'is required where tokens are accepted: what must stand in their aud',
    )
  }
  if (!takesTokens) {
    for (const key of ['issuers', 'audience'] as const) {
      if (written[key] !== undefined)
        report(`${path}.${key}`, 'goes with "bearer" or "machine" in any')
    }
  }
  if (any.has('anonymous') && asksMore(rule)) {
    report(
      `${path}.any`,
      'lets everybody in with "anonymous": no other condition can hold them back',
    )
  }
  if (any.has('session') && !takesTokens && rule.clientIds.length > 0) {
    report(`${path}.client_ids`, 'goes with "bearer" or "machine": a session has one client, ours')
  }
  if (any.size === 1 && any.has('machine') && (rule.acr.length > 0 || rule.maxAge !== undefined)) {
    report(path, 'asks for the sign-in of a person (acr, max_age), and lets machines in only')
  }
  return rule
}

function issuersOf(
  written: WrittenRule,
  path: string,
  issuers: readonly Issuer[],
  development: boolean,
  report: Report,
): readonly Issuer[] {
  const ids = written.issuers ?? issuers.map(({ id }) => id)
  if (ids.length === 0) report(`${path}.any`, 'accepts tokens, and there are no ISSUERS')
  const named = ids.map((id, i) => {
    const issuer = issuers.find((candidate) => candidate.id === id)
    const known = issuers.map((candidate) => candidate.id).join(', ') || 'none'
    if (issuer === undefined)
      report(`${path}.issuers[${i}]`, `names no issuer; there are: ${known}`)
    if (issuer?.insecure === true && !development)
      report(`${path}.issuers`, `${id} speaks plain http: for a site with development = true only`)
    return issuer
  })
  const found = named.filter((issuer) => issuer !== undefined)
  // An opaque token names nobody: it would have to be shown to each of them.
  const asked = found.filter(({ introspection }) => introspection !== undefined)
  if (asked.length > 1) {
    const names = asked.map(({ id }) => id).join(', ')
    report(`${path}.issuers`, `has more than one issuer with introspection (${names})`)
  }
  return found
}

function conditions(
  written: readonly WrittenCondition[],
  path: string,
  report: Report,
): readonly Condition[] {
  return written.map(({ name, path: members, ...operators }, i) => {
    if ((name === undefined) === (members === undefined)) {
      report(`${path}[${i}]`, 'must have exactly one of name and path')
    }
    if (Object.values(operators).every((operator) => operator === undefined)) {
      report(`${path}[${i}]`, 'must say something: equals, any, all, contains, present, min, max')
    }
    if (operators.present === false && Object.values(operators).filter(isGiven).length > 1) {
      report(`${path}[${i}].present`, 'is false: nothing else can be said of the claim')
    }
    return { path: members ?? [name ?? ''], ...operators }
  })
}

function isGiven(operator: unknown): boolean {
  return operator !== undefined
}

function asksMore(rule: AccessRule): boolean {
  const { scopes, scopesAny, claims, claimsAny, claimsNone, acr, maxAge, clientIds } = rule
  const lists = [scopes, scopesAny, claims, claimsAny, claimsNone, acr, clientIds]
  return maxAge !== undefined || lists.some(({ length }) => length > 0)
}
