import { describe, expect, it } from 'vitest'

import type { SignedIn } from '../../../src/oidc/tokens.ts'
import { startRotation } from '../../../src/session/rotation.ts'
import {
  accessTokenOf,
  accessLifetime,
  endOf,
  isProviderRefreshDue,
  isProviderTokenGood,
  refreshBy,
  startSession,
  withRefreshed,
} from '../../../src/session/session.ts'
import { siteOf } from '../world/vars.ts'

const now = 1_800_000_000
const site = siteOf()
const id = 'ses_AAAAAAAAAAAAAAAAAAAAAA'
const tokens = {
  accessToken: 'access-1',
  refreshToken: 'refresh-1',
  idToken: 'id-1',
  scope: 'openid',
  expiresIn: 600,
  refreshExpiresIn: undefined,
}
const claims = { iss: 'https://id.example.com', sub: 'ada', aud: 'shop', exp: now + 300, iat: now }

function start(more: Partial<SignedIn['tokens']> = {}, extra: object = {}) {
  const signedIn = { tokens: { ...tokens, ...more }, claims: { ...claims, ...extra } }
  return startSession(id, signedIn, { city: 'London' }, 'key', startRotation(), now, now)
}

describe('a session', () => {
  it('is somebody by issuer and subject, with claims about the person only', () => {
    const { identity } = start(
      {},
      { email: 'a@b', nonce: 'n', at_hash: 'h', acr: 'gold', azp: 'x' },
    )
    expect(identity).toEqual({
      sessionId: id,
      issuer: 'https://id.example.com',
      subject: 'ada',
      claims: { city: 'London', email: 'a@b' },
      createdAt: now,
      issuedAt: now,
      providerSession: undefined,
      authTime: undefined,
      acr: 'gold',
      scope: 'openid',
    })
  })

  it('is over when the provider’s own session is, or its refresh token', () => {
    const ends = (record: ReturnType<typeof start>) => [
      refreshBy(record, site),
      endOf(record, site, refreshBy(record, site) - 1),
      endOf(record, site, refreshBy(record, site))?.reason,
    ]
    expect(ends(start({}, { session_expiry: now + 600 }))).toEqual([
      now + 600,
      undefined,
      'session_expired',
    ])
    expect(ends(start({ refreshExpiresIn: 900 }))).toEqual([
      now + 900,
      undefined,
      'session_expired',
    ])
    // An end that nothing can reach, or of a token that there is not, is none.
    expect(refreshBy(start({ refreshToken: undefined, refreshExpiresIn: 900 }), site)).toBe(
      now + 1800,
    )
    expect(refreshBy(start({}, { session_expiry: 'soon' }), site)).toBe(now + 1800)
    expect(start({}, { session_expiry: now + 600 }).identity.claims).toEqual({ city: 'London' })
  })

  it('has the end that the last refresh brought', () => {
    const record = start({ refreshExpiresIn: 900 }, { session_expiry: now + 1000 })
    const refreshed = (more: object, session?: object) =>
      withRefreshed(
        record,
        { tokens: { ...tokens, ...more }, claims: session && { ...claims, ...session } },
        now + 500,
      ).provider
    expect(refreshed({ refreshToken: 'refresh-2', refreshExpiresIn: 900 })).toMatchObject({
      refreshEndsAt: now + 1400,
      sessionEndsAt: now + 1000,
    })
    expect(refreshed({ refreshToken: 'refresh-2' }).refreshEndsAt).toBeUndefined()
    expect(refreshed({ refreshToken: undefined }).refreshEndsAt).toBe(now + 900)
    expect(refreshed({}, { session_expiry: now + 2000 }).sessionEndsAt).toBe(now + 2000)
  })

  it('keeps the key that its tokens are bound to, or goes on with none', () => {
    const proofKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' } as const
    const key = (record: ReturnType<typeof start>, more: object) =>
      withRefreshed(record, { tokens: { ...tokens, ...more }, claims: undefined }, now).provider
        .proofKey
    expect(accessTokenOf(start({ proofKey }), now)).toMatchObject({ proofKey })
    expect(key(start({ proofKey }), { proofKey })).toBe(proofKey)
    expect(key(start({ proofKey }), {})).toBe(proofKey)
    expect(key(start(), { proofKey })).toBeUndefined()
  })

  it('believes the ID token before userinfo', () => {
    expect(start({}, { city: 'Paris' }).identity.claims).toEqual({ city: 'Paris' })
  })

  it('is over when nobody used it or when its time has come', () => {
    const record = start()
    expect(refreshBy(record, site)).toBe(now + 1800)
    expect(endOf(record, site, now + 1799)).toBeUndefined()
    expect(endOf(record, site, now + 1800)).toEqual({ reason: 'session_idle' })
    const used = { ...record, renewedAt: now + 43_000 }
    expect(refreshBy(used, site)).toBe(now + 43_200)
    expect(endOf(used, site, now + 43_199)).toBeUndefined()
    expect(endOf(used, site, now + 43_200)).toEqual({ reason: 'session_expired' })
  })
})

