import { describe, expect, it } from 'vitest'

import type { AccessRule, Condition } from '../../../src/config/route.ts'
import { conditionHolds, judge, type Judged } from '../../../src/gateway/rule.ts'
import { now } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const issuers = [{ id: 'as', issuer: 'https://as.example', algorithms: ['ES256'] }]

/** The rule of a route, as an operator writes it. */
function ruleOf(written: Readonly<Record<string, unknown>>): AccessRule {
  const access = { any: ['session', 'bearer', 'machine'], audience: 'api', ...written }
  const route = { path: '/*', access, upstream: { url: 'https://api.internal.example' } }
  return siteOf({ site: { routes: [route] }, env: { ISSUERS: issuers } }).routes.all[0]!.access
}

const ada: Judged = {
  kind: 'bearer',
  scopes: new Set(['orders', 'read']),
  claims: { tenant: 'acme', level: 3, groups: ['staff', 'ops'], realm: { roles: ['admin'] } },
  clientId: 'app',
  acr: 'silver',
  authTime: now - 100,
}

/** `may`, or the reason. */
function decide(written: Readonly<Record<string, unknown>>, changes: Partial<Judged> = {}): string {
  return judge(ruleOf(written), { ...ada, ...changes }, now)?.reason ?? 'may'
}

describe('a rule', () => {
  it('lets in the kinds of caller that it names', () => {
    expect(decide({ any: ['bearer'] })).toBe('may')
    expect(decide({ any: ['session', 'machine'] })).toBe('caller_kind_refused')
    expect(decide({ any: ['machine'] }, { kind: 'machine' })).toBe('may')
    expect(decide({ any: ['machine', 'bearer'] }, { kind: 'session' })).toBe('caller_kind_refused')
  })

  it('judges a session, a bearer and a machine alike', () => {
    for (const kind of ['session', 'bearer', 'machine'] as const) {
      const rule = { scopes: ['orders'], claims: [{ name: 'tenant', equals: 'acme' }] }
      expect(decide(rule, { kind }), kind).toBe('may')
      expect(decide(rule, { kind, scopes: new Set() }), kind).toBe('scope_insufficient')
      expect(decide(rule, { kind, claims: {} }), kind).toBe('claims_insufficient')
    }
  })

  it('wants all of scopes, and one of scopes_any', () => {
    expect(decide({ scopes: ['orders', 'read'] })).toBe('may')
    expect(judge(ruleOf({ scopes: ['orders', 'pay', 'ship'] }), ada, now)).toEqual({
      reason: 'scope_insufficient',
      missing: ['pay', 'ship'],
    })
    expect(decide({ scopes_any: ['pay', 'read'] })).toBe('may')
    expect(judge(ruleOf({ scopes: ['orders'], scopes_any: ['pay', 'ship'] }), ada, now)).toEqual({
      reason: 'scope_insufficient',
      missing: ['pay', 'ship'],
    })
  })

  it('wants one of the clients it names', () => {
    expect(decide({ client_ids: ['app', 'cli'] })).toBe('may')
    expect(decide({ client_ids: ['cli'] })).toBe('client_refused')
    expect(decide({ client_ids: ['cli'] }, { clientId: undefined })).toBe('client_refused')
  })

  it('wants all of claims, one of claims_any, none of claims_none', () => {
    const acme = { name: 'tenant', equals: 'acme' }
    const other = { name: 'tenant', equals: 'other' }
    const staff = { name: 'groups', contains: 'staff' }
    expect(decide({ claims: [acme, staff] })).toBe('may')
    expect(decide({ claims: [acme, other] })).toBe('claims_insufficient')
    expect(decide({ claims_any: [other, staff] })).toBe('may')
    expect(decide({ claims_any: [other] })).toBe('claims_insufficient')
    expect(decide({ claims_none: [other] })).toBe('may')
    expect(decide({ claims_none: [other, staff] })).toBe('claims_insufficient')
  })

  it('wants the sign-in of a person as strong and as fresh as it says', () => {
    expect(decide({ acr: ['gold', 'silver'] })).toBe('may')
    expect(judge(ruleOf({ acr: ['gold'], max_age: '1h' }), ada, now)).toEqual({
      reason: 'authentication_insufficient',
      acrValues: ['gold'],
      maxAge: 3600,
    })
    expect(decide({ acr: ['gold'] }, { acr: undefined })).toBe('authentication_insufficient')
    expect(decide({ max_age: '100s' })).toBe('may')
    expect(decide({ max_age: '99s' })).toBe('authentication_insufficient')
    expect(decide({ max_age: '99s' }, { authTime: undefined })).toBe('authentication_insufficient')
    // Nobody has signed in tomorrow, nor in a time that counts milliseconds.
    for (const authTime of [now + 61, now * 1000])
      expect(decide({ max_age: '99s' }, { authTime })).toBe('authentication_insufficient')
    expect(decide({ max_age: '99s' }, { authTime: now + 5 })).toBe('may')
  })

  it('asks for a stronger sign-in only where nothing else shuts the caller out', () => {
    const strong = { acr: ['gold'] }
    expect(decide(strong)).toBe('authentication_insufficient')
    expect(decide({ ...strong, scopes: ['pay'] })).toBe('scope_insufficient')
    expect(decide({ ...strong, client_ids: ['cli'] })).toBe('client_refused')
    expect(decide({ ...strong, claims: [{ name: 'x', present: true }] })).toBe(
      'claims_insufficient',
    )
  })
})

