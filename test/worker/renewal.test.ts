import { describe, expect, it } from 'vitest'

import { Browser, deniedReason, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

async function signedInWithoutAccess(): Promise<Browser> {
  const browser = new Browser()
  await browser.signIn()
  pass(301)
  browser.forgetAccess()
  return browser
}

describe('renewal at the provider', () => {
  it('ends the session when the provider has revoked the grant', async () => {
    const honest = await signedInWithoutAccess()
    expect((await honest.send('/api/me')).status).toBe(200)
    const browser = await signedInWithoutAccess()
    world.outside.main.instead.set('/token', () =>
      Response.json({ error: 'invalid_grant' }, { status: 400 }),
    )
    const response = await browser.send('/api/me')
    // The loser of a race clears no cookie: a newer login's may be there already.
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await problem(response)).toEqual({ status: 401, reason: 'grant_revoked' })
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 401,
      reason: 'session_unknown',
    })
  })

  it('ends the session when the provider answers for somebody else', async () => {
    const browser = await signedInWithoutAccess()
    world.outside.main.claims = { sub: 'eve' }
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 401,
      reason: 'subject_changed',
    })
  })

  it('keeps people signed in while the provider is down and its token still holds', async () => {
    const browser = await signedInWithoutAccess()
    world.outside.main.instead.set('/token', () => new Response('down', { status: 503 }))
    expect((await browser.send('/api/me')).status).toBe(200)
    expect(world.log.some(({ event }) => event === 'session.refresh_failed')).toBe(true)
    // The provider's access token has run out too: nobody can say whether the person may still come in.
    pass(400)
    browser.forgetAccess()
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 503,
      reason: 'provider_failed',
    })
    // Nothing is lost: the provider comes back, and so does the session.
    world.outside.main.instead.clear()
    expect((await browser.send('/api/me')).status).toBe(200)
  })

  it('tolerates a refresh without an ID token and without a new refresh token', async () => {
    const browser = await signedInWithoutAccess()
    world.outside.main.token = { id_token: undefined, refresh_token: undefined }
    expect((await browser.send('/api/me')).status).toBe(200)
    pass(301)
    browser.forgetAccess()
    expect((await browser.send('/api/me')).status).toBe(200)
    const [, first, second] = world.outside.main.asked.filter(({ path }) => path === '/token')
    expect(second?.form.get('refresh_token')).toBe(first?.form.get('refresh_token'))
  })

  it('sends the refresh token that the provider gave last', async () => {
    const browser = await signedInWithoutAccess()
    await browser.send('/api/me')
    pass(301)
    browser.forgetAccess()
    await browser.send('/api/me')
    const sent = world.outside.main.asked
      .map(({ form }) => form.get('refresh_token'))
      .filter(Boolean)
    expect(new Set(sent).size).toBe(2)
  })

  it('does not ask the provider for a session that has no refresh token', async () => {
    world.outside.main.token = { refresh_token: undefined }
    const browser = await signedInWithoutAccess()
    expect((await browser.send('/api/me')).status).toBe(200)
    expect(world.outside.main.count('/token')).toBe(1)
  })

  it('costs nothing for a request that is refused before', async () => {
    const browser = await signedInWithoutAccess()
    const foreign = await browser.send('/api/me', {
      method: 'POST',
      headers: { origin: 'https://evil.test' },
    })
    expect(foreign.status).toBe(403)
    expect(deniedReason()).toBe('cross_site')
    expect(world.outside.main.count('/token')).toBe(1)
    expect(world.outside.received).toEqual([])
  })
})

describe('logout', () => {
  it('ends the session, clears the cookies, revokes the refresh token and names the provider’s logout', async () => {
    const browser = new Browser()
    await browser.signIn()
    const copy = browser.copy()
    const response = await browser.post('/auth/logout')
    expect(response.status).toBe(200)
    const { logout_url } = (await response.json()) as { logout_url: string }
    const url = new URL(logout_url)
    expect(url.origin + url.pathname).toBe('https://id.test/logout')
    expect(url.searchParams.get('id_token_hint')).toMatch(/^eyJ/)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe('https://shop.test/')
    for (const cookie of response.headers.getSetCookie()) {
      expect(cookie).toMatch(
        /^__Host-Http-sallyport-(?:access|refresh)=; Max-Age=0; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      )
    }
    expect(browser.cookies.size).toBe(0)
    await expect.poll(() => world.outside.main.count('/revoke')).toBe(1)
    copy.forgetAccess()
    expect((await copy.send('/api/me')).status).toBe(401)
  })

  it('redirects a form', async () => {
    const browser = new Browser()
    await browser.signIn()
    const response = await browser.send('/auth/logout', {
      method: 'POST',
      headers: {
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      },
    })
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toMatch(/^https:\/\/id\.test\/logout\?/)
  })

  it('works when only the refresh cookie is left, and when nothing is', async () => {
    const browser = await signedInWithoutAccess()
    const copy = browser.copy()
    expect((await browser.post('/auth/logout')).status).toBe(200)
    expect((await copy.send('/api/me')).status).toBe(401)
    const nobody = await new Browser().post('/auth/logout')
    expect(await nobody.json()).toEqual({ logout_url: 'https://shop.test/' })
  })

  it('works while the provider is down', async () => {
    const browser = new Browser()
    await browser.signIn()
    world.outside.main.instead.set('/revoke', () => new Response('down', { status: 503 }))
    expect((await browser.post('/auth/logout')).status).toBe(200)
    await expect
      .poll(() => world.log.some(({ event }) => event === 'session.revocation_failed'))
      .toBe(true)
  })

  it('refuses a cross-site post, a GET, and a post without evidence', async () => {
    const browser = new Browser()
    await browser.signIn()
    const attempts = [
      { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } },
      { method: 'POST', headers: { 'sec-fetch-site': 'same-site' } },
      { method: 'POST', headers: { 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' } },
      { method: 'POST', headers: { origin: 'null' } },
      { method: 'POST' },
    ]
    for (const attempt of attempts) {
      expect(await problem(await browser.send('/auth/logout', attempt))).toEqual({
        status: 403,
        reason: 'cross_site',
      })
    }
    const get = await browser.send('/auth/logout')
    expect(get.headers.get('allow')).toBe('POST')
    expect(await problem(get)).toEqual({ status: 405, reason: 'method_not_allowed' })
    expect((await browser.send('/auth/session')).status).toBe(200)
    expect(
      (await browser.send('/auth/logout', { method: 'POST', headers: { 'x-csrf': '1' } })).status,
    ).toBe(200)
  })
})