describe('the provider', () => {
  it('is asked again near the end of an access cookie’s life, or of its own token’s', () => {
    expect(isProviderRefreshDue(start(), site, now + 239)).toBe(false)
    expect(isProviderRefreshDue(start(), site, now + 240)).toBe(true)
    expect(isProviderRefreshDue(start({ expiresIn: 100 }), site, now + 79)).toBe(false)
    expect(isProviderRefreshDue(start({ expiresIn: 100 }), site, now + 80)).toBe(true)
    expect(isProviderRefreshDue(start({ expiresIn: 0 }), site, now)).toBe(false)
    expect(isProviderRefreshDue(start({ refreshToken: undefined }), site, now + 1e6)).toBe(false)
  })

  it('may be down for as long as its token holds', () => {
    expect(isProviderTokenGood(start(), now + 599)).toBe(true)
    expect(isProviderTokenGood(start(), now + 600)).toBe(false)
    expect(isProviderTokenGood(start({ expiresIn: undefined }), now)).toBe(false)
  })

  it('replaces by a refresh what it sends, and nothing else', () => {
    const bare = { accessToken: 'access-2', refreshToken: undefined, idToken: undefined }
    const silent = { scope: undefined, expiresIn: undefined, refreshExpiresIn: undefined }
    const answer = { ...bare, ...silent }
    const kept = withRefreshed(start(), { tokens: answer, claims: undefined }, now + 5)
    expect(kept.provider).toEqual({
      accessToken: 'access-2',
      refreshToken: 'refresh-1',
      idToken: 'id-1',
      scope: 'openid',
      refreshedAt: now + 5,
      expiresAt: undefined,
      refreshEndsAt: undefined,
      sessionEndsAt: undefined,
    })
    expect(kept.identity).toEqual(start().identity)
    const fresh = { ...answer, refreshToken: 'refresh-2', idToken: 'id-2', expiresIn: 60 }
    const renewed = withRefreshed(
      start(),
      { tokens: fresh, claims: { ...claims, sub: 'eve', email: 'new@b' } },
      now + 5,
    )
    expect(renewed.provider).toMatchObject({ refreshToken: 'refresh-2', expiresAt: now + 65 })
    expect(renewed.identity.claims).toEqual({ city: 'London', email: 'new@b' })
    expect(renewed.identity.subject).toBe('ada')
  })
})

describe('the life of an access cookie', () => {
  const lifetimes = (changes: object) => {
    const ours = siteOf({ site: { session: changes } })
    return Array.from({ length: 2000 }, (_, i) => {
      const sessionId = `ses_${String(i).padStart(22, 'A')}` as const
      return accessLifetime({ identity: { ...start().identity, sessionId } }, ours, now)
    })
  }

  it('is up to a tenth less than the site says, and not the same for those who came together', () => {
    const all = lifetimes({})
    expect(Math.max(...all)).toBe(300)
    expect(Math.min(...all)).toBe(271)
    // Evenly enough that no second has much more than its part
    const busiest = Math.max(
      ...Array.from({ length: 30 }, (_, s) => all.filter((l) => l === 271 + s).length),
    )
    expect(busiest).toBeLessThan((2000 / 30) * 2)
  })

  it('is the same for the same session at the same time', () => {
    expect(lifetimes({})).toEqual(lifetimes({}))
  })

  it('is a minute at most where the session has yet to be bound', () => {
    expect(Math.max(...lifetimes({ device_bound: 'require' }))).toBe(60)
    expect(Math.max(...lifetimes({ device_bound: 'prefer' }))).toBe(300)
  })
})
