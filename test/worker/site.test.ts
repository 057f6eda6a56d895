import { describe, expect, it } from 'vitest'

import { Browser, deniedReason, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

describe('site', () => {
  it('refuses a host that no site has, and plain http', async () => {
    expect(await problem(await new Browser('unknown.test').send('/'))).toEqual({
      status: 421,
      reason: 'site_unknown',
    })
    const { default: worker } = await import('../../src/index.ts')
    const { env } = await import('cloudflare:workers')
    const request = new Request('http://shop.test/public/x')
    const response = await worker.fetch(request as never, { ...env } as never)
    expect(await problem(response)).toEqual({ status: 400, reason: 'scheme_insecure' })
  })

  it('refuses paths that can be read in more than one way, before anything else', async () => {
    const browser = new Browser()
    await browser.signIn()
    expect((await browser.send('/public/x')).status).toBe(200)
    for (const path of [
      '/public//api/me',
      '/public/%2e%2e%2fapi/me',
      '/public/..%5capi',
      '/public/%252e/x',
      '/public/;/x',
    ]) {
      expect(await problem(await browser.send(path)), path).toEqual({
        status: 400,
        reason: 'url_ambiguous',
      })
    }
    expect(world.outside.received).toHaveLength(1)
    expect(await problem(await browser.send('/nowhere'))).toEqual({
      status: 404,
      reason: 'route_unknown',
    })
    expect(await problem(await browser.send('/auth/nowhere'))).toEqual({
      status: 404,
      reason: 'route_unknown',
    })
  })

  it('accepts no cookie of another site, though the key behind both is one', async () => {
    const admin = new Browser('admin.test')
    const shop = new Browser('shop.test')
    await shop.signIn()
    expect((await shop.send('/api/me')).status).toBe(200)
    const access = '__Host-Http-sallyport-access'
    const refresh = '__Host-Http-sallyport-refresh'
    admin.cookies.set(access, shop.cookies.get(access) ?? '')
    expect(await problem(await admin.send('/x'))).toEqual({
      status: 401,
      reason: 'access_cookie_unreadable',
    })
    admin.cookies.set(refresh, shop.cookies.get(refresh) ?? '')
    expect(await problem(await admin.send('/x'))).toEqual({
      status: 401,
      reason: 'session_unknown',
    })
    expect((await shop.send('/api/me')).status).toBe(200)
  })

  it('signs assertions of each site with a key of its own', async () => {
    const keys = await Promise.all(
      ['shop.test', 'admin.test'].map(async (host) =>
        (await new Browser(host).send('/.well-known/jwks.json')).text(),
      ),
    )
    expect(keys[0]).not.toBe(keys[1])
  })

  it('refuses malformed, doubled and oversized cookies without losing the session', async () => {
    const browser = new Browser()
    await browser.signIn()
    const access = browser.cookies.get('__Host-Http-sallyport-access') ?? ''
    const honest = `__Host-Http-sallyport-access=${access}`
    const send = (cookie: string) => browser.send('/api/me', { headers: { cookie } })
    expect((await send(`a=1; ${honest}; b`)).status).toBe(200)
    expect(await problem(await send(`${honest}x`))).toMatchObject({
      reason: 'access_cookie_unreadable',
    })
    expect(await problem(await send(`${honest}; ${honest}`))).toEqual({
      status: 400,
      reason: 'cookie_duplicated',
    })
    expect(await problem(await send(`${honest}; big=${'x'.repeat(40_000)}`))).toEqual({
      status: 431,
      reason: 'headers_too_large',
    })
    expect(await problem(await send('__Host-Http-sallyport-access'))).toMatchObject({
      reason: 'session_missing',
    })
    expect((await send(honest)).status).toBe(200)
  })

  it('answers 503 to everything and logs every problem once while the configuration is bad', async () => {
    const browser = new Browser('shop.test', { SITES: [{ id: 'shop' }], SEAL_KEYS: 'short' })
    for (const path of ['/', '/auth/login', '/api/me']) {
      expect(await problem(await browser.send(path))).toEqual({
        status: 503,
        reason: 'configuration',
      })
    }
    const problems = world.log
      .filter(({ event }) => event === 'configuration.problem')
      .map(({ path }) => path)
    expect(problems).toEqual(['SITES[0].hosts', 'SITES[0].routes', 'SEAL_KEYS[0]'])
  })

  it('answers 503 when an object does not answer, and signs nobody out', async () => {
    const browser = new Browser()
    await browser.signIn()
    const { env } = await import('cloudflare:workers')
    const broken = new Browser('shop.test', {
      SESSION_OBJECTS: {
        getByName: () => ({ renew: () => Promise.reject(new Error('evil words')) }),
      },
    })
    for (const [name, value] of browser.cookies) broken.cookies.set(name, value)
    broken.forgetAccess()
    expect(env).toHaveProperty('SESSION_OBJECTS')
    const response = await broken.send('/api/me')
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await problem(response)).toEqual({ status: 503, reason: 'storage_failed' })
    browser.forgetAccess()
    expect((await browser.send('/api/me')).status).toBe(200)
  })

  it('refuses an upgrade, and a page says so as a page', async () => {
    const response = await new Browser().send('/public/socket', {
      headers: { upgrade: 'h2c', accept: 'text/html' },
    })
    expect(response.status).toBe(501)
    expect(deniedReason()).toBe('upgrade_unsupported')
    expect(await response.text()).toContain('<!doctype html>')
  })
})
