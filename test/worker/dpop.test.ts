/** Tokens that the provider binds to a key of ours, and origins that want it proven (RFC 9449). */
import { abortAllDurableObjects } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { makeProofKey } from '../../src/oidc/dpop.ts'
import { sentToken } from '../../src/oidc/origin-proof.ts'
import { ProvenOrigin } from './proof-checker.ts'
import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

let origin: ProvenOrigin
const provider = () => world.outside.binding

beforeEach(() => {
  origin = new ProvenOrigin((token) => provider().bound.get(token))
  world.outside.origin = (request) => origin.answer(request)
})

async function signedIn(): Promise<Browser> {
  const browser = new Browser('proven.test')
  await browser.signIn(provider())
  return browser
}

const sentBy = () => {
  const { headers } = world.outside.last
  return { authorization: headers.get('authorization'), proof: headers.get('dpop') }
}

const faults = () => world.log.findLast(({ event }) => event === 'request.failed')

/** Refresh tokens that the provider received. */
const refreshes = () =>
  provider().asked.flatMap(({ path, form }) => {
    const token = path === '/token' ? form.get('refresh_token') : null
    return token === null ? [] : [token]
  })

describe('a session whose tokens are bound to a key of ours', () => {
  it('gets them with proofs, for which the login named the key', async () => {
    const browser = new Browser('proven.test')
    const location = await browser.beginLogin()
    const jkt = new URL(location).searchParams.get('dpop_jkt')
    const response = await browser.navigate(
      `/auth/callback?${String(provider().authorize(location))}`,
    )
    expect(response.status, JSON.stringify(world.log)).toBe(303)
    expect(new Set(provider().bound.values())).toEqual(new Set([jkt]))
    expect(location).not.toContain(JSON.stringify(jkt))
  })

  it('is another key than any other session’s', async () => {
    await signedIn()
    await signedIn()
    expect(new Set(provider().bound.values()).size).toBe(2)
  })

  it('is presented to the origin with a proof for each request', async () => {
    const browser = await signedIn()
    for (const path of ['/token/x?q=1', '/token/y']) {
      const response = await browser.send(path)
      expect(response.status, JSON.stringify([origin.refused, world.log.at(-1)])).toBe(200)
      expect(sentBy().authorization).toMatch(/^DPoP at-\d+$/)
      expect(response.headers.get('dpop-nonce')).toBeNull()
    }
    const posted = await browser.send('/token/z', {
      method: 'POST',
      body: 'x'.repeat(100),
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(posted.status).toBe(200)
    expect(world.outside.last.body).toBe('x'.repeat(100))
    expect(origin.refused).toEqual([])
  })

  it('keeps its key when it is refreshed, and when its object was gone in between', async () => {
    const browser = await signedIn()
    const [jkt] = provider().bound.values()
    for (let round = 0; round < 2; round++) {
      pass(601)
      await abortAllDurableObjects()
      browser.forgetAccess()
      expect((await browser.send('/token/x')).status).toBe(200)
    }
    expect(refreshes()).toHaveLength(2)
    expect(new Set(refreshes()).size).toBe(2)
    expect(new Set(provider().bound.values())).toEqual(new Set([jkt]))
    expect(origin.refused).toEqual([])
  })

  it('is never lent the proofs, or the words, of a client', async () => {
    const browser = await signedIn()
    await browser.send('/token/x', { headers: { dpop: 'forged' } })
    expect(sentBy().proof).toMatch(/^eyJ/)
    expect(origin.refused).toEqual([])
    // Nor where none of ours goes along
    world.outside.origin = () => Response.json({})
    await new Browser('shop.test').send('/public/x', { headers: { dpop: 'forged' } })
    expect(sentBy().proof).toBeNull()
  })

  it('is signed for again where the request is sent again', async () => {
    const browser = await signedIn()
    let failed = false
    world.outside.origin = async (request) => {
      const response = await origin.answer(request)
      if (failed) return response
      failed = true
      return new Response(null, { status: 503 })
    }
    expect((await browser.send('/token/x')).status).toBe(200)
    expect(world.outside.received).toHaveLength(2)
    expect(origin.refused).toEqual([])
  })
})

describe('a nonce of the provider', () => {
  beforeEach(() => {
    if (provider().proofs !== undefined) provider().proofs!.nonce = 'first!'
  })

  it('is put in where it is asked for: the refresh token is spent once', async () => {
    // Userinfo wants the nonce too
    const browser = await signedIn()
    const before = provider().asked.length
    pass(601)
    browser.forgetAccess()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => browser.copy().send(`/token/${String(i)}`)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    // Refused at the door, and then taken: once, for all of them. attack: refresh-token-sent-again
    expect(
      provider()
        .asked.slice(before)
        .filter(({ path }) => path === '/token'),
    ).toHaveLength(2)
    expect(new Set(refreshes()).size).toBe(1)
    expect([...provider().spent]).toEqual([refreshes()[0]])
  })

  it('that is never right is a fault, and costs no token', async () => {
    const browser = await signedIn()
    pass(601)
    browser.forgetAccess()
    provider().instead.set('/token', () =>
      Response.json(
        { error: 'use_dpop_nonce' },
        { status: 400, headers: { 'dpop-nonce': 'again' } },
      ),
    )
    expect(await problem(await browser.send('/token/x'))).toEqual({
      status: 503,
      reason: 'provider_failed',
    })
    expect(refreshes()).toHaveLength(2)
    provider().instead.clear()
    expect((await browser.send('/token/x')).status).toBe(200)
  })

  it('leaves a crash what it was: once more with the same token and key', async () => {
    const browser = await signedIn()
    pass(601)
    browser.forgetAccess()
    provider().instead.set('/token', () => scheduler.wait(60_000) as never)
    const renewing = browser.send('/token/x').catch(() => undefined)
    await vi.waitFor(() => expect(refreshes()).toHaveLength(1))
    await abortAllDurableObjects()
    await renewing
    provider().instead.clear()
    expect((await browser.send('/token/x')).status).toBe(200)
    expect(new Set(refreshes()).size).toBe(1)
    expect([...provider().spent]).toHaveLength(1)
  })
})

describe('a nonce of the origin', () => {
  it('is put in, whatever the method, and remembered for the next request', async () => {
    const browser = await signedIn()
    origin.proofs.nonce = 'one'
    const headers = { 'sec-fetch-site': 'same-origin', 'content-length': '5' }
    const sent = { method: 'POST', body: 'hello', headers }
    expect((await browser.send('/token/x', sent)).status).toBe(200)
    expect(world.outside.received.map(({ body }) => body)).toEqual(['hello', 'hello'])
    expect((await browser.send('/token/y')).status).toBe(200)
    expect(world.outside.received).toHaveLength(3)
    origin.proofs.nonce = 'two'
    expect((await browser.send('/token/z')).status).toBe(200)
    expect(world.outside.received).toHaveLength(5)
    expect(origin.refused).toEqual(['nonce', 'nonce'])
  })

  it('that comes for a body that has streamed by is for the next request', async () => {
    const browser = await signedIn()
    origin.proofs.nonce = 'one'
    const headers = { 'sec-fetch-site': 'same-origin', 'content-length': '70000' }
    const sent = { method: 'POST', body: 'x'.repeat(70_000), headers }
    const response = await browser.send('/token/x', sent)
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(await problem(response)).toEqual({ status: 503, reason: 'upstream_proof_refused' })
    expect((await browser.send('/token/x', sent)).status).toBe(200)
  })

  it('that is never right, or none at all, is a fault of the origin', async () => {
    const browser = await signedIn()
    for (const [error, nonce] of [
      ['use_dpop_nonce', 'again'],
      ['use_dpop_nonce', undefined],
      ['use_dpop_nonce', 'not a nonce'],
      ['invalid_dpop_proof', 'x'],
    ] as const) {
      world.outside.received.length = 0
      world.outside.origin = () =>
        new Response('secret text', {
          status: 401,
          headers: {
            'www-authenticate': `DPoP error="${error}"`,
            ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
          },
        })
      expect(await problem(await browser.send('/token/x'))).toEqual({
        status: 503,
        reason: 'upstream_proof_refused',
      })
      expect(world.outside.received).toHaveLength(nonce === 'again' ? 2 : 1)
    }
    // Any other refusal is the origin's own word
    world.outside.origin = () =>
      new Response(null, {
        status: 401,
        headers: { 'www-authenticate': 'DPoP error="invalid_token"' },
      })
    expect((await browser.send('/token/x')).status).toBe(401)
  })
})

describe('tokens for origins', () => {
  it('in exchange are bound to the session’s key, or to one of their own for a bearer', async () => {
    const browser = await signedIn()
    const [jkt] = provider().bound.values()
    expect((await browser.send('/orders/1')).status, JSON.stringify(world.log.at(-1))).toBe(200)
    const { authorization } = sentBy()
    expect(authorization).toMatch(/^DPoP /)
    expect(provider().bound.get(authorization!.slice(5))).toBe(jkt)

    const token = await world.outside.as.token()
    const headers = { authorization: `Bearer ${token}` }
    const bearer = new Browser('proven.test')
    expect((await bearer.send('/orders/1', { headers })).status).toBe(200)
    expect((await bearer.send('/orders/2', { headers })).status).toBe(200)
    expect(provider().bound.get(sentBy().authorization!.slice(5))).not.toBe(jkt)
    expect(origin.refused).toEqual([])
  })

  it('of the site itself are got once, and bound too', async () => {
    const browser = await signedIn()
    for (const path of ['/own/1', '/own/2'])
      expect((await browser.send(path)).status, JSON.stringify(world.log.at(-1))).toBe(200)
    expect(sentBy().authorization).toMatch(/^DPoP /)
    expect(provider().count('/token', 'client_credentials')).toBe(1)
    expect(origin.refused).toEqual([])
  })

  it('that cannot check proofs are others, which are bearer tokens for them alone', async () => {
    const browser = await signedIn()
    expect((await browser.send('/old/1')).status, JSON.stringify(world.log.at(-1))).toBe(200)
    const old = sentBy()
    expect(old.authorization).toMatch(/^Bearer /)
    expect(old.proof).toBeNull()
    expect(provider().bound.has(old.authorization!.slice(7))).toBe(false)
    // For the same audience, and still not the same token. attack: exchanged-token-mix-up
    expect((await browser.send('/orders/1')).status).toBe(200)
    expect(sentBy().authorization).toMatch(/^DPoP /)
    expect(origin.refused).toEqual([])
  })
})

describe('an attack', () => {
  it('with a stolen token, as a bearer or with a proof of another key, is refused by the origin', async () => {
    const browser = await signedIn()
    expect((await browser.send('/token/x')).status).toBe(200)
    const honest = world.outside.last
    const token = honest.headers.get('authorization')!.slice(5)
    const replay = (headers: Record<string, string>, url = honest.url) =>
      origin.answer(new Request(url, { headers }))
    const dpop = honest.headers.get('dpop')!
    await replay({ authorization: `Bearer ${token}` })
    await replay({ authorization: `DPoP ${token}`, dpop })
    const { prove } = await sentToken({ token, expiresAt: 0, proofKey: await makeProofKey() })
    const now = Math.floor(Date.now() / 1000)
    const url = new URL(honest.url)
    const other = await prove!({ method: 'GET', url, nonce: undefined, id: 'other', now })
    await replay({ authorization: `DPoP ${token}`, dpop: other })
    // A proof of ours for one token goes with no other. attack: proof-of-another
    const second = await signedIn()
    await second.send('/token/x')
    await replay({
      authorization: `DPoP ${token}`,
      dpop: world.outside.last.headers.get('dpop')!,
    })
    expect(origin.refused.slice(0, 3)).toEqual(['invalid_token', 'jti', 'another key'])
    expect(origin.refused[3]).toMatch(/^(?:jti|ath)$/)
  })

  it('by which the provider gives a bearer token instead is noticed, at every grant', async () => {
    // attack: dpop-downgrade
    const browser = await signedIn()
    expect((await browser.send('/token/x')).status).toBe(200)
    provider().token = provider().originToken = { token_type: 'Bearer' }
    const refused = { status: 503, reason: 'provider_misconfigured' }
    for (const path of ['/orders/1', '/own/1']) {
      expect(await problem(await browser.send(path))).toEqual(refused)
      expect(JSON.stringify(faults())).toContain('gives a bearer token')
    }
    pass(601)
    browser.forgetAccess()
    expect(await problem(await browser.send('/token/x'))).toEqual(refused)
    const other = new Browser('proven.test')
    const parameters = provider().authorize(await other.beginLogin())
    const response = await other.send(`/auth/callback?${String(parameters)}`)
    expect(await problem(response)).toEqual(refused)
    expect(other.cookies.size).toBeLessThan(2)
    // What it gave went nowhere
    expect(world.outside.received).toHaveLength(1)
  })

  it('by which a provider binds tokens that nobody asked it to bind is noticed too', async () => {
    world.outside.main.token = { token_type: 'DPoP' }
    const browser = new Browser('origins.test')
    const parameters = world.outside.main.authorize(await browser.beginLogin())
    expect(await problem(await browser.send(`/auth/callback?${String(parameters)}`))).toEqual({
      status: 503,
      reason: 'provider_misconfigured',
    })
    expect(JSON.stringify(faults())).toContain('bound to a key')
    // Nor where a bearer token was asked for an origin that cannot check proofs
    const bound = await signedIn()
    provider().originToken = { token_type: 'DPoP' }
    expect(await problem(await bound.send('/old/1'))).toMatchObject({
      reason: 'provider_misconfigured',
    })
    provider().originToken = {}
    expect((await bound.send('/old/1')).status).toBe(200)
  })
})
