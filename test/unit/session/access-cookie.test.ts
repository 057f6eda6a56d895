import { expect, it } from 'vitest'

import { Seal } from '../../../src/seal.ts'
import { openAccessCookie, sealAccessCookie } from '../../../src/session/access-cookie.ts'
import type { Identity } from '../../../src/session/session.ts'
import { siteOf } from '../world/vars.ts'

const now = 1_800_000_000
const seal = await Seal.fromKeys([new Uint8Array(32).fill(1)])
const site = siteOf()
const identity: Identity = {
  sessionId: 'ses_AAAAAAAAAAAAAAAAAAAAAA',
  issuer: 'https://id.example.com',
  subject: 'ada',
  claims: { email: 'ada@example.com' },
  issuedAt: 1,
  providerSession: undefined,
  createdAt: now,
  authTime: now - 10,
  acr: 'silver',
  scope: 'openid orders',
}
const unreadable = (why: string) => ({
  ok: false,
  denial: { reason: 'access_cookie_unreadable', why },
})

it('opens to the identity that was sealed', async () => {
  const cookie = await sealAccessCookie(seal, site, identity, now + 300, now + 1800)
  expect(await openAccessCookie(seal, site, cookie, now)).toEqual({
    ok: true,
    value: { identity, claimsInObject: false, expiresAt: now + 300, refreshBy: now + 1800 },
  })
})

it('leaves claims behind that would make it larger than browsers keep', async () => {
  const large = { ...identity, claims: { groups: 'x'.repeat(4000) } }
  const cookie = await sealAccessCookie(seal, site, large, now + 300, now + 1800)
  expect(cookie.length).toBeLessThan(3500)
  const opened = await openAccessCookie(seal, site, cookie, now)
  expect(opened).toMatchObject({
    value: { claimsInObject: true, identity: { subject: 'ada', claims: {} } },
  })
})

it('is refused once it has run out, at another site and where it was forged', async () => {
  const cookie = await sealAccessCookie(seal, site, identity, now + 300, now + 1800)
  expect((await openAccessCookie(seal, site, cookie, now + 299)).ok).toBe(true)
  expect(await openAccessCookie(seal, site, cookie, now + 300)).toEqual(unreadable('expired'))
  const blog = siteOf({ site: { id: 'blog' } })
  expect(await openAccessCookie(seal, blog, cookie, now)).toEqual(unreadable('forged'))
  expect(await openAccessCookie(seal, site, 'nonsense', now)).toEqual(unreadable('malformed'))
})
