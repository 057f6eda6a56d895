import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { siteOf, varsOf } from '../world/vars.ts'

type Table = Readonly<Record<string, unknown>>

const issuer = { id: 'as', issuer: 'https://as.example', algorithms: ['ES256'] }
const partner = { id: 'partner', issuer: 'https://partner.example', algorithms: ['RS256'] }

const given = (access: unknown, issuers: readonly Table[] = [issuer, partner]) => ({
  site: { routes: [{ path: '/*', access, upstream: { url: 'https://api.internal.example' } }] },
  env: { ISSUERS: issuers, OPAQUE: 'secret' },
})
const ruleOf = (access: unknown) => siteOf(given(access)).routes.all[0]!.access

/** Paths below `access` with what to mend. */
function problemsOf(access: unknown, issuers?: readonly Table[]): Record<string, string> {
  const parsed = parseConfig(varsOf(given(access, issuers)))
  if (parsed.ok) return {}
  return Object.fromEntries(
    parsed.problems.map(({ path, mend }) => [path.replace('SITES[0].routes[0].access', ''), mend]),
  )
}

const tokens = { any: ['bearer'], audience: 'api' }

describe('a rule', () => {
  it('is parsed with everything it may say', () => {
    const rule = ruleOf({
      any: ['session', 'bearer', 'machine'],
      issuers: ['partner'],
      audience: ['api', 'https://api.example'],
      scopes: ['orders'],
      scopes_any: ['read', 'write'],
      claims: [{ name: 'tenant', equals: 'acme' }],
      claims_any: [{ path: ['realm', 'roles'], contains: 'admin' }],
      claims_none: [{ name: 'blocked', present: true }],
      acr: ['gold'],
      max_age: '1h',
      client_ids: ['app'],
    })
    expect(rule).toMatchObject({
      any: new Set(['session', 'bearer', 'machine']),
      audience: ['api', 'https://api.example'],
      scopes: ['orders'],
      scopesAny: ['read', 'write'],
      claims: [{ path: ['tenant'], equals: 'acme' }],
      claimsAny: [{ path: ['realm', 'roles'], contains: 'admin' }],
      claimsNone: [{ path: ['blocked'], present: true }],
      acr: ['gold'],
      maxAge: 3600,
      clientIds: ['app'],
    })
    expect(rule.issuers.map(({ id }) => id)).toEqual(['partner'])
  })

  it('accepts every issuer where it names none, and one audience as text', () => {
    const rule = ruleOf(tokens)
    expect(rule.issuers.map(({ id }) => id)).toEqual(['as', 'partner'])
    expect(rule.audience).toEqual(['api'])
    expect(ruleOf('session').issuers).toEqual([])
  })

  it('must name the audience of its tokens', () => {
    expect(problemsOf(tokens)).toEqual({})
    expect(problemsOf({ any: ['bearer'] })).toHaveProperty('.audience')
    expect(problemsOf({ any: ['session', 'machine'] })).toHaveProperty('.audience')
    expect(problemsOf({ any: ['bearer'], audience: [] })).toHaveProperty('.audience')
    expect(problemsOf({ any: ['bearer'], audience: '' })).toHaveProperty('.audience')
  })

  it('must name issuers that there are', () => {
    expect(problemsOf({ ...tokens, issuers: ['as', 'nobody'] })).toEqual({
      '.issuers[1]': 'names no issuer; there are: as, partner',
    })
    const { ISSUERS: _, ...nobody } = varsOf(given(tokens))
    expect(parseConfig(nobody)).toMatchObject({
      problems: [{ path: 'SITES[0].routes[0].access.any' }],
    })
  })

  it('cannot take tokens of an issuer on plain http where people use the site', () => {
    const local = { ...issuer, issuer: 'http://localhost:9000' }
    expect(problemsOf(tokens, [local])).toHaveProperty('.issuers')
  })

  it('has one issuer to ask about opaque tokens', () => {
    const introspection = { client_id: 'gate', client_secret: { secret: 'OPAQUE' } }
    const one = { ...issuer, introspection }
    const other = { ...partner, introspection }
    expect(problemsOf(tokens, [one, partner])).toEqual({})
    expect(problemsOf(tokens, [one, other])['.issuers']).toContain('as, partner')
    expect(problemsOf({ ...tokens, issuers: ['as'] }, [one, other])).toEqual({})
  })

  it('cannot hold back callers whom it lets in unknown', () => {
    expect(problemsOf({ any: ['anonymous', 'session'] })).toEqual({})
    for (const more of [
      { scopes: ['orders'] },
      { claims: [{ name: 'x', present: true }] },
      { max_age: '1h' },
      { client_ids: ['app'] },
    ])
      expect(problemsOf({ any: ['anonymous', 'session'], ...more })).toHaveProperty('.any')
  })

  it('says nothing of tokens where it takes none', () => {
    expect(problemsOf({ any: ['session'], audience: 'api' })).toHaveProperty('.audience')
    expect(problemsOf({ any: ['session'], issuers: ['as'] })).toHaveProperty('.issuers')
    expect(problemsOf({ any: ['session'], client_ids: ['app'] })).toHaveProperty('.client_ids')
  })

  it('does not ask a machine when it signed in', () => {
    const machines = { any: ['machine'], audience: 'api' }
    expect(problemsOf({ ...machines, max_age: '1h' })).toHaveProperty('')
    expect(problemsOf({ ...machines, acr: ['gold'] })).toHaveProperty('')
    expect(problemsOf({ ...machines, any: ['machine', 'bearer'], acr: ['gold'] })).toEqual({})
  })
})

describe('a statement about a claim', () => {
  const problems = (condition: unknown) => problemsOf({ ...tokens, claims: [condition] })

  it('names one claim and says something of it', () => {
    expect(problems({ name: 'tenant', equals: 'acme' })).toEqual({})
    expect(problems({ equals: 'acme' })).toHaveProperty('.claims[0]')
    expect(problems({ name: 'a', path: ['a'], equals: 1 })).toHaveProperty('.claims[0]')
    expect(problems({ name: 'tenant' })).toHaveProperty('.claims[0]')
    expect(problems({ path: [], equals: 1 })).toHaveProperty('.claims[0].path')
  })

  it('says nothing of an absent claim but its absence', () => {
    expect(problems({ name: 'a', present: false })).toEqual({})
    expect(problems({ name: 'a', present: false, equals: 1 })).toHaveProperty('.claims[0].present')
  })

  it.each([
    [{ equals: null }, 'equals'],
    [{ equals: ['a'] }, 'equals'],
    [{ any: [] }, 'any'],
    [{ all: 'a' }, 'all'],
    [{ present: 'yes' }, 'present'],
    [{ min: '3' }, 'min'],
    [{ max: Number.NaN }, 'max'],
    [{ matches: '.*' }, 'matches'],
  ])('is refused with %j', (operators, key) => {
    const paths = Object.keys(problems({ name: 'a', ...operators }))
    expect(paths.some((path) => path.startsWith(`.claims[0].${key}`))).toBe(true)
  })
})
