import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { addForwarded, scrubHeaders } from '../../../src/http/scrub.ts'
import { siteOf } from '../world/vars.ts'

const site = siteOf({ site: { identity_headers: ['x-shop-customer'] } })
const { cookies: names } = site
const scrubbed = (headers: Record<string, string>) =>
  Object.fromEntries(scrubHeaders(new Headers(headers), site))

describe('what a client says about itself', () => {
  it('arrives at the origin where it is nobody else’s to say', () => {
    const honest = {
      accept: '*/*',
      'x-trace': '1',
      'content-type': 'text/plain',
      range: 'bytes=0-1',
    }
    expect(scrubbed(honest)).toEqual(honest)
  })

  it('never arrives as an identity, in any spelling of the name', () => {
    expect(scrubbed({ 'x-usertype': 'plain' })).toEqual({ 'x-usertype': 'plain' })
    const spoofed = [
      [
        'Authorization',
        'X-User',
        'X_User',
        'x_USER',
        'X.User',
        'X!User',
        'Remote-User',
        'REMOTE_USER',
      ],
      ['X-Forwarded-User', 'X_Forwarded_User', 'X-Forwarded_Email', 'X-Forwarded-For'],
      ['X-Auth-Request-Email', 'X_Auth_Request_User', 'Forwarded', 'Via'],
      ['Sallyport-Assertion', 'Sallyport_Assertion', 'X-Sallyport-User'],
      ['Cf-Access-Jwt-Assertion', 'X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override'],
      ['X-Shop-Customer', 'x_shop_customer', 'X-Real-IP', 'True-Client-IP', 'Host'],
    ].flat()
    for (const name of spoofed) expect(scrubbed({ [name]: 'admin' }), name).toEqual({})
  })

  it('never arrives under a listed name, however its case and separators are mixed', () => {
    const name = fc.constantFrom('x-forwarded-user', 'x-shop-customer', 'sallyport-assertion')
    fc.assert(
      fc.property(name, fc.infiniteStream(fc.boolean()), (listed, choices) => {
        const next = () => choices.next().value as boolean
        const mixed = [...listed]
          .map((c) => (c === '-' && next() ? '_' : next() ? c.toUpperCase() : c))
          .join('')
        expect(scrubbed({ [mixed]: 'admin', accept: '*/*' })).toEqual({ accept: '*/*' })
      }),
    )
  })

  it('takes no other address, method or host along than the one that was judged', () => {
    const honest = {
      'x-requested-with': 'fetch',
      origin: 'https://a.example',
      'x-api-version': '2',
    }
    expect(scrubbed(honest)).toEqual(honest)
    const rewriting = [
      ...['X-Original-URL', 'X-Rewrite-URL', 'X-Original-Host', 'X-Host', 'X-Request-Uri'],
      ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Matched-Path'],
      ...[
        'X-Middleware-Subrequest',
        'X-Invoke-Path',
        'X-Accel-Mapping',
        'X-Sendfile-Type',
        'Proxy',
      ],
      ...['X-Forwarded-Prefix', 'X-Forwarded-Proto', 'Front-End-Https', 'HTTP2-Settings'],
    ]
    for (const name of rewriting) expect(scrubbed({ [name]: '/admin' }), name).toEqual({})
  })

  it('brings no proof of its own: ours is for our token', () => {
    expect(scrubbed({ 'x-trace': '1' })).toEqual({ 'x-trace': '1' })
    for (const name of ['DPoP', 'dpop', 'D_PoP', 'Authorization'])
      expect(scrubbed({ [name]: 'DPoP x' }), name).toEqual({})
  })

  it('does not speak as the platform', () => {
    expect(scrubbed({ 'x-country': 'GB' })).toEqual({ 'x-country': 'GB' })
    const platform = [
      ...['CF-Connecting-IP', 'CF-IPCountry', 'CF-Ray', 'CF-Worker', 'CF-Access-Jwt-Assertion'],
      ...['Cloudflare-Workers-Version-Overrides', 'Cloudflare-Workers-Version-Key', 'CF-Visitor'],
    ]
    for (const name of platform) expect(scrubbed({ [name]: '1' }), name).toEqual({})
  })

  it('never arrives under a name that an origin could fold into one of ours, or of HTTP’s', () => {
    const folded = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
    const ours = [
      'sallyport-assertion',
      'x-forwarded-for',
      'authorization',
      'content-length',
      'host',
    ]
    const joint = fc.constantFrom('-', '_', '.', '!', '~', '')
    const name = fc
      .array(fc.tuple(fc.constantFrom(...ours, 'x', 'user', 'cf', 'Ray'), joint), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => parts.flat().join(''))
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), (written) => {
        const headers = new Headers(written.map((one) => [one, 'evil'] as [string, string]))
        for (const kept of scrubHeaders(headers, site).keys()) {
          expect(kept).toMatch(/^[a-z0-9-]+$/)
          if (kept !== 'content-length') expect(ours).not.toContain(folded(kept))
        }
      }),
    )
  })

  it('may nominate what no header is called, to no effect', () => {
    const connection = 'close, , a b, x-\u00e9, "x-trace"'
    expect(scrubbed({ connection, 'x-trace': '1' })).toEqual({ 'x-trace': '1' })
  })

  it('cannot make a header of ours hop-by-hop by nominating it', () => {
    expect(scrubbed({ connection: 'keep-alive', 'x-trace': '1' })).toEqual({ 'x-trace': '1' })
    const headers = scrubHeaders(
      new Headers({
        connection: 'close, X-Trace, Sallyport-Assertion, x-forwarded-for',
        'x-trace': '1',
      }),
      site,
    )
    // The nominated are gone, and the nomination too: nothing nominates what is added now
    expect(Object.fromEntries(headers)).toEqual({})
    headers.set('sallyport-assertion', 'ours')
    const request = new Request('https://shop.example.com/', {
      headers: { 'cf-connecting-ip': '192.0.2.7' },
    })
    addForwarded(headers, request, new URL(request.url))
    expect(Object.fromEntries(headers)).toEqual({
      'sallyport-assertion': 'ours',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-host': 'shop.example.com',
      'x-forwarded-proto': 'https',
    })
  })

  it('does not take the session along', () => {
    expect(scrubbed({ cookie: `a=1; ${names.access}=A; ${names.refresh}=R` })).toEqual({
      cookie: 'a=1',
    })
    expect(scrubbed({ cookie: `${names.access}=A` })).toEqual({})
    // Another spelling of the header's name is not a way around
    expect(scrubbed({ cookie: 'a=1', Cookie_: `${names.access}=A` })).toHaveProperty(
      'cookie',
      'a=1',
    )
  })

  it('does not say where the request came from', () => {
    const request = new Request('https://shop.example.com/', {
      headers: { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-host': 'evil.example' },
    })
    const headers = scrubHeaders(request.headers, site)
    addForwarded(headers, request, new URL(request.url))
    expect(headers.get('x-forwarded-for')).toBeNull()
    expect(headers.get('x-forwarded-host')).toBe('shop.example.com')
  })
})
