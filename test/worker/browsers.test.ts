import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

const host = 'pages.test'
const app = 'https://app.test'

describe('an address', () => {
  it('is read in one way, by case and parameters too', async () => {
    const browser = new Browser(host)
    await browser.signIn()
    expect((await browser.send('/api/orders;v=2?x=%27;')).status).toBe(200)
    expect(world.outside.last.url).toBe('https://api.test/api/orders;v=2?x=%27;')
    expect((await browser.send('/Other')).status).toBe(200)
    const refused = [
      '/API/orders',
      '/api;v=2/orders',
      '/%EF%BD%81pi/x',
      '/other;v=1',
      '/Auth/login',
    ]
    for (const path of refused) {
      expect(await problem(await browser.send(path)), path).toEqual({
        status: 400,
        reason: 'url_ambiguous',
      })
    }
    expect(world.outside.received).toHaveLength(2)
  })
})

describe('an origin', () => {
  it('speaks for itself, and keeps nobody’s answer in a cache', async () => {
    world.outside.origin = () =>
      new Response('hello', {
        headers: {
          'alt-svc': 'h3=":443"',
          'cache-control': 'public, max-age=600',
          'cdn-cache-control': 'max-age=600',
          'clear-site-data': '"cookies", "cache"',
          'set-cookie': '=__Host-Http-sallyport-access=stolen; Path=/',
          'x-own': '1',
        },
      })
    const open = await new Browser(host).send('/x', { headers: { 'cf-ipcountry': 'XX', x_y: '1' } })
    expect(open.headers.getSetCookie()).toEqual([])
    expect(open.headers.get('cache-control')).toBe('public, max-age=600')
    expect(open.headers.get('clear-site-data')).toBe('"cache"')
    expect(open.headers.get('alt-svc')).toBeNull()
    expect(open.headers.get('x-own')).toBe('1')
    expect(world.outside.last.headers.get('cf-ipcountry')).toBeNull()
    expect(world.outside.last.headers.get('x_y')).toBeNull()
    world.outside.origin = () =>
      new Response('hello', { headers: { 'cache-control': 'max-age=600', 'set-cookie': 'a=1' } })
    const personal = await new Browser(host).send('/x')
    expect(personal.headers.getSetCookie()).toEqual(['a=1'])
    expect(personal.headers.get('cache-control')).toBe('private, no-store')
  })
})

