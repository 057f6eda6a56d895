import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'

import { passGateway } from '../../../src/gateway/gateway.ts'
import { addCors, addVary } from '../../../src/http/cors.ts'
import { scrubAnswer } from '../../../src/http/scrub-answer.ts'
import { makePorts, type Ports, signedIn, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const app = 'https://app.example.com'
const upstream = { url: 'https://app.internal.example' }
const cors = {
  origins: [app, 'https://other.example.com:8443'],
  headers: ['content-type'],
  expose: ['x-total'],
  credentials: true,
}
const site = siteOf({
  site: {
    routes: [
      { path: '/api/*', access: 'session', upstream, cors },
      { path: '/open/*', access: 'public', upstream, cors: { origins: ['*'], max_age: '5m' } },
      {
        path: '/listed',
        methods: ['GET', 'PUT'],
        access: 'public',
        upstream,
        cors: { origins: [app] },
      },
      { path: '/own/*', access: 'session', upstream },
      { path: '/*', access: 'public', upstream },
    ],
  },
})

let ports: Ports

beforeEach(() => {
  ports = makePorts()
})

function pass(path: string, headers: Record<string, string>, method = 'GET') {
  return passGateway(ports, { ...visit(path, { method, headers }), site })
}

async function headersOf(path: string, headers: Record<string, string>, method?: string) {
  const passed = await pass(path, headers, method)
  return passed.ok ? Object.fromEntries(passed.value.headers) : passed.denial
}

const preflight = (path: string, origin: string, method = 'POST') =>
  headersOf(path, { origin, 'access-control-request-method': method }, 'OPTIONS')

describe('a preflight', () => {
  it('is answered from the list, without identity, and goes no further', async () => {
    expect(await preflight('/api/x', app)).toEqual({
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'X-CSRF, content-type',
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-origin': app,
      'access-control-max-age': '600',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'sallyport-response': 'true',
      vary: 'Access-Control-Request-Method, Access-Control-Request-Headers, Origin',
      'x-content-type-options': 'nosniff',
    })
    expect(await preflight('/open/x', 'https://any.example')).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-max-age': '300',
    })
    expect(await preflight('/listed', app, 'PUT')).toMatchObject({
      'access-control-allow-methods': 'GET, PUT',
    })
    expect(ports.sent).toEqual([])
    expect(ports.asked).toEqual([])
  })

  it('is refused for an origin that is not listed, whatever it looks like', async () => {
    expect(await preflight('/api/x', app)).toHaveProperty('access-control-allow-origin', app)
    const others = [
      ...['https://app.example.com.evil.example', 'https://evil-app.example.com', 'null', ''],
      ...['http://app.example.com', 'https://app.example.com:8443', 'https://APP.example.com', '*'],
      ...['https://app.example.com/', `${app}, https://evil.example`, 'https://shop.example.com'],
    ]
    for (const other of others)
      expect(await preflight('/api/x', other), other).toEqual({ reason: 'cors_origin_unlisted' })
    expect(ports.sent).toEqual([])
  })

  it('goes the usual way where the route has no list', async () => {
    expect(await preflight('/own/x', app)).toEqual({ reason: 'session_missing' })
    expect(await preflight('/listed', app, 'DELETE')).toMatchObject({
      reason: 'method_not_allowed',
    })
    await preflight('/x', app)
    expect(ports.sent).toHaveLength(1)
  })
})

