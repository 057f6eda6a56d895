import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { passGateway } from '../../../src/gateway/gateway.ts'
import { checkIsolation } from '../../../src/http/isolation.ts'
import { makePorts, signedIn, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const app = 'https://app.example.com'
const upstream = { url: 'https://app.internal.example' }
const site = siteOf({
  site: {
    routes: [
      { path: '/origin', access: 'session', upstream, isolation: 'same_origin' },
      { path: '/site', access: 'public', upstream, isolation: 'same_site' },
      {
        path: '/listed',
        access: 'public',
        upstream,
        isolation: 'same_origin',
        cors: { origins: [app] },
      },
      { path: '/*', access: 'public', upstream },
    ],
  },
})
const [ofOrigin, ofSite, listed, open] = site.routes.all as [never, never, never, never]

type Sent = Readonly<Record<string, string>>

function check(route: never, headers: Sent, method = 'GET'): unknown {
  const checked = checkIsolation(visit('/', { method, headers }), route)
  return checked.ok ? 'passes' : checked.denial
}

const byMetadata = { reason: 'isolated', evidence: 'sec-fetch-site' }
const byOrigin = { reason: 'isolated', evidence: 'origin' }
const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const from = (where: string, more: Sent = {}) => ({ 'sec-fetch-site': where, ...more })

describe('an isolated route', () => {
  it('is loaded by its own pages, and visited from anywhere', () => {
    for (const route of [ofOrigin, ofSite]) {
      for (const near of ['same-origin', 'none']) {
        expect(check(route, from(near, { 'sec-fetch-mode': 'cors' }))).toBe('passes')
        expect(check(route, from(near), 'POST')).toBe('passes')
      }
      for (const far of ['cross-site', 'same-site'])
        expect(check(route, from(far, navigation))).toBe('passes')
    }
    expect(check(ofSite, from('same-site', { 'sec-fetch-mode': 'no-cors' }))).toBe('passes')
  })

  it('is nothing that another site can load', () => {
    expect(check(ofSite, from('same-origin'))).toBe('passes')
    const loads: Sent[] = [
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', origin: 'https://evil.example' },
      { 'sec-fetch-mode': 'websocket', 'sec-fetch-dest': 'websocket' },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'embed' },
      { 'sec-fetch-mode': 'navigate' },
      {},
    ]
    for (const load of loads) {
      for (const route of [ofOrigin, ofSite])
        expect(check(route, from('cross-site', load)), JSON.stringify(load)).toEqual(byMetadata)
      expect(check(ofOrigin, from('same-site', load)), JSON.stringify(load)).toEqual(byMetadata)
      expect(check(open, from('cross-site', load))).toBe('passes')
    }
    expect(check(ofSite, from('cross-site', navigation), 'POST')).toEqual(byMetadata)
    for (const unknown of ['', 'SAME-ORIGIN', 'same-origin, cross-site', 'x'])
      expect(check(ofSite, from(unknown)), unknown).toEqual(byMetadata)
  })

  it('goes by Origin where there is no fetch metadata, and lets programs pass', () => {
    for (const route of [ofOrigin, ofSite]) {
      expect(check(route, {})).toBe('passes')
      expect(check(route, { origin: 'https://shop.example.com' }, 'POST')).toBe('passes')
      for (const foreign of ['https://evil.example', app, 'null', ''])
        expect(check(route, { origin: foreign }), foreign).toEqual(byOrigin)
    }
  })

  it('is loaded by pages that the route lists', () => {
    const load = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
    expect(check(listed, from('cross-site', { ...load, origin: app }))).toBe('passes')
    expect(check(listed, { origin: app })).toBe('passes')
    expect(check(listed, from('cross-site', { ...load, origin: 'https://evil.example' }))).toEqual(
      byMetadata,
    )
  })

  it('lets no foreign page pass, whatever else the browser says of the request', () => {
    const value = fc.constantFrom(
      'navigate',
      'cors',
      'no-cors',
      'websocket',
      'document',
      'iframe',
      'x',
    )
    fc.assert(
      fc.property(value, value, fc.constantFrom('GET', 'POST', 'HEAD'), (mode, dest, method) => {
        const headers = from('cross-site', { 'sec-fetch-mode': mode, 'sec-fetch-dest': dest })
        const visits = mode === 'navigate' && dest === 'document' && method !== 'POST'
        expect(check(ofSite, headers, method)).toEqual(visits ? 'passes' : byMetadata)
      }),
    )
  })

  it('refuses before a credential is looked at, and tells caches what it goes by', async () => {
    const ports = makePorts()
    const pass = (headers: Sent) => passGateway(ports, { ...visit('/origin', { headers }), site })
    const honest = await pass(await signedIn(from('same-origin')))
    expect(honest.ok && honest.value.headers.get('vary')).toBe(
      'Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest, Origin',
    )
    expect(await pass(from('cross-site'))).toMatchObject({ denial: byMetadata })
    expect(ports.sent).toHaveLength(1)
  })
})
