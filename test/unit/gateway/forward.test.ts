import { beforeEach, describe, expect, it } from 'vitest'

import { passGateway } from '../../../src/gateway/gateway.ts'
import { partOf } from '../world/keys.ts'
import { siteOf, writtenRoutes } from '../world/vars.ts'
import { makePorts, type Ports, refreshOnly, signedIn, site, visit } from '../world/ports.ts'

let ports: Ports

beforeEach(() => {
  ports = makePorts()
})

async function pass(path: string, init: RequestInit = {}): Promise<Response> {
  const passed = await passGateway(ports, visit(path, init))
  if (!passed.ok) throw new Error(passed.denial.reason)
  return passed.value
}

describe('what an origin gets', () => {
  it('is the address that was judged, on its own host', async () => {
    await pass('/api/orders/7?a=%2e%2e&b=//x', { headers: await signedIn() })
    expect(ports.sent[0]?.url).toBe('https://api.internal.example/api/orders/7?a=%2e%2e&b=//x')
  })

  it('is an assertion in the place of whatever the client claimed', async () => {
    const claimed = { authorization: 'Bearer evil', 'x-user': 'eve', 'sallyport-assertion': 'evil' }
    await pass('/api/orders', { headers: await signedIn(claimed) })
    const { headers } = ports.sent[0]!
    const assertion = headers.get('authorization')!.replace('Bearer ', '')
    expect(partOf(assertion, 1)).toMatchObject({
      iss: 'https://shop.example.com',
      aud: 'shop-api',
      sub: 'ada',
      email: 'ada@example.com',
    })
    // Only the claims that the route names
    expect(partOf(assertion, 1)).not.toHaveProperty('salary')
    expect(headers.get('x-user')).toBeNull()
    expect(headers.get('sallyport-assertion')).toBeNull()
    expect(headers.get('cookie')).toBeNull()
  })

  it('is no assertion where nobody is signed in, and none of the client’s either', async () => {
    await pass('/news/1', { headers: { 'sallyport-assertion': 'evil', authorization: 'evil' } })
    expect(ports.sent[0]!.headers.get('sallyport-assertion')).toBeNull()
    expect(ports.sent[0]!.headers.get('authorization')).toBeNull()
  })

  it('is scrubbed on preflights and public routes too', async () => {
    for (const path of ['/', '/news/1', '/report']) {
      const method = path === '/report' ? 'GET' : 'OPTIONS'
      await pass(path, { method, headers: { 'x-forwarded-user': 'admin', x_user: 'admin' } })
    }
    expect(ports.sent).toHaveLength(3)
    for (const { headers } of ports.sent) {
      expect([...headers.keys()]).toEqual(['x-forwarded-host', 'x-forwarded-proto'])
    }
  })

  it('is nothing at all where the gateway refuses', async () => {
    await expect(pass('/api/x')).rejects.toThrow('session_missing')
    await expect(pass('/report', { method: 'POST' })).rejects.toThrow('method_not_allowed')
    await expect(pass('/', { headers: { upgrade: 'h2c' } })).rejects.toThrow('upgrade_unsupported')
    expect(ports.sent).toEqual([])
  })
})

describe('what a client gets back', () => {
  it('is the origin’s answer, redirects included', async () => {
    ports.answer = () =>
      new Response(null, { status: 302, headers: { location: '/x', etag: '"1"' } })
    const answer = await pass('/')
    expect(answer.status).toBe(302)
    expect(Object.fromEntries(answer.headers)).toEqual({ location: '/x', etag: '"1"' })
  })

  it('is nothing that an origin says in the Worker’s name', async () => {
    ports.answer = () => {
      const headers = new Headers({ 'sallyport-response': 'true', connection: 'x', 'x-own': '1' })
      headers.append('set-cookie', `${site.cookies.access}=evil; Path=/; Secure; HttpOnly`)
      headers.append('set-cookie', `${site.cookies.login}1=evil`)
      headers.append('set-cookie', 'theme=dark')
      return new Response('x', { headers })
    }
    const { headers } = await pass('/')
    expect(headers.get('x-own')).toBe('1')
    expect(headers.getSetCookie()).toEqual(['theme=dark'])
    expect(headers.get('sallyport-response')).toBeNull()
    expect(headers.get('connection')).toBeNull()
  })

  it('is never to be stored where the origin sets a cookie, unless the route leaves that to the origin', async () => {
    const cached = { 'cache-control': 'public, max-age=600', 'cdn-cache-control': 'max-age=600' }
    ports.answer = () => new Response('x', { headers: cached })
    expect(Object.fromEntries((await pass('/')).headers)).toMatchObject(cached)
    ports.answer = () => new Response('x', { headers: { ...cached, 'set-cookie': 'cart=7' } })
    const guarded = await pass('/')
    expect(guarded.headers.get('cache-control')).toBe('private, no-store')
    expect(guarded.headers.get('cdn-cache-control')).toBeNull()
    expect(guarded.headers.getSetCookie()).toEqual(['cart=7'])

    const own = siteOf({
      site: { routes: writtenRoutes.map((one) => ({ ...one, cache: 'origin' })) },
    })
    const passOn = async (headers: Record<string, string>) => {
      const passed = await passGateway(ports, { ...visit('/api/x', { headers }), site: own })
      return passed.ok ? passed.value.headers : expect.fail(passed.denial.reason)
    }
    expect((await passOn(await signedIn())).get('cache-control')).toBe('public, max-age=600')
    // Never with a cookie of our own
    const renewed = await passOn(refreshOnly())
    expect(renewed.getSetCookie()).toHaveLength(3)
    expect(renewed.get('cache-control')).toBe('private, no-store')
    expect(renewed.get('cdn-cache-control')).toBeNull()
  })

  it('is never to be stored where it carries a session', async () => {
    ports.answer = () => new Response('x', { headers: { 'cache-control': 'public, max-age=600' } })
    const session = await pass('/api/x', { headers: await signedIn() })
    expect(session.headers.get('cache-control')).toBe('private, no-store')
    expect(session.headers.getSetCookie()).toEqual([])
    const renewed = await pass('/api/x', { headers: refreshOnly() })
    expect(renewed.headers.getSetCookie()).toHaveLength(2)
    expect(renewed.headers.get('cache-control')).toBe('private, no-store')
    // A private policy of the origin's own stays, where no cookie of ours comes along.
    ports.answer = () => new Response('x', { headers: { 'cache-control': 'private, max-age=9' } })
    const own = await pass('/api/x', { headers: await signedIn() })
    expect(own.headers.get('cache-control')).toBe('private, max-age=9')
  })
})
