import { env } from 'cloudflare:workers'
import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'

import type { MarkTarget } from '../../src/revocation/mark.ts'
import { Denylist } from '../../src/platform/denylist.ts'
import type { Environment } from '../../src/platform/environment.ts'
import { Browser, deniedReason, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

const hour = { edgeFor: 3600, keepFor: 7200, reason: 'test', by: 'test' }

/** Marks something of the shop, from an isolate of its own. */
async function mark(target: MarkTarget, before: 'now' | number = 'now', site = 'shop') {
  await denylist().add([{ site, target, before, ...hour }])
}

/** The denylist of another isolate than any browser's. */
function denylist(): Denylist {
  return new Denylist({ ...env } as unknown as Environment)
}

/** The status, or the reason that the log has. */
async function call(client: Browser, token?: string, path = '/tokens/x'): Promise<unknown> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await client.send(path, { headers })
  if (response.status === 200) return 200
  return (await problem(response)).reason
}

const subject: MarkTarget = { kind: 'subject', issuer: 'https://as.test', id: 'ada' }

describe('a mark', () => {
  it.each<[string, MarkTarget, MarkTarget]>([
    ['its subject', subject, { ...subject, id: 'eve' }],
    [
      'itself',
      { kind: 'token', issuer: 'https://as.test', id: 't1' },
      { kind: 'token', issuer: 'https://as.test', id: 't2' },
    ],
    [
      'its client',
      { kind: 'client', issuer: 'https://as.test', id: 'app' },
      { kind: 'client', issuer: 'https://partner.test', id: 'app' },
    ],
    [
      'the key that signed it',
      { kind: 'signing_key', issuer: 'https://as.test', id: 'first' },
      { kind: 'signing_key', issuer: 'https://as.test', id: 'second' },
    ],
    [
      'the provider’s session',
      { kind: 'provider_session', issuer: 'https://as.test', id: 's1' },
      { kind: 'provider_session', issuer: 'https://as.test', id: 's2' },
    ],
  ])('ends a token by %s, and no other', async (_, target, other) => {
    const token = await world.outside.as.token({ jti: 't1', sid: 's1' })
    await mark(other)
    expect(await call(new Browser(), token)).toBe(200)
    await mark(target)
    expect(await call(new Browser(), token)).toBe('token_revoked')
    expect(deniedReason()).toBe('token_revoked')
  })

  it('ends a token by the key that signed it, though the token does not name the key', async () => {
    const token = await world.outside.as.token({}, { kid: undefined })
    expect(await call(new Browser(), token)).toBe(200)
    await mark({ kind: 'signing_key', issuer: 'https://as.test', id: 'first' }, 0xffff_ffff)
    expect(await call(new Browser(), token)).toBe('token_revoked')
  })

  it.each<[string, MarkTarget]>([
    ['its subject', { kind: 'subject', issuer: 'https://id.test', id: 'ada' }],
    ['the provider’s session', { kind: 'provider_session', issuer: 'https://id.test', id: 'p1' }],
    ['our client', { kind: 'client', issuer: 'https://id.test', id: 'shop' }],
    ['its site', { kind: 'site' }],
  ])('ends a session by %s, at the edge and where it would be renewed', async (_, target) => {
    world.outside.main.claims = { sid: 'p1' }
    const browser = new Browser()
    await browser.signIn()
    expect(await call(browser, undefined, '/api/me')).toBe(200)
    await mark(target)
    const elsewhere = browser.copy()
    expect(await call(elsewhere, undefined, '/api/me')).toBe('session_revoked')
    elsewhere.forgetAccess()
    expect(await call(elsewhere, undefined, '/api/me')).toBe('session_revoked')
    // The renewal found it out and ended the session: it does not come back with the mark's removal.
    await denylist().remove('shop', target)
    expect(await call(elsewhere, undefined, '/api/me')).toBe('session_unknown')
  })

  it('ends what was issued before it, and signing in again works at once', async () => {
    const browser = new Browser()
    await browser.signIn()
    await mark({ kind: 'subject', issuer: 'https://id.test', id: 'ada' })
    expect(await call(browser.copy(), undefined, '/api/me')).toBe('session_revoked')
    const again = new Browser()
    await again.signIn()
    expect(await call(again, undefined, '/api/me')).toBe(200)
    expect(await call(browser.copy(), undefined, '/api/me')).toBe('session_revoked')
    pass(301)
    expect(await call(again, undefined, '/api/me')).toBe(200)
  })

  it('of a token’s subject leaves tokens that are issued later', async () => {
    await mark(subject)
    const now = Math.floor(Date.now() / 1000)
    expect(await call(new Browser(), await world.outside.as.token())).toBe('token_revoked')
    pass(10)
    const later = await world.outside.as.token({ iat: now + 6 })
    expect(await call(new Browser(), later)).toBe(200)
  })

  it('counts against what does not say when it was issued', async () => {
    const { partner } = world.outside
    const token = await partner.token({ iat: undefined }, { typ: 'JWT' })
    expect(await call(new Browser(), token)).toBe(200)
    await mark({ kind: 'subject', issuer: 'https://partner.test', id: 'ada' }, 1000)
    expect(await call(new Browser(), token)).toBe('token_revoked')
    const dated = await partner.token({}, { typ: 'JWT' })
    expect(await call(new Browser(), dated)).toBe(200)
  })

  it('makes a session nobody on a route for everybody, and shuts it out of the others', async () => {
    const browser = new Browser()
    await browser.signIn()
    await browser.send('/mixed')
    expect(world.outside.last.headers.get('authorization')).toMatch(/^Bearer /)
    await mark({ kind: 'subject', issuer: 'https://id.test', id: 'ada' })
    const elsewhere = browser.copy()
    expect((await elsewhere.send('/mixed')).status).toBe(200)
    expect(world.outside.last.headers.get('authorization')).toBeNull()
    expect(await call(elsewhere, undefined, '/api/me')).toBe('session_revoked')
  })

  it('that holds for good lets nobody sign in', async () => {
    await mark({ kind: 'subject', issuer: 'https://id.test', id: 'ada' }, 0xffff_ffff)
    const browser = new Browser()
    const parameters = world.outside.main.authorize(await browser.beginLogin())
    const response = await browser.send(`/auth/callback?${parameters}`)
    expect(await problem(response)).toEqual({ status: 401, reason: 'session_revoked' })
  })

  it('of one site is none of another’s', async () => {
    const token = await world.outside.as.token({ sub: 'app' })
    await mark({ ...subject, id: 'app' }, 'now', 'machines')
    expect(await call(new Browser(), token)).toBe(200)
    expect(await call(new Browser('machines.test'), token, '/x')).toBe('token_revoked')
  })

  it('that is removed counts no more', async () => {
    const token = await world.outside.as.token()
    const client = new Browser()
    await mark(subject)
    expect(await call(client, token)).toBe('token_revoked')
    expect(await denylist().remove('shop', subject)).toBe(true)
    expect(await denylist().remove('shop', subject)).toBe(false)
    expect(await call(new Browser(), token)).toBe(200)
    pass(11)
    expect(await call(client, token)).toBe(200)
  })

  it('runs out when nothing that it ends can be alive', async () => {
    await denylist().add([{ site: 'shop', target: subject, before: 'now', ...hour, keepFor: 3600 }])
    expect(await denylist().list('shop')).toHaveLength(1)
    pass(3700)
    expect(await denylist().list('shop')).toEqual([])
    const { DENYLIST_OBJECTS } = env as unknown as Environment
    const ran = await Promise.all(
      ['marks/1/0/2', 'marks/1/1/2'].map((name) =>
        runDurableObjectAlarm(DENYLIST_OBJECTS.getByName(name)),
      ),
    )
    expect(ran.filter(Boolean)).toHaveLength(1)
  })
})

