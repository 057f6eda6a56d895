import { describe, expect, it } from 'vitest'

import type { RateLimit } from '../../../src/config/rate-limit.ts'
import { checkEndpointLimit, checkLimit, limitFields } from '../../../src/http/rate-limit.ts'
import { refuse } from '../../../src/http/refuse.ts'
import { site, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const limit: RateLimit = { id: 'few', binding: 'FEW', limit: 3, period: 60 }

/** Counts as the platform does, and shows by which keys. */
function counter() {
  const counts = new Map<string, number>()
  const count = async ({ limit: most }: RateLimit, key: string) => {
    counts.set(key, (counts.get(key) ?? 0) + 1)
    return (counts.get(key) ?? 0) <= most
  }
  return { counts, rateLimits: { count } }
}

describe('a limit', () => {
  it('refuses who is over it, and nobody else', async () => {
    const services = counter()
    const ask = (who: string) =>
      checkLimit(services, site, limit, { what: 'login', who: ['address', who] })
    for (let i = 0; i < 3; i++) expect((await ask('a')).ok).toBe(true)
    expect(await ask('a')).toEqual({
      ok: false,
      denial: { reason: 'rate_limited', policy: 'few', quota: 3, period: 60 },
    })
    expect((await ask('b')).ok).toBe(true)
  })

  it('counts every site, thing and caller apart, by keys that say nothing', async () => {
    const services = counter()
    const other = siteOf({ site: { id: 'other' } })
    const who = ['address', '203.0.113.7']
    await checkLimit(services, site, limit, { what: 'login', who })
    await checkLimit(services, other, limit, { what: 'login', who })
    await checkLimit(services, site, limit, { what: 'callback', who })
    await checkLimit(services, site, limit, { what: 'login', who: ['person', '203.0.113.7'] })
    expect([...services.counts.values()]).toEqual([1, 1, 1, 1])
    for (const key of services.counts.keys()) expect(key).toMatch(/^[\w-]{43}$/)
  })

  it.each([
    ['/auth/login', 1],
    ['/auth/callback', 1],
    ['/auth/refresh', 1],
    ['/auth/revoke', 1],
    ['/auth/events', 1],
    ['/auth/backchannel-logout', 1],
    ['/auth/operator/marks', 1],
    ['/auth/operator', 1],
    // Nobody is kept from signing out, nor from seeing that they are signed in.
    ['/auth/logout', 0],
    ['/auth/session', 0],
    ['/auth/operators', 0],
    ['/auth', 0],
  ])('stands before the endpoint that it is for: %s', async (path, counted) => {
    const keys = ['login', 'callback', 'refresh', 'revoke', 'introspection', 'events', 'operator']
    const rateLimits = Object.fromEntries(keys.map((key) => [key, limit]))
    const limited = { ...site, rateLimits } as typeof site
    const services = counter()
    expect((await checkEndpointLimit(services, { ...visit(path), site: limited })).ok).toBe(true)
    expect(services.counts.size).toBe(counted)
    expect((await checkEndpointLimit(services, visit(path))).ok).toBe(true)
    expect(services.counts.size).toBe(counted)
  })
})

describe('a refusal by limit', () => {
  const denial = { reason: 'rate_limited', policy: 'few', quota: 3, period: 60 } as const

  it('says when to come back, and what the limit is', async () => {
    expect(limitFields(denial)).toEqual({
      'retry-after': '60',
      ratelimit: '"few";r=0;t=60',
      'ratelimit-policy': '"few";q=3;w=60',
    })
    const program = new Request('https://shop.example.com/')
    const answer = refuse(program, { denial, cookies: ['a=1', 'b=2'] })
    expect(answer.status).toBe(429)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('ratelimit')).toBe('"few";r=0;t=60')
    expect(await answer.json()).toMatchObject({ status: 429, reason: 'rate_limited' })
  })

  it('lets a session that was renewed on the way keep its new cookies', () => {
    const answer = refuse(new Request('https://shop.example.com/'), {
      denial,
      cookies: ['a=1', 'b=2'],
    })
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })
})