const nothing: Omit<Condition, 'path'> = {
  equals: undefined,
  any: undefined,
  all: undefined,
  contains: undefined,
  present: undefined,
  min: undefined,
  max: undefined,
}

/** Whether the statement is true of a claim `c` with this value. */
function holds(value: unknown, operators: Partial<Condition>): boolean {
  return conditionHolds({ path: ['c'], ...nothing, ...operators }, { c: value })
}

describe('a statement about a claim', () => {
  it('compares with equals, of one type', () => {
    expect(holds('a', { equals: 'a' })).toBe(true)
    expect(holds('A', { equals: 'a' })).toBe(false)
    expect(holds(['a'], { equals: 'a' })).toBe(false)
    expect(holds(1, { equals: 1 })).toBe(true)
    expect(holds('1', { equals: 1 })).toBe(false)
    expect(holds(true, { equals: true })).toBe(true)
    expect(holds('true', { equals: true })).toBe(false)
    expect(holds(0, { equals: false })).toBe(false)
  })

  it('finds one of any, in the claim or among its elements', () => {
    expect(holds('a', { any: ['a', 'b'] })).toBe(true)
    expect(holds(['x', 'b'], { any: ['a', 'b'] })).toBe(true)
    expect(holds('abc', { any: ['a', 'b'] })).toBe(false)
    expect(holds([], { any: ['a'] })).toBe(false)
    expect(holds([['a']], { any: ['a'] })).toBe(false)
  })

  it('finds all of all, and the one of contains, in a list', () => {
    expect(holds(['a', 'b', 'c'], { all: ['a', 'b'] })).toBe(true)
    expect(holds(['a'], { all: ['a', 'b'] })).toBe(false)
    expect(holds('ab', { all: ['a', 'b'] })).toBe(false)
    expect(holds(['a', 'b'], { contains: 'a' })).toBe(true)
    // A text is no list of its parts: "superadmin" does not contain "admin".
    expect(holds('superadmin', { contains: 'admin' })).toBe(false)
    expect(holds(['superadmin'], { contains: 'admin' })).toBe(false)
  })

  it('bounds a number with min and max', () => {
    expect(holds(3, { min: 3 })).toBe(true)
    expect(holds(2, { min: 3 })).toBe(false)
    expect(holds(3, { max: 3 })).toBe(true)
    expect(holds(4, { max: 3 })).toBe(false)
    expect(holds(3, { min: 1, max: 5 })).toBe(true)
    for (const value of ['3', [3], true, Number.NaN]) {
      expect(holds(value, { min: 0 }), String(value)).toBe(false)
      expect(holds(value, { max: 9 }), String(value)).toBe(false)
    }
  })

  it('asks whether it is there, where null is nothing', () => {
    for (const value of ['', 0, false, [], {}]) {
      expect(holds(value, { present: true }), JSON.stringify(value)).toBe(true)
      expect(holds(value, { present: false }), JSON.stringify(value)).toBe(false)
    }
    for (const value of [null, undefined]) {
      expect(holds(value, { present: true })).toBe(false)
      expect(holds(value, { present: false })).toBe(true)
    }
  })

  it('wants every operator that is given', () => {
    expect(holds(['a', 'b'], { contains: 'a', any: ['b'] })).toBe(true)
    expect(holds(['a', 'c'], { contains: 'a', any: ['b'] })).toBe(false)
  })

  it('is true of an absent claim only where it asks for its absence', () => {
    for (const operators of [
      { equals: 'x' },
      { any: ['x'] },
      { all: ['x'] },
      { contains: 'x' },
      { min: 0 },
      { max: 0 },
      { present: true },
    ]) {
      expect(holds(undefined, operators), JSON.stringify(operators)).toBe(false)
      expect(holds(null, operators), JSON.stringify(operators)).toBe(false)
    }
  })

  it('follows a path through own members only', () => {
    const at = (...path: string[]) =>
      conditionHolds({ path, ...nothing, present: true }, { realm: { roles: ['admin'] }, n: 1 })
    expect(at('realm', 'roles')).toBe(true)
    expect(at('realm', 'other')).toBe(false)
    // A name with a dot in it is a name.
    expect(conditionHolds({ path: ['a.b'], ...nothing, equals: 1 }, { 'a.b': 1 })).toBe(true)
    for (const path of [
      ['constructor'],
      ['__proto__'],
      ['toString', 'name'],
      ['realm', 'constructor'],
      ['realm', 'roles', 'length'],
      ['realm', 'roles', '0'],
      ['n', 'toFixed'],
    ])
      expect(at(...path), path.join('.')).toBe(false)
  })
})
