import { beforeEach, describe, expect, it } from 'vitest'

import { Permit } from '../../../src/gateway/authorize.ts'
import { canonicalUrl } from '../../../src/http/canonical-url.ts'
import { gate, portsWithKeys, tokenOf } from '../world/issuers.ts'
import { ada, now, refreshOnly, signedIn } from '../world/ports.ts'

let ports: ReturnType<typeof portsWithKeys>
let token: string

beforeEach(async () => {
  ports = portsWithKeys()
  token = await tokenOf()
})

const both = { any: ['session', 'bearer'] }

async function ask(
  access: Parameters<typeof gate>[0],
  init: RequestInit = {},
  path = '/api',
): Promise<{ outcome: string; challenge: string | undefined }> {
  const { site, route } = gate(access)
  const url = canonicalUrl(`https://shop.example.com${path}`)
  if (!url.ok) throw new Error('not canonical')
  const visit = { request: new Request(url.value.href, init), url: url.value, site, now }
  const permit = await Permit.ask(ports, visit, route)
  return permit.ok
    ? { outcome: permit.value.caller.kind, challenge: undefined }
    : { outcome: permit.denial.reason, challenge: permit.challenge }
}

const outcome = async (...given: Parameters<typeof ask>) => (await ask(...given)).outcome
const bearer = (more: Record<string, string> = {}) => ({
  authorization: `Bearer ${token}`,
  ...more,
})

describe('the credential of a request', () => {
  it('is a token or a session where the route takes both', async () => {
    expect(await outcome(both, { headers: bearer() })).toBe('bearer')
    expect(await outcome(both, { headers: await signedIn() })).toBe('session')
    expect(await outcome(both)).toBe('session_missing')
    expect(await outcome({ any: ['bearer'] })).toBe('token_missing')
  })

  it('is one, not several', async () => {
    expect(await outcome(both, { headers: bearer() })).toBe('bearer')
    for (const cookies of [await signedIn(), refreshOnly()])
      expect(await outcome(both, { headers: bearer(cookies) })).toBe('credentials_several')
    expect(await outcome(both, { headers: { authorization: `Bearer ${token}, Bearer x` } })).toBe(
      'credentials_several',
    )
    expect(await outcome(both, { headers: bearer() }, '/api?access_token=x')).toBe('token_in_query')
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '14' }
    const post = { method: 'POST', body: 'access_token=x' }
    expect(await outcome(both, { ...post, headers: bearer(form) })).toBe('token_in_body')
    expect(await outcome(both, { ...post, headers: { ...(await signedIn()), ...form } })).toBe(
      'token_in_body',
    )
    // Nothing was asked of anybody for those.
    expect(ports.asked).toEqual([])
  })

  it('is not a cookie where the route takes tokens alone', async () => {
    expect(await outcome({ any: ['bearer'] }, { headers: await signedIn() })).toBe('token_missing')
    expect(await outcome({ any: ['bearer'] }, { headers: bearer(await signedIn()) })).toBe('bearer')
  })

  it('is not a token where the route takes sessions alone', async () => {
    expect(await outcome('session', { headers: bearer() })).toBe('session_missing')
    expect(await outcome('session', { headers: bearer(await signedIn()) })).toBe('session')
  })

  it('is looked at even where anybody may pass: a bad one is refused', async () => {
    const anybody = { any: ['anonymous', 'bearer'] }
    expect(await outcome(anybody)).toBe('anonymous')
    expect(await outcome(anybody, { headers: bearer() })).toBe('bearer')
    expect(await outcome(anybody, { headers: { authorization: 'Bearer x' } })).toBe('token_refused')
  })

  it('needs no proof of the same site where it is a token', async () => {
    const post = { method: 'POST', headers: bearer({ 'sec-fetch-site': 'cross-site' }) }
    expect(await outcome(both, post)).toBe('bearer')
    const headers = await signedIn({ 'sec-fetch-site': 'cross-site' })
    expect(await outcome(both, { method: 'POST', headers })).toBe('cross_site')
  })
})

describe('one rule for sessions and tokens', () => {
  it('asks both for scopes', async () => {
    const rule = { ...both, scopes: ['openid'] }
    expect(ada.scope).toBe('openid')
    expect(await outcome(rule, { headers: await signedIn() })).toBe('session')
    expect(await outcome(rule, { headers: bearer() })).toBe('scope_insufficient')
    token = await tokenOf({ scope: 'openid' })
    expect(await outcome(rule, { headers: bearer() })).toBe('bearer')
    const more = { ...both, scopes: ['orders'] }
    expect(await outcome(more, { headers: await signedIn() })).toBe('scope_insufficient')
  })

  it('asks both for claims, issuer and subject among them', async () => {
    const rule = { ...both, claims: [{ name: 'sub', equals: 'ada' }] }
    expect(await outcome(rule, { headers: await signedIn() })).toBe('session')
    expect(await outcome(rule, { headers: bearer() })).toBe('bearer')
    token = await tokenOf({ sub: 'eve' })
    expect(await outcome(rule, { headers: bearer() })).toBe('claims_insufficient')
    const ours = { ...both, claims: [{ name: 'iss', equals: 'https://id.example.com' }] }
    expect(await outcome(ours, { headers: await signedIn() })).toBe('session')
    expect(await outcome(ours, { headers: bearer() })).toBe('claims_insufficient')
  })

  it('counts our own client as that of a session', async () => {
    const rule = { ...both, client_ids: ['shop'] }
    expect(await outcome(rule, { headers: await signedIn() })).toBe('session')
    expect(await outcome(rule, { headers: bearer() })).toBe('client_refused')
  })

  it('tells a machine’s token from a person’s', async () => {
    token = await tokenOf({ sub: 'app' })
    expect(await outcome({ any: ['machine'] }, { headers: bearer() })).toBe('machine')
    expect(await outcome({ any: ['bearer'] }, { headers: bearer() })).toBe('caller_kind_refused')
    token = await tokenOf()
    expect(await outcome({ any: ['machine'] }, { headers: bearer() })).toBe('caller_kind_refused')
  })
})

describe('a refusal', () => {
  it('carries a challenge where the route takes tokens, and none where it does not', async () => {
    const where =
      'resource_metadata="https://shop.example.com/.well-known/oauth-protected-resource"'
    expect((await ask(both)).challenge).toBe(`Bearer ${where}`)
    expect((await ask({ any: ['bearer'] })).challenge).toBe(`Bearer ${where}`)
    const refused = await ask(both, { headers: { authorization: 'Bearer x' } })
    expect(refused.challenge).toBe(`Bearer error="invalid_token", ${where}`)
    const missing = await ask({ ...both, scopes: ['pay'] }, { headers: bearer() })
    expect(missing.challenge).toBe(`Bearer error="insufficient_scope", scope="pay", ${where}`)
    expect(await ask('session')).toEqual({ outcome: 'session_missing', challenge: undefined })
  })
})