describe('a page of another origin', () => {
  const from = (origin: string, more: Record<string, string> = {}) => ({
    headers: { origin, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', ...more },
  })

  it('asks before it sends, and is answered here', async () => {
    const asked = (origin: string) => ({
      ...from(origin, { 'access-control-request-method': 'POST' }),
      method: 'OPTIONS',
    })
    const response = await new Browser(host).send('/api/orders', asked(app))
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(app)
    expect(response.headers.get('access-control-allow-headers')).toBe('X-CSRF, content-type')
    const evil = await new Browser(host).send('/api/orders', asked('https://evil.test'))
    expect(evil.headers.get('access-control-allow-origin')).toBeNull()
    expect(await problem(evil)).toEqual({ status: 403, reason: 'cors_origin_unlisted' })
    expect(world.outside.received).toEqual([])
  })

  it('reads what a listed origin may read, refusals and failures included', async () => {
    const browser = new Browser(host)
    const signedOut = await browser.send('/api/orders', from(app, { 'x-csrf': '1' }))
    expect(signedOut.headers.get('access-control-allow-origin')).toBe(app)
    expect(signedOut.headers.get('access-control-allow-credentials')).toBe('true')
    expect(signedOut.headers.get('vary')).toBe('Origin')
    expect(await problem(signedOut)).toEqual({ status: 401, reason: 'session_missing' })
    await browser.signIn()
    const sent = { ...from(app, { 'x-csrf': '1' }), method: 'POST', body: '{}' }
    const answer = await browser.send('/api/orders', sent)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe(app)
    const forged = await browser.send('/api/orders', { ...from(app), method: 'POST', body: '{}' })
    expect(forged.headers.get('access-control-allow-origin')).toBe(app)
    expect(await problem(forged)).toEqual({ status: 403, reason: 'cross_site' })
    const evil = from('https://evil.test', { 'x-csrf': '1' })
    const foreign = await browser.send('/api/orders', evil)
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
    expect(await problem(foreign)).toEqual({ status: 403, reason: 'cross_site' })
    expect(world.outside.received).toHaveLength(1)
    world.outside.origin = () => {
      throw new TypeError('down')
    }
    const broken = await browser.send('/api/orders', sent)
    expect(broken.headers.get('access-control-allow-origin')).toBe(app)
    expect(await problem(broken)).toEqual({ status: 502, reason: 'upstream_unreachable' })
    const ours = await browser.send('/auth/session', from(app, { 'x-csrf': '1' }))
    expect(ours.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('an isolated route', () => {
  it('can be visited from everywhere, and loaded by its own pages alone', async () => {
    const browser = new Browser(host)
    const load = (where: string, mode: string, dest: string) =>
      browser.send('/isolated/data', {
        headers: { 'sec-fetch-site': where, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
      })
    expect((await load('same-origin', 'cors', 'empty')).status).toBe(200)
    const visited = await load('cross-site', 'navigate', 'document')
    expect(visited.status).toBe(200)
    expect(visited.headers.get('vary')).toContain('Sec-Fetch-Site')
    expect((await browser.send('/isolated/data')).status).toBe(200)
    expect(world.outside.received).toHaveLength(3)
    for (const dest of ['script', 'image', 'empty']) {
      const refused = await load('cross-site', 'no-cors', dest)
      expect(await problem(refused), dest).toEqual({ status: 403, reason: 'isolated' })
    }
    expect(world.outside.received).toHaveLength(3)
  })
})

describe('a page', () => {
  const body =
    '<!doctype html><link rel="stylesheet" href="/a.css"><style>b{}</style>' +
    '<script nonce="old">1</script><SCRIPT src=/a.js></SCRIPT><p>ü'
  const nonceIn = (response: Response) =>
    /script-src 'nonce-([\w-]{22})'/.exec(
      response.headers.get('content-security-policy') ?? '',
    )?.[1]

  it('gets a nonce in its policy and in its tags, another each time, and is not stored', async () => {
    const type = { 'content-type': 'text/html; charset=utf-8' }
    world.outside.origin = () =>
      new Response(body, {
        headers: { ...type, 'cache-control': 'public, max-age=60', etag: '"1"' },
      })
    const browser = new Browser(host)
    const seen = new Set<string | undefined>()
    for (const path of ['/', '/page']) {
      const response = await browser.navigate(path)
      const nonce = nonceIn(response)
      expect(nonce).toBeDefined()
      seen.add(nonce)
      const text = await response.text()
      expect(text.match(/nonce="[^"]*"/g)).toEqual(
        Array.from({ length: 4 }, () => `nonce="${nonce}"`),
      )
      expect(text).toContain('<p>ü')
      expect(response.headers.get('cache-control')).toBe('private, no-store')
      expect(response.headers.get('etag')).toBeNull()
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000')
    }
    expect(seen.size).toBe(2)
    const aged = await browser.send('/page', { headers: { 'sallyport-revocation-age': '1' } })
    expect(aged.headers.has('sallyport-revocation-age')).toBe(true)
  })

  it('of an origin with a policy of its own passes untouched', async () => {
    const own = { 'content-type': 'text/html', 'content-security-policy': "script-src 'nonce-old'" }
    world.outside.origin = () => new Response(body, { headers: own })
    const response = await new Browser(host).navigate('/')
    expect(await response.text()).toBe(body)
    expect(response.headers.get('content-security-policy')).toBe(
      "script-src 'nonce-old', frame-ancestors 'none'",
    )
    world.outside.origin = () => new Response('{}', { headers: { 'content-type': 'text/plain' } })
    const data = await new Browser(host).send('/')
    expect(await data.text()).toBe('{}')
    expect(data.headers.get('content-security-policy')).toBeNull()
    expect(data.headers.get('x-content-type-options')).toBe('nosniff')
  })
})
