import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { readOwnCookies, setsOwnCookie } from '../../../src/http/cookie.ts'
import { scrubAnswer } from '../../../src/http/scrub-answer.ts'
import { siteOf } from '../world/vars.ts'

const upstream = { url: 'https://app.internal.example' }
const site = siteOf({
  site: {
    routes: [
      { path: '/*', access: 'public', upstream },
      { path: '/partner/*', access: 'public', upstream },
    ],
  },
})
const [whole, partner] = site.routes.all as [never, never]
const names = site.cookies
const scrubbed = (written: Record<string, string>, route = whole) => {
  const headers = new Headers(written)
  scrubAnswer(headers, route).applyTo(headers)
  return Object.fromEntries(headers)
}

describe('what an origin answers', () => {
  it('passes as it is, where it is the origin’s to say', () => {
    const honest = {
      'cache-control': 'max-age=5',
      'content-security-policy': "default-src 'self'",
      'content-type': 'text/html',
      etag: '"1"',
      location: '/x',
      'strict-transport-security': 'max-age=1',
      vary: 'accept',
      'www-authenticate': 'Bearer',
      'x-own': '1',
    }
    expect(scrubbed(honest)).toEqual(honest)
  })

  it('says nothing about the connection, the host or the session', () => {
    expect(scrubbed({ 'x-own': '1' })).toEqual({ 'x-own': '1' })
    const refused = {
      'dpop-nonce': 'n',
      'Alt-Svc': 'h3="evil.example:443"',
      NEL: '{"report_to":"x","max_age":1}',
      'Sallyport-Response': 'true',
      'Secure-Session-Registration': '(ES256);path="/x"',
      'Sec-Session-Challenge': '"x"',
      'Proxy-Authenticate': 'Basic',
      'Keep-Alive': 'timeout=5',
      Upgrade: 'h2c',
      Connection: 'close, X-Hop',
      'X-Hop': '1',
    }
    expect(scrubbed({ ...refused, 'x-own': '1' })).toEqual({ 'x-own': '1' })
  })

  it('clears nothing but what an origin can fill', () => {
    const cleared = (value: string) => scrubbed({ 'clear-site-data': value })['clear-site-data']
    expect(cleared('"cache", "storage"')).toBe('"cache", "storage"')
    expect(cleared('"cookies"')).toBeUndefined()
    expect(cleared('"cache" ,\t"cookies"')).toBe('"cache"')
    expect(cleared('"*"')).toBe('"cache", "storage"')
    expect(cleared('*, cookies, "Cookies"')).toBeUndefined()
  })

  it('widens a service worker within the route alone', () => {
    const allowed = (value: string, route: never) =>
      scrubbed({ 'service-worker-allowed': value }, route)['service-worker-allowed']
    expect(allowed('/partner/', partner)).toBe('/partner/')
    expect(allowed('/', whole)).toBe('/')
    const wider = [
      '/',
      '/partners',
      '/partner/../',
      '/partner/%2e%2e/',
      '//evil.example/',
      '../',
      '',
    ]
    for (const scope of wider) expect(allowed(scope, partner), scope).toBeUndefined()
  })

  it('sets no cookie that comes back as one of ours, however it is written', () => {
    const theirs = ['theme=dark', 'sallyport=1', `theme=${names.access}=x`, '__Host-x=1; Path=/']
    for (const line of theirs) expect(setsOwnCookie(line), line).toBe(false)
    const lines = [
      ...[
        `${names.access}=x`,
        `\t${names.access} =x`,
        `=${names.access}=x`,
        ` = ${names.access}=x`,
      ],
      ...[names.access, `${names.login}7=x; Path=/`, `${names.access.toUpperCase()}=x`],
      ...[`\u00a0${names.refresh}=x`, `"${names.access}"=x`, `\u000b${names.access}\u0001=x`],
      `==${names.access}=x`,
    ]
    for (const line of lines) expect(setsOwnCookie(line), line).toBe(true)
  })

  it('leaves a browser that trims as it likes without a cookie of ours', () => {
    const noise = fc
      .array(fc.constantFrom(...' \t="\u000b\u00a0'), { maxLength: 4 })
      .map((characters) => characters.join(''))
    const name = fc.constantFrom(names.access, names.refresh, `${names.login}1`, 'theme')
    const mixed = (text: string, upper: boolean) => (upper ? text.toUpperCase() : text)
    fc.assert(
      fc.property(noise, name, noise, fc.boolean(), (before, own, after, upper) => {
        const line = `${before}${mixed(own, upper)}${after}=evil; Path=/`
        const headers = new Headers()
        headers.append('set-cookie', line)
        const kept = scrubAnswer(headers, whole).getSetCookie()
        // Browsers drop or trim what is around the pair, and send a cookie without a name as its value
        const pairs = kept.map((cookie) => cookie.split(';')[0]!.replaceAll(/^[\s="]+/g, ''))
        const cookies = readOwnCookies(pairs.join('; ').replaceAll(/[\s"]+/g, ''), names)
        expect(cookies).toMatchObject({
          ok: true,
          value: { access: undefined, refresh: undefined },
        })
        expect(cookies.ok && cookies.value.logins.size).toBe(0)
      }),
    )
  })
})
