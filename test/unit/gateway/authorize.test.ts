import { beforeEach, describe, expect, it, vi } from 'vitest'

import { Permit } from '../../../src/gateway/authorize.ts'
import type { Visit } from '../../../src/http/visit.ts'
import {
  accessCookie,
  makePorts,
  now,
  type Ports,
  refreshOnly,
  signedIn,
  site,
  visit,
} from '../world/ports.ts'

let ports: Ports

beforeEach(() => {
  ports = makePorts()
})

async function ask(path: string, init: RequestInit = {}): Promise<string> {
  const match = site.routes.match(path, init.method ?? 'GET')
  if (match.kind !== 'route') throw new Error('no route')
  const permit = await Permit.ask(ports, visit(path, init), match.route)
  return permit.ok ? permit.value.caller.kind : permit.denial.reason
}

describe('who may pass', () => {
  it('is a signed-in caller where the route wants one', async () => {
    expect(await ask('/api/orders', { headers: await signedIn() })).toBe('session')
    expect(await ask('/api/orders')).toBe('session_missing')
  })

  it('is anybody on a public route, and nobody’s cookies are looked at', async () => {
    expect(await ask('/', { headers: await signedIn() })).toBe('anonymous')
    expect(await ask('/', { method: 'POST', headers: refreshOnly() })).toBe('anonymous')
    const twice = `${site.cookies.access}=a; ${site.cookies.access}=b`
    expect(await ask('/', { headers: { cookie: twice } })).toBe('anonymous')
    expect(ports.asked).toEqual([])
  })

  it('is both where the route is for both', async () => {
    expect(await ask('/news/1')).toBe('anonymous')
    expect(await ask('/news/1', { headers: await signedIn() })).toBe('session')
    const forged = { cookie: `${site.cookies.access}=forged` }
    expect(await ask('/news/1', { headers: forged })).toBe('anonymous')
  })

  it('is not who holds an access cookie that ran out or was forged', async () => {
    const cookie = (value: string) => ({ cookie: `${site.cookies.access}=${value}` })
    expect(await ask('/api/x', { headers: cookie(await accessCookie()) })).toBe('session')
    const old = await accessCookie(undefined, now)
    expect(await ask('/api/x', { headers: cookie(old) })).toBe('access_cookie_unreadable')
    expect(await ask('/api/x', { headers: cookie('x') })).toBe('access_cookie_unreadable')
    expect(await ask('/api/x', { headers: cookie('') })).toBe('access_cookie_unreadable')
  })

  it('is who was known before only while all but the opening of the cookie still holds', async () => {
    const cookie = await accessCookie()
    const sent = (value: string) => ({ headers: { cookie: `${site.cookies.access}=${value}` } })
    const open = vi.spyOn(ports.seal, 'open')
    expect(await ask('/api/x', sent(cookie))).toBe('session')
    expect(await ask('/api/x', sent(cookie))).toBe('session')
    expect(open).toHaveBeenCalledTimes(1)
    open.mockRestore()
    // One character other, and it is another cookie.
    const other = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'Q' : 'A'}`
    expect(await ask('/api/x', sent(other))).toBe('access_cookie_unreadable')
    const at = async (changes: Partial<Visit>) => {
      const match = site.routes.match('/api/x', 'GET')
      if (match.kind !== 'route') throw new Error('no route')
      const permit = await Permit.ask(
        ports,
        { ...visit('/api/x', sent(cookie)), ...changes },
        match.route,
      )
      return permit.ok ? permit.value.caller.kind : permit.denial.reason
    }
    expect(await at({ now: now + 299 })).toBe('session')
    expect(await at({ now: now + 300 })).toBe('access_cookie_unreadable')
    expect(await at({ site: { ...site, id: 'blog' } })).toBe('access_cookie_unreadable')
    Object.assign(ports, { revocations: { ...ports.revocations, isRevoked: async () => true } })
    expect(await at({})).toBe('session_revoked')
  })

  it('is not who sends a malformed refresh cookie, or one cookie twice', async () => {
    const malformed = { cookie: `${site.cookies.refresh}=ses_x.0.y` }
    expect(await ask('/api/x', { headers: malformed })).toBe('refresh_cookie_malformed')
    const { cookie } = refreshOnly()
    expect(await ask('/api/x', { headers: { cookie: `${cookie!}; ${cookie!}` } })).toBe(
      'cookie_duplicated',
    )
  })
})

describe('the order of the questions', () => {
  it('renews a session in the request that needs it', async () => {
    expect(await ask('/api/x', { headers: refreshOnly() })).toBe('session')
    expect(ports.asked).toEqual(['renew 0'])
  })

  it('renews nothing for a request that another site sent', async () => {
    const foreign = { 'sec-fetch-site': 'cross-site' }
    const own = { 'sec-fetch-site': 'same-origin' }
    expect(await ask('/api/x', { method: 'POST', headers: refreshOnly(own) })).toBe('session')
    expect(ports.asked).toEqual(['renew 0'])
    expect(await ask('/api/x', { method: 'POST', headers: refreshOnly(foreign) })).toBe(
      'cross_site',
    )
    expect(await ask('/api/x', { method: 'DELETE', headers: refreshOnly() })).toBe('cross_site')
    expect(await ask('/news/1', { method: 'POST', headers: await signedIn(foreign) })).toBe(
      'cross_site',
    )
    expect(ports.asked).toEqual(['renew 0'])
  })

  it('is told a claim-less identity only after the object gave the claims', async () => {
    const large = { claims: { groups: 'x'.repeat(4000) } }
    const { ada } = await import('../world/ports.ts')
    const cookie = await accessCookie({ ...ada, ...large })
    const headers = { cookie: `${site.cookies.access}=${cookie}` }
    expect(await ask('/api/x', { headers })).toBe('session')
    Object.assign(ports.sessions, { identity: async () => undefined })
    expect(await ask('/api/x', { headers })).toBe('session_unknown')
  })
})