/** An isolate whose authority can be cut off. */
function withCut(): { client: Browser; cut: { off: boolean; asked: number } } {
  const cut = { off: false, asked: 0 }
  const { DENYLIST_OBJECTS } = env as unknown as Environment
  const names = {
    getByName(name: string) {
      cut.asked += 1
      if (cut.off) throw new Error('cut off')
      return DENYLIST_OBJECTS.getByName(name)
    },
  }
  return { client: new Browser('shop.test', { DENYLIST_OBJECTS: names }), cut }
}

describe('an isolate', () => {
  it('decides on what it knows for the bound and no longer', async () => {
    const token = await world.outside.as.token()
    const { client, cut } = withCut()
    expect(await call(client, token)).toBe(200)
    cut.off = true
    pass(9)
    expect(await call(client, token)).toBe(200)
    pass(2)
    expect(await call(client, token)).toBe('revocation_unknown')
    cut.off = false
    // It tries again soon, not at once: nobody hammers an authority that is down.
    pass(2)
    expect(await call(client, token)).toBe(200)
  })

  it('answers 503, never 401, where it cannot tell; a route may be open then', async () => {
    const token = await world.outside.as.token()
    const { client, cut } = withCut()
    cut.off = true
    const response = await client.send('/tokens/x', {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.headers.get('retry-after')).toBe('10')
    expect(await problem(response)).toEqual({ status: 503, reason: 'revocation_unknown' })
    expect(await call(client, token, '/open/x')).toBe(200)
    expect(await call(client, token, '/strict/x')).toBe('revocation_unknown')
  })

  it('sees a mark within the bound, however long it lives', async () => {
    const token = await world.outside.as.token()
    const client = new Browser()
    expect(await call(client, token)).toBe(200)
    await mark(subject)
    // This isolate was not told: it may still let it pass, and not past the bound.
    pass(11)
    expect(await call(client, token)).toBe('token_revoked')
  })

  it('renews what it knows behind the answers, before the bound is reached', async () => {
    const token = await world.outside.as.token()
    const { client, cut } = withCut()
    expect(await call(client, token)).toBe(200)
    await mark(subject)
    pass(6)
    const before = cut.asked
    expect(await call(client, token)).toBe(200)
    await vi.waitFor(() => expect(cut.asked).toBeGreaterThan(before))
    await vi.waitFor(async () => expect(await call(client, token)).toBe('token_revoked'))
  })

  it('asks nobody on a warm request', async () => {
    const token = await world.outside.as.token()
    const { client, cut } = withCut()
    expect(await call(client, token)).toBe(200)
    const { asked } = cut
    for (let i = 0; i < 10; i++) expect(await call(client, token)).toBe(200)
    expect(cut.asked).toBe(asked)
  })

  it('asks the authority every time where the route is strict', async () => {
    const token = await world.outside.as.token()
    const client = new Browser()
    expect(await call(client, token, '/strict/x')).toBe(200)
    await mark(subject)
    expect(await call(client, token, '/strict/x')).toBe('token_revoked')
    await denylist().remove('shop', subject)
    expect(await call(client, token, '/strict/x')).toBe(200)
  })

  it('that revokes sees it at once', async () => {
    const ours = denylist()
    const policy = {
      bound: 10,
      whenUnsure: 'closed',
      strict: false,
      watchConnections: true,
    } as const
    const target: MarkTarget = { kind: 'session', id: 'ses_1' }
    const what = { names: [JSON.stringify(['shop', 'session', 'ses_1'])], issuedAt: 1 }
    expect(await ours.isRevoked(what, policy)).toBe(false)
    await ours.add([{ site: 'shop', target, before: 'now', ...hour }])
    expect(await ours.isRevoked(what, policy)).toBe(true)
  })

  it('is not deceived by a clock that is set back', async () => {
    const token = await world.outside.as.token()
    const { client, cut } = withCut()
    expect(await call(client, token)).toBe(200)
    cut.off = true
    pass(-2)
    expect(await call(client, token)).toBe('revocation_unknown')
  })
})
