import { beforeEach, describe, expect, it } from 'vitest'

import { passGateway } from '../../../src/gateway/gateway.ts'
import { readReturnTo } from '../../../src/http/return-to.ts'
import { makePorts, type Ports, site, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const person = { accept: 'text/html' }
let ports: Ports

beforeEach(() => {
  ports = makePorts()
})

/** Where a person who is not signed in is sent, or the reason for a refusal. */
async function sentTo(path: string, init: RequestInit = {}): Promise<string> {
  const passed = await passGateway(ports, visit(path, { headers: person, ...init }))
  return passed.ok ? (passed.value.headers.get('location') ?? '') : passed.denial.reason
}

describe('a caller who is not signed in', () => {
  it('is sent to sign in and back, if it is a person who navigates', async () => {
    expect(await sentTo('/api/orders?page=2&x=%26')).toBe(
      'https://shop.example.com/auth/login?return_to=%2Fapi%2Forders%3Fpage%3D2%26x%3D%2526',
    )
  })

  it('is refused, if it is a program or cannot come back', async () => {
    expect(await sentTo('/api/orders', { headers: { accept: 'application/json' } })).toBe(
      'session_missing',
    )
    expect(await sentTo('/api/orders', { method: 'POST' })).toBe('session_missing')
    expect(await sentTo('/api/orders', { headers: { ...person, 'sec-fetch-mode': 'cors' } })).toBe(
      'session_missing',
    )
  })

  it('is sent to a login that accepts the way back, whatever the query holds', async () => {
    for (const query of ['?a=b', '?q=a\\b', `?q=${'x'.repeat(3000)}`, "?q='{}|`^~"]) {
      const location = await sentTo(`/api/orders${query}`)
      const returnTo = new URL(location).searchParams.get('return_to')
      expect(readReturnTo(returnTo, '/', site).ok, query.slice(0, 9)).toBe(true)
    }
  })
})

it('knows no route but those of the configuration', async () => {
  const small = siteOf({
    site: { routes: [{ path: '/a', access: 'public', upstream: { url: 'https://a.example' } }] },
  })
  const passed = (path: string) => passGateway(ports, { ...visit(path), site: small })
  expect((await passed('/a')).ok).toBe(true)
  expect(await passed('/b')).toEqual({ ok: false, denial: { reason: 'route_unknown' } })
})