describe('an answer', () => {
  const claims = {
    'access-control-allow-origin': 'https://evil.example',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': '*',
    vary: 'accept',
    'x-total': '7',
  }

  it('may be read by whom the route lists, and by nobody that the origin names', async () => {
    ports.answer = () => new Response('x', { headers: claims })
    const headers = { ...(await signedIn()), 'x-csrf': '1' }
    expect(await headersOf('/api/x', { ...headers, origin: app })).toEqual({
      'access-control-allow-credentials': 'true',
      'access-control-allow-origin': app,
      'access-control-expose-headers': 'x-total',
      'cache-control': 'private, no-store',
      'content-type': 'text/plain;charset=UTF-8',
      vary: 'accept, Origin',
      'x-total': '7',
    })
    const unnamed = await headersOf('/api/x', headers)
    expect(JSON.stringify(unnamed)).not.toContain('access-control')
    expect(unnamed).toHaveProperty('vary', 'accept, Origin')
    const foreign = await headersOf('/listed', { origin: 'https://evil.example' })
    expect(JSON.stringify(foreign)).not.toContain('access-control')
    expect(foreign).toHaveProperty('vary', 'accept, Origin')
    const open = await headersOf('/open/x', { origin: 'https://any.example' })
    expect(open).toMatchObject({ 'access-control-allow-origin': '*', vary: 'accept' })
    expect(open).not.toHaveProperty('access-control-allow-credentials')
  })

  it('of a route with sessions and without a list may be read by nobody', async () => {
    ports.answer = () => new Response('x', { headers: claims })
    expect(JSON.stringify(await headersOf('/own/x', await signedIn()))).not.toContain(
      'access-control',
    )
    // Nobody’s session can stand behind it: what the origin says is its own affair
    expect(await headersOf('/x', {})).toMatchObject(claims)
  })

  it('names a listed origin and no other, whatever is sent', () => {
    const [route] = site.routes.all as [never]
    const text = fc.oneof(
      fc.webUrl().map((url) => new URL(url).origin),
      fc.constantFrom(app, 'null', '*', `${app}.evil.example`, app.toUpperCase()),
      fc.stringMatching(/^[!-~]{0,30}$/),
    )
    fc.assert(
      fc.property(text, text, (sender, said) => {
        const headers = scrubAnswer(new Headers({ 'access-control-allow-origin': said }), route)
        addCors(
          headers,
          new Request('https://shop.example.com', { headers: { origin: sender } }),
          route,
        )
        const listed = cors.origins.includes(sender)
        expect(headers.get('access-control-allow-origin')).toBe(listed ? sender : null)
        expect(headers.get('access-control-allow-credentials')).toBe(listed ? 'true' : null)
        expect(headers.get('vary')).toBe('Origin')
      }),
    )
  })

  it('depends on what it depended on before', () => {
    const varied = (vary: string) => {
      const headers = new Headers({ vary })
      addVary(headers, 'Origin')
      return headers.get('vary')
    }
    expect(varied('accept')).toBe('accept, Origin')
    expect(varied('Accept, ORIGIN')).toBe('Accept, ORIGIN')
    expect(varied('*')).toBe('*')
  })
})

describe('a session', () => {
  it('acts for a page of a listed origin that brings X-CSRF, on every request', async () => {
    const honest = { ...(await signedIn()), origin: app, 'sec-fetch-site': 'same-site' }
    for (const method of ['GET', 'POST'])
      expect((await pass('/api/x', { ...honest, 'x-csrf': '1' }, method)).ok, method).toBe(true)
    expect(ports.sent).toHaveLength(2)
    for (const method of ['GET', 'POST'])
      expect(await headersOf('/api/x', honest, method)).toEqual({
        reason: 'cross_site',
        evidence: 'x-csrf',
      })
    const evil = { ...honest, origin: 'https://evil.example', 'x-csrf': '1' }
    for (const method of ['GET', 'POST'])
      expect(await headersOf('/api/x', evil, method)).toEqual({
        reason: 'cross_site',
        evidence: 'origin',
      })
    // The list of one route is no list of another
    expect(await headersOf('/own/x', { ...honest, 'x-csrf': '1' }, 'POST')).toMatchObject({
      reason: 'cross_site',
    })
    expect(ports.sent).toHaveLength(2)
    // A browser cannot add a header to the handshake of a WebSocket
    const socket = { ...honest, upgrade: 'websocket' }
    expect(await headersOf('/api/x', socket)).toMatchObject({ reason: 'cross_site' })
  })
})
