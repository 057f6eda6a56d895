import { describe, expect, it } from 'vitest'

import { Browser, deniedReason, eachTestHasItsWorld, world } from './world.ts'

eachTestHasItsWorld()

describe('login', () => {
  it('signs in with PKCE, state and nonce, and comes back to where it began', async () => {
    const browser = new Browser()
    const location = new URL(await browser.beginLogin('?return_to=/app%3Fx=1'))
    expect(location.origin + location.pathname).toBe('https://id.test/authorize')
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'shop',
      redirect_uri: 'https://shop.test/auth/callback',
      scope: 'openid profile offline_access',
      code_challenge_method: 'S256',
    })
    const response = await browser.navigate(
      `/auth/callback?${world.outside.main.authorize(location.href)}`,
    )
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe('https://shop.test/app?x=1')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const [access, refresh, login] = response.headers.getSetCookie()
    expect(login).toMatch(
      /^__Host-Http-sallyport-login-[\w-]{12}=; Max-Age=0; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    for (const cookie of [access, refresh]) {
      expect(cookie).toMatch(
        /^__Host-Http-sallyport-(?:access|refresh)=.+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      )
    }
    const session = await (await browser.send('/auth/session')).json()
    expect(session).toMatchObject({ sub: 'ada', iss: 'https://id.test', claims: { name: 'Ada' } })
    const token = world.outside.main.asked.find(({ path }) => path === '/token')
    expect(token?.headers.get('authorization')).toMatch(/^Basic /)
    expect(token?.form.get('code_verifier')).toMatch(/^[\w-]{43}$/)
  })

  it('pushes the authorization request when the provider offers it', async () => {
    const { main } = world.outside
    main.metadata = { pushed_authorization_request_endpoint: 'https://id.test/par' }
    main.instead.set('/par', () =>
      Response.json(
        { request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 },
        { status: 201 },
      ),
    )
    const location = new URL(await new Browser().beginLogin())
    expect([...location.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri'])
    const pushed = main.asked.find(({ path }) => path === '/par')
    expect(pushed?.form.get('state')).toBeTruthy()
  })

  it('lets ten tabs sign in at once and makes one session of them', async () => {
    const browser = new Browser()
    const places = await Promise.all(Array.from({ length: 10 }, () => browser.beginLogin()))
    const first = await browser.navigate(
      `/auth/callback?${world.outside.main.authorize(places[0] ?? '')}`,
    )
    expect(first.headers.getSetCookie()).toHaveLength(3)
    for (const place of places.slice(1)) {
      const response = await browser.navigate(
        `/auth/callback?${world.outside.main.authorize(place)}`,
      )
      expect(response.status).toBe(303)
    }
    expect([...browser.cookies.keys()].filter((name) => name.includes('login'))).toEqual([])
    expect(world.outside.main.count('/token')).toBe(1)
    expect((await browser.send('/auth/session')).status).toBe(200)
  })

  it('gives up the oldest of too many logins, so that the cookies stay small', async () => {
    const browser = new Browser()
    for (let i = 0; i < 20; i++) await browser.beginLogin()
    expect(browser.cookies.size).toBe(12)
    await browser.signIn()
  })

  it('continues when the callback is replayed by the browser that has signed in', async () => {
    const browser = new Browser()
    const parameters = world.outside.main.authorize(await browser.beginLogin('?return_to=/here'))
    await browser.navigate(`/auth/callback?${parameters}`)
    const again = await browser.navigate(`/auth/callback?${parameters}`)
    expect(again.headers.get('location')).toBe('https://shop.test/here')
    // Also when only the refresh cookie is left.
    browser.forgetAccess()
    expect((await browser.navigate(`/auth/callback?${parameters}`)).status).toBe(303)
    expect(world.outside.main.count('/token')).toBe(1)
  })

  it('refuses a callback replayed after sign-out: its cookie is gone, and its code is spent', async () => {
    const browser = new Browser()
    const parameters = world.outside.main.authorize(await browser.beginLogin())
    const hoarder = browser.copy()
    await browser.navigate(`/auth/callback?${parameters}`)
    await browser.post('/auth/logout')
    expect((await browser.navigate(`/auth/callback?${parameters}`)).status).toBe(400)
    expect(deniedReason()).toBe('login_cookie_missing')
    // Somebody who kept the cookie has a code that the provider takes once only.
    const again = await hoarder.navigate(`/auth/callback?${parameters}`)
    expect(again.status).toBe(400)
    expect(deniedReason()).toBe('code_refused')
    expect(await again.text()).toContain('/auth/login')
  })

  it('replaces the session of a browser that signs in again', async () => {
    const browser = new Browser()
    await browser.signIn()
    const before = browser.copy()
    await browser.signIn()
    expect((await browser.send('/auth/session')).status).toBe(200)
    before.forgetAccess()
    expect((await before.send('/auth/session')).status).toBe(401)
    expect(deniedReason()).toBe('session_unknown')
  })

  it('bounces a form_post through its own page, where the login cookie comes along', async () => {
    const { posting } = world.outside
    const browser = new Browser('admin.test')
    const parameters = posting.authorize(await browser.beginLogin())
    const type = 'application/x-www-form-urlencoded'
    // As it arrives from the provider's page: SameSite=Lax keeps the cookies at home.
    const body = parameters.toString()
    const headers = {
      'content-type': type,
      'content-length': String(body.length),
      'sec-fetch-mode': 'navigate',
    }
    const bounce = await new Browser('admin.test').send('/auth/callback', {
      method: 'POST',
      headers,
      body,
    })
    const html = await bounce.text()
    expect(bounce.status).toBe(200)
    expect(bounce.headers.get('content-security-policy')).toMatch(/script-src 'nonce-[\w-]+'/)
    expect(posting.count('/token')).toBe(0)
    // As our page posts it: the same fields and the marker.
    const fields = [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [
        name,
        value.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
      ],
    )
    const again = new URLSearchParams(fields).toString()
    const posted = await browser.send('/auth/callback', {
      method: 'POST',
      headers: { ...headers, 'content-length': String(again.length) },
      body: again,
    })
    expect(posted.status, JSON.stringify(world.log)).toBe(303)
    const session = (await (await browser.send('/auth/session')).json()) as { claims: unknown }
    expect(session.claims).toEqual({ name: 'Ada' })
    // A second bounce is a browser that has no cookie at all.
    const stranger = await new Browser('admin.test').send('/auth/callback', {
      method: 'POST',
      headers: { ...headers, 'content-length': String(again.length) },
      body: again,
    })
    expect(stranger.status).toBe(400)
    expect(deniedReason()).toBe('login_cookie_missing')
  })

  it('refuses a login whose return_to leaves the site, and one with malformed or repeated parameters', async () => {
    const browser = new Browser()
    const reasons = []
    for (const query of [
      '?return_to=//evil.example',
      '?return_to=/..//evil.example',
      '?return_to=https://evil.example/',
      '?prompt=everything',
      '?max_age=soon',
      '?acr_values=%00',
      '?return_to=/a&return_to=/b',
    ]) {
      expect((await browser.navigate(`/auth/login${query}`)).status).toBe(400)
      reasons.push(deniedReason())
    }
    expect(reasons).toEqual([
      ...Array.from({ length: 3 }, () => 'return_to_foreign'),
      ...Array.from({ length: 3 }, () => 'parameter_malformed'),
      'parameter_duplicated',
    ])
  })

  it('passes prompt, max_age and acr_values on, and nothing else', async () => {
    const location = new URL(
      await new Browser().beginLogin('?prompt=login&max_age=60&acr_values=a%20b&scope=evil'),
    )
    expect(location.searchParams.get('prompt')).toBe('login')
    expect(location.searchParams.get('max_age')).toBe('60')
    expect(location.searchParams.get('acr_values')).toBe('a b')
    expect(location.searchParams.get('scope')).toBe('openid profile offline_access')
  })
})
