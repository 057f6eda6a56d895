import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

describe('gateway', () => {
  it('sends a navigation without a session to sign in, and brings it back', async () => {
    const browser = new Browser()
    const response = await browser.navigate('/api/page?x=1&y=a%20b')
    expect(response.status).toBe(303)
    const location = response.headers.get('location') ?? ''
    expect(location).toBe(
      'https://shop.test/auth/login?return_to=%2Fapi%2Fpage%3Fx%3D1%26y%3Da%2520b',
    )
    const back = await browser.signIn(world.outside.main, new URL(location).search)
    expect(back.headers.get('location')).toBe('https://shop.test/api/page?x=1&y=a%20b')
  })

  it('answers a fetch without a session with 401 and a problem', async () => {
    const response = await new Browser().send('/api/me')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('sallyport-response')).toBe('true')
    expect(await problem(response)).toEqual({ status: 401, reason: 'session_missing' })
  })

  it('forwards the judged URL with an assertion that the origin can verify', async () => {
    const browser = new Browser()
    await browser.signIn()
    await browser.send('/api/me?x=1')
    const { url, headers } = world.outside.last
    expect(url).toBe('https://api.test/v1/api/me?x=1')
    const published = await (await browser.send('/.well-known/jwks.json')).json()
    const [, assertion = ''] = (headers.get('authorization') ?? '').split(' ')
    const { payload, protectedHeader } = await jwtVerify(
      assertion,
      createLocalJWKSet(published as JSONWebKeySet),
      {
        issuer: 'https://shop.test',
        audience: 'shop-api',
        typ: 'sallyport+jwt',
        algorithms: ['ES256'],
      },
    )
    expect(protectedHeader.kid).toBeTruthy()
    expect(payload).toMatchObject({ sub: 'ada', idp: 'https://id.test', name: 'Ada' })
    expect(payload['sid']).toMatch(/^ses_/)
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120)
    // The next request of the session carries the same one: signing costs once.
    await browser.send('/api/other')
    expect(world.outside.last.headers.get('authorization')).toBe(headers.get('authorization'))
    // Another audience gets its own, in the header that the route says.
    await browser.send('/api/orders')
    expect(world.outside.last.headers.get('authorization')).toBeNull()
    expect(world.outside.last.headers.get('sallyport-assertion')).toBeTruthy()
  })

  it('lets nothing of a client pass for our word', async () => {
    const browser = new Browser()
    await browser.signIn()
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const path of ['/api/me', '/public/x', '/mixed']) {
      await browser.send(path, {
        headers: {
          cookie: `${cookie}; theme=dark`,
          authorization: 'Bearer forged',
          'x-forwarded-for': '6.6.6.6',
          'x-forwarded-user': 'eve',
          x_forwarded_user: 'eve',
          'X-Auth-Request-Email': 'eve',
          'sallyport-assertion': 'forged',
          sallyport_subject: 'eve',
          'x-tenant': 'acme',
          x_tenant: 'acme',
          connection: 'close, x-hop',
          'x-hop': '1',
          'x-harmless': 'yes',
          'cf-connecting-ip': '192.0.2.7',
        },
      })
      const sent = Object.fromEntries(world.outside.last.headers)
      expect(JSON.stringify(sent), path).not.toMatch(/forged|eve|6\.6\.6\.6|acme|x-hop|__Host/)
      expect(sent, path).toMatchObject({
        cookie: 'theme=dark',
        'x-harmless': 'yes',
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-host': 'shop.test',
        'x-forwarded-proto': 'https',
      })
    }
  })

  it('keeps an origin from setting our cookies and headers', async () => {
    const browser = new Browser()
    await browser.signIn()
    world.outside.origin = () => {
      const headers = new Headers({ 'sallyport-response': 'true', 'x-own': '1' })
      headers.append('set-cookie', '__Host-Http-sallyport-access=stolen; Path=/; Secure; HttpOnly')
      headers.append('set-cookie', 'cart=7; Path=/')
      return new Response('hello', { headers })
    }
    const response = await browser.send('/api/me')
    expect(response.headers.getSetCookie()).toEqual(['cart=7; Path=/'])
    expect(response.headers.get('sallyport-response')).toBeNull()
    expect(response.headers.get('x-own')).toBe('1')
  })

  it('passes redirects on and follows none', async () => {
    const browser = new Browser()
    await browser.signIn()
    world.outside.origin = () =>
      new Response(null, { status: 302, headers: { location: 'https://evil.test/' } })
    const response = await browser.send('/api/me')
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('https://evil.test/')
    expect(world.outside.received).toHaveLength(1)
  })

  it('streams bodies both ways', async () => {
    const browser = new Browser()
    await browser.signIn()
    world.outside.origin = (request) =>
      new Response(request.body, { headers: { 'content-type': 'text/plain' } })
    const response = await browser.post('/api/echo', 'a body')
    expect(await response.text()).toBe('a body')
    expect(world.outside.last).toMatchObject({ method: 'POST', body: 'a body' })
  })

  it('says which methods a route has, and does not fall through to a wider one', async () => {
    const browser = new Browser()
    await browser.signIn()
    const response = await browser.send('/api/orders', {
      method: 'DELETE',
      headers: { 'x-csrf': '1' },
    })
    expect(response.headers.get('allow')).toBe('GET, POST')
    expect(await problem(response)).toEqual({ status: 405, reason: 'method_not_allowed' })
    expect(world.outside.received).toEqual([])
  })

  it('refuses an unsafe request on a cookie’s authority without evidence of its origin', async () => {
    const browser = new Browser()
    await browser.signIn()
    expect((await browser.post('/api/orders', '{}')).status).toBe(200)
    const forged = { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' }
    for (const path of ['/api/orders', '/mixed']) {
      const response = await browser.send(path, { method: 'POST', headers: forged, body: '{}' })
      expect(await problem(response)).toEqual({ status: 403, reason: 'cross_site' })
    }
    expect(world.outside.received).toHaveLength(1)
  })

  it('lets anybody through a mixed route, and says who it is where it is known', async () => {
    await new Browser().send('/mixed')
    expect(world.outside.last.headers.get('authorization')).toBeNull()
    const browser = new Browser()
    await browser.signIn()
    await browser.send('/mixed')
    expect(world.outside.last.headers.get('authorization')).toMatch(/^Bearer /)
    browser.cookies.set('__Host-Http-sallyport-access', 'broken')
    browser.cookies.set('__Host-Http-sallyport-refresh', 'broken')
    expect((await browser.send('/mixed')).status).toBe(200)
    expect(world.outside.last.headers.get('authorization')).toBeNull()
  })

  it('answers 502 for an origin that cannot be reached and 504 for one that does not answer', async () => {
    const browser = new Browser()
    await browser.signIn()
    world.outside.origin = () => {
      throw new TypeError('evil words')
    }
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 502,
      reason: 'upstream_unreachable',
    })
    world.outside.origin = () => new Promise<never>(() => undefined)
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 504,
      reason: 'upstream_slow',
    })
    expect(JSON.stringify(world.log)).not.toContain('evil words')
  })

  it('publishes its keys with an entity tag', async () => {
    const browser = new Browser()
    const first = await browser.send('/.well-known/jwks.json')
    const { keys } = (await first.clone().json()) as { keys: Record<string, unknown>[] }
    expect(keys).toHaveLength(2)
    for (const key of keys) expect(key).not.toHaveProperty('d')
    const etag = first.headers.get('etag') ?? ''
    const second = await browser.send('/.well-known/jwks.json', {
      headers: { 'if-none-match': etag },
    })
    expect(second.status).toBe(304)
    expect((await browser.send('/.well-known/jwks.json', { method: 'POST' })).status).toBe(405)
  })
})
