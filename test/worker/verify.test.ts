import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

const secret = 'a-secret-that-nginx-and-we-share-here'

/** nginx asks whether a request of the browser may pass, and hands on what it may. */
async function ask(
  browser: Browser,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Response> {
  const response = await browser.send('/auth/verify', {
    headers: {
      'sallyport-proxy-secret': secret,
      'x-original-url': `https://behind.test${path}`,
      'x-original-method': method,
      ...headers,
    },
  })
  for (const which of ['access', 'refresh']) {
    const line = response.headers.get(`sallyport-set-${which}-cookie`)
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line ?? '') ?? []
    if (name !== '') browser.cookies.set(name, value)
  }
  return response
}

const reasonOf = (response: Response) => response.headers.get('sallyport-reason')

describe('a browser behind a proxy', () => {
  it('passes with its session, and the application knows whose', async () => {
    const ada = new Browser('behind.test')
    const before = await ask(ada, '/x')
    expect([before.status, reasonOf(before)]).toEqual([401, 'session_missing'])
    await ada.signIn()
    const passed = await ask(ada, '/x')
    expect(passed.status).toBe(202)
    expect(passed.headers.get('sallyport-subject')).toBe('ada')
    expect(decodeJwt(passed.headers.get('sallyport-assertion') ?? '')).toMatchObject({
      iss: 'https://behind.test',
      aud: 'app',
      sub: 'ada',
    })
    // Nothing was forwarded from here, and nothing can be.
    expect(await problem(await ada.send('/x'))).toEqual({ status: 404, reason: 'route_unknown' })
    expect(world.outside.received).toEqual([])
  })

  it('stays signed in through renewals, whose cookies the proxy hands on', async () => {
    const ada = new Browser('behind.test')
    await ada.signIn()
    for (let i = 0; i < 3; i++) {
      ada.forgetAccess()
      const before = ada.cookies.get('__Host-Http-sallyport-refresh')
      expect((await ask(ada, '/x')).status).toBe(202)
      expect(ada.cookies.has('__Host-Http-sallyport-access')).toBe(true)
      // Within two graces the same successor is handed out again
      if (i !== 1) expect(ada.cookies.get('__Host-Http-sallyport-refresh')).not.toBe(before)
      pass(i === 0 ? 1 : 120)
      expect((await ask(ada, '/x')).headers.has('sallyport-set-access-cookie')).toBe(false)
    }
  })

  it('is shut out when its session ends', async () => {
    const ada = new Browser('behind.test')
    await ada.signIn()
    const copy = ada.copy()
    expect((await ask(copy, '/x')).status).toBe(202)
    expect((await ada.post('/auth/logout')).status).toBe(200)
    pass(11)
    const refused = await ask(copy, '/x')
    expect([refused.status, reasonOf(refused)]).toEqual([401, 'session_revoked'])
    expect((await ask(copy, '/public/x')).status).toBe(202)
  })

  it('is asked for evidence where a request changes something', async () => {
    const ada = new Browser('behind.test')
    await ada.signIn()
    const own = { origin: 'https://behind.test', 'sec-fetch-site': 'same-origin' }
    expect((await ask(ada, '/x', own, 'POST')).status).toBe(202)
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    const refused = await ask(ada, '/x', foreign, 'POST')
    expect([refused.status, reasonOf(refused)]).toEqual([403, 'cross_site'])
  })
})

it('judges a bearer token as the gateway does', async () => {
  const client = new Browser('behind.test')
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const passed = await ask(client, '/x', bearer(await world.outside.as.token()))
  expect([passed.status, passed.headers.get('sallyport-caller')]).toEqual([202, 'bearer'])
  const other = await world.outside.as.token({ aud: 'other' })
  const refused = await ask(client, '/x', bearer(other))
  expect([refused.status, reasonOf(refused)]).toEqual([401, 'token_refused'])
  expect(refused.headers.get('www-authenticate')).toBe(
    'Bearer error="invalid_token", ' +
      'resource_metadata="https://behind.test/.well-known/oauth-protected-resource"',
  )
})

describe('the endpoint', () => {
  it('is not there for who is no proxy of the site', async () => {
    const ada = new Browser('behind.test')
    await ada.signIn()
    expect((await ask(ada, '/x')).status).toBe(202)
    const nowhere = await ada.send('/auth/nowhere')
    const text = await nowhere.text()
    for (const headers of [
      { 'sallyport-proxy-secret': '' },
      { 'sallyport-proxy-secret': `${secret}x` },
      { 'sallyport-proxy-secret': `${secret}, ${secret}` },
    ]) {
      const refused = await ask(ada, '/x', headers)
      expect(refused.status).toBe(404)
      expect(await refused.text()).toBe(text)
      expect([...refused.headers.keys()]).toEqual([...nowhere.headers.keys()])
    }
    expect(world.log.filter(({ event }) => event === 'verify.unproven')).toHaveLength(3)
    // The same secret says nothing to another site.
    const shop = new Browser('shop.test')
    await shop.signIn()
    const told = { 'x-original-url': 'https://shop.test/api/x' }
    expect((await ask(shop, '/x', told)).status).toBe(404)
  })

  it('knows a proxy by its certificate', async () => {
    const { default: worker } = await import('../../src/index.ts')
    const { env } = await import('cloudflare:workers')
    const verify = async (change: Record<string, string>) => {
      const tlsClientAuth = {
        certPresented: '1',
        certVerified: 'SUCCESS',
        certRevoked: '0',
        certFingerprintSHA256: 'ab'.repeat(32),
        ...change,
      }
      const request = new Request('https://behind.test/auth/verify', {
        cf: { tlsClientAuth },
        headers: {
          'x-forwarded-method': 'GET',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'behind.test',
          'x-forwarded-uri': '/public/x',
        },
      })
      return (await worker.fetch(request as never, { ...env } as never)).status
    }
    expect(await verify({})).toBe(202)
    expect(await verify({ certRevoked: '1' })).toBe(404)
    expect(await verify({ certVerified: 'FAILED:self signed certificate' })).toBe(404)
    expect(await verify({ certFingerprintSHA256: 'cd'.repeat(32) })).toBe(404)
  })
})
