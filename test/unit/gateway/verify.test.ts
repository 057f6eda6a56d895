import { beforeEach, describe, expect, it } from 'vitest'

import type { ProxyKind } from '../../../src/config/proxy.ts'
import type { Denied } from '../../../src/denial.ts'
import { answerVerify } from '../../../src/gateway/verify.ts'
import { passGateway } from '../../../src/gateway/gateway.ts'
import { refuse } from '../../../src/http/refuse.ts'
import type { Visit } from '../../../src/http/visit.ts'
import {
  makePorts,
  type Ports,
  refreshOnly,
  signedIn,
  site as plainSite,
  visit,
} from '../world/ports.ts'
import { siteOf, writtenRoutes } from '../world/vars.ts'

const secret = 's'.repeat(32)
const shop = (kind: ProxyKind, more: Record<string, unknown> = {}) =>
  siteOf({
    site: {
      hosts: ['shop.example.com', 'www.example.com'],
      identity_headers: ['x-tenant'],
      proxies: [{ kind, secret: { secret: 'SECRET' }, plain: true }],
      routes: [
        ...writtenRoutes,
        { path: '/behind/*', access: 'session', upstream: { proxy: true } },
      ],
      ...more,
    },
    env: { SECRET: secret },
  })

let ports: Ports
let refusedVisits: [string, string][]

beforeEach(() => {
  ports = makePorts()
  refusedVisits = []
})

interface Asking {
  readonly kind?: ProxyKind
  readonly method?: string
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly site?: Visit['site']
}

function render(asked: Visit, denied: Denied): Response {
  refusedVisits.push([asked.url.pathname, denied.denial.reason])
  return refuse(asked.request, denied, { loginUrl: 'https://shop.example.com/auth/login' })
}

/** Asks as a proxy of that kind does. */
async function ask({
  kind = 'nginx',
  method = 'GET',
  url = 'https://shop.example.com/api/x',
  headers = {},
  site = shop(kind),
}: Asking = {}): Promise<Response> {
  const { protocol, host } = new URL(url)
  const told =
    kind === 'nginx'
      ? { 'x-original-url': url, 'x-original-method': method }
      : {
          'x-forwarded-method': method,
          'x-forwarded-proto': protocol.slice(0, -1),
          'x-forwarded-host': host,
          'x-forwarded-uri': url.slice(url.indexOf(host) + host.length),
        }
  const all = { 'sallyport-proxy-secret': secret, ...told, ...headers }
  const answer = await answerVerify(
    ports,
    { ...visit('/auth/verify', { headers: all }), site },
    render,
  )
  if (!answer.ok) throw new Error(answer.denial.reason)
  return answer.value
}

const cookies = { access: 'sallyport-set-access-cookie', refresh: 'sallyport-set-refresh-cookie' }

describe('a request that a proxy asks about', () => {
  it.each(['nginx', 'traefik', 'caddy'] as const)(
    'is judged for %s as if it had come here',
    async (kind) => {
      const passed = await ask({ kind, headers: await signedIn() })
      expect(passed.status).toBe(202)
      expect(passed.headers.get('authorization')).toMatch(/^Bearer ey/)
      expect(passed.headers.get('cache-control')).toBe('no-store')
      expect(passed.headers.get('sallyport-subject')).toBe('ada')
      expect(passed.headers.get('sallyport-caller')).toBe('session')
      expect((await ask({ kind })).status).toBe(401)
      expect((await ask({ kind, url: 'https://shop.example.com/report' })).status).toBe(202)
      expect(ports.sent).toEqual([])
    },
  )

  it('has the identity that its route forwards, and none on public ones', async () => {
    const headers = await signedIn()
    const news = await ask({ url: 'https://www.example.com/news/x', headers })
    expect(news.headers.get('sallyport-assertion')).toMatch(/^ey/)
    expect(news.headers.has('authorization')).toBe(false)
    const report = await ask({ url: 'https://shop.example.com/report', headers })
    for (const name of ['authorization', 'sallyport-assertion', 'sallyport-subject'])
      expect(report.headers.has(name), name).toBe(false)
  })

  it('says nothing in plain words unless the configuration wants it', async () => {
    const site = shop('nginx', { proxies: [{ kind: 'nginx', secret: { secret: 'SECRET' } }] })
    const passed = await ask({ site, headers: await signedIn() })
    expect(passed.headers.has('authorization')).toBe(true)
    expect(passed.headers.has('sallyport-subject')).toBe(false)
  })

  it('goes on without our cookies', async () => {
    const { cookie = '' } = await signedIn()
    const passed = await ask({ headers: { cookie: `theme=dark; ${cookie}; a=b` } })
    expect(passed.headers.get('cookie')).toBe('theme=dark; a=b')
    expect((await ask({ headers: { cookie } })).headers.has('cookie')).toBe(false)
  })

  it('is renewed on the way, with the cookies in a form that the proxy can hand on', async () => {
    for (const kind of ['nginx', 'caddy'] as const) {
      const { headers } = await ask({ kind, headers: refreshOnly() })
      expect(headers.get(cookies.access)).toMatch(/^__Host-Http-sallyport-access=/)
      expect(headers.get(cookies.refresh)).toMatch(/^__Host-Http-sallyport-refresh=/)
      expect(headers.getSetCookie()).toEqual([])
    }
    const { headers } = await ask({ kind: 'traefik', headers: refreshOnly() })
    expect(headers.getSetCookie()).toHaveLength(2)
    expect(headers.has(cookies.access)).toBe(false)
  })

  it('is counted by the address that the proxy saw', async () => {
    const seen: string[] = []
    ports = { ...ports, rateLimits: { count: async (_, key) => seen.push(key) > 0 } }
    const site = shop('nginx')
    const route = site.routes.match('/report', 'GET')
    if (route.kind !== 'route') throw new Error('no route')
    const limit = { id: 'few', binding: 'FEW', limit: 2, period: 60 }
    Object.assign(route.route, { rateLimit: { limit, per: 'address' } })
    const from = (headers: Record<string, string>) =>
      ask({ site, url: 'https://shop.example.com/report', headers })
    await from({ 'cf-connecting-ip': '192.0.2.9', 'x-forwarded-for': '203.0.113.7' })
    // Cloudflare adds the proxy itself.
    await from({ 'cf-connecting-ip': '192.0.2.9', 'x-forwarded-for': '203.0.113.7, 192.0.2.9' })
    await from({ 'cf-connecting-ip': '192.0.2.9', 'x-forwarded-for': '203.0.113.8' })
    expect(seen[0]).toBe(seen[1])
    expect(seen[2]).not.toBe(seen[0])
  })
})

describe('a refusal', () => {
  const person = { accept: 'text/html' }

  it('tells nginx 401 or 403, why, and where to sign in', async () => {
    const unknown = await ask({ headers: person })
    expect(unknown.status).toBe(401)
    expect(unknown.headers.get('sallyport-reason')).toBe('session_missing')
    const login = 'https://shop.example.com/auth/login?return_to=%2Fapi%2Fx'
    expect(unknown.headers.get('sallyport-login-url')).toBe(login)
    expect(unknown.headers.has('location')).toBe(false)
    expect(await unknown.text()).toBe('')
    const fetched = await ask()
    expect(fetched.headers.has('sallyport-login-url')).toBe(false)
    for (const [asking, reason] of [
      [{ url: 'https://shop.example.com/auth/session' }, 'route_unknown'],
      [{ url: 'https://shop.example.com/report', method: 'POST' }, 'method_not_allowed'],
      [{ url: 'https://shop.example.com//report' }, 'url_ambiguous'],
      [{ url: 'http://shop.example.com/report' }, 'scheme_insecure'],
    ] as const) {
      const refused = await ask(asking)
      expect([refused.status, refused.headers.get('sallyport-reason')]).toEqual([403, reason])
    }
  })

  it.each(['traefik', 'caddy'] as const)('is what the browser gets through %s', async (kind) => {
    const navigated = await ask({ kind, headers: person })
    expect(navigated.status).toBe(303)
    expect(navigated.headers.get('location')).toBe(
      'https://shop.example.com/auth/login?return_to=%2Fapi%2Fx',
    )
    const fetched = await ask({ kind })
    expect(fetched.status).toBe(401)
    expect(fetched.headers.get('content-type')).toBe('application/problem+json')
    const wrong = await ask({ kind, url: 'https://shop.example.com/report', method: 'POST' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(refusedVisits.map(([path]) => path)).toEqual(['/api/x', '/api/x', '/report'])
  })

  it('keeps what a renewal gave', async () => {
    const rule = { any: ['session'], scopes: ['gold'] }
    const routes = [{ ...writtenRoutes[0], access: rule }]
    const nginx = await ask({ site: shop('nginx', { routes }), headers: refreshOnly() })
    expect([nginx.status, nginx.headers.has(cookies.access)]).toEqual([403, true])
    const caddy = await ask({
      kind: 'caddy',
      site: shop('caddy', { routes }),
      headers: refreshOnly(),
    })
    expect([caddy.status, caddy.headers.getSetCookie().length]).toEqual([403, 2])
  })
})

describe('what a proxy cannot be made to do', () => {
  it('answers nobody who is no proxy of the site, whatever is asked', async () => {
    expect((await ask({ headers: await signedIn() })).status).toBe(202)
    const asked = (headers: Record<string, string>, site = shop('nginx')) =>
      answerVerify(ports, { ...visit('/auth/verify', { headers }), site }, render)
    const told = { 'x-original-url': 'https://shop.example.com/api/x', 'x-original-method': 'GET' }
    const unknown = { ok: false, denial: { reason: 'route_unknown' } }
    const cookie = await signedIn()
    expect(await asked({ ...told, ...cookie })).toEqual(unknown)
    expect(await asked({ ...told, ...cookie, 'sallyport-proxy-secret': 'x'.repeat(32) })).toEqual(
      unknown,
    )
    expect(await asked({ ...told, 'sallyport-proxy-secret': secret }, plainSite)).toEqual(unknown)
  })

  it('tells one site nothing of the hosts of another', async () => {
    expect((await ask({ url: 'https://www.example.com/report' })).status).toBe(202)
    const refused = await ask({ url: 'https://admin.example.com/report' })
    expect([refused.status, refused.headers.get('sallyport-reason')]).toEqual([
      403,
      'original_refused',
    ])
    expect((await ask({ kind: 'caddy', url: 'https://admin.example.com/report' })).status).toBe(400)
  })

  it('refuses an identity that a client sends: it could not be taken away any more', async () => {
    const url = 'https://shop.example.com/report'
    expect((await ask({ url, headers: { 'x-other': 'ada' } })).status).toBe(202)
    for (const name of [
      'sallyport-subject',
      'Sallyport_Subject',
      'sallyport.assertion',
      'x-sallyport-user',
      'X_Tenant',
      'x-tenant',
    ]) {
      const refused = await ask({ url, headers: { [name]: 'ada' } })
      expect([refused.status, refused.headers.get('sallyport-reason')], name).toEqual([
        403,
        'original_refused',
      ])
    }
  })

  it('sees a handshake, though the proxy keeps the header that says so', async () => {
    const headers = await signedIn({ origin: 'https://shop.example.com' })
    const foreign = { ...headers, origin: 'https://evil.example' }
    // A plain GET of another site's page is nobody's harm.
    expect((await ask({ headers: foreign })).status).toBe(202)
    for (const sign of [
      { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
      { 'sec-websocket-version': '13' },
      { 'sec-fetch-mode': 'websocket' },
      { upgrade: 'websocket' },
    ]) {
      expect((await ask({ headers: { ...headers, ...sign } })).status).toBe(202)
      const refused = await ask({ headers: { ...foreign, ...sign } })
      expect(refused.headers.get('sallyport-reason'), JSON.stringify(sign)).toBe('cross_site')
    }
  })

  it('holds a request that changes something to the same evidence as here', async () => {
    const headers = await signedIn({ origin: 'https://shop.example.com' })
    expect((await ask({ method: 'POST', headers })).status).toBe(202)
    const refused = await ask({ method: 'DELETE', headers: await signedIn() })
    expect(refused.headers.get('sallyport-reason')).toBe('cross_site')
  })

  it('does not take a route away that lies behind a proxy: here there is nothing', async () => {
    const site = shop('nginx')
    const url = 'https://shop.example.com/behind/x'
    expect((await ask({ url, headers: await signedIn() })).status).toBe(202)
    const direct = { ...visit('/behind/x', { headers: await signedIn() }), site }
    expect(await passGateway(ports, direct)).toEqual({
      ok: false,
      denial: { reason: 'route_unknown' },
    })
  })
})
