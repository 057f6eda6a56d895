import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { canonicalUrl, pathFlaw } from '../../../src/http/canonical-url.ts'
import { siteOf } from '../world/vars.ts'

const origin = 'https://shop.example.com'

function flawOf(path: string): string | undefined {
  const url = canonicalUrl(origin + path)
  if (url.ok) return undefined
  return url.denial.reason === 'url_ambiguous' ? url.denial.flaw : url.denial.reason
}

describe('a path that has one reading', () => {
  it.each([
    '',
    '/',
    '/api/orders/7',
    '/a/',
    "/-._~!$&'()*+,=:@",
    '/with%20space',
    '/ada%40example.com',
    '/caf%C3%A9/%F0%9F%9B%B6',
    '/.well-known/jwks.json',
    '/.a/..b',
    '/search?q=/../%2f;//\\',
    '?q',
  ])('passes as it came: %s', (path) => {
    const url = canonicalUrl(origin + path)
    expect(url.ok && url.value.href).toBe(new URL(path, origin).href)
  })
})

describe('the common case', () => {
  const site = siteOf()
  const sites = new Map([['shop.example.com', site]])
  /** What the standard's parser makes of it. */
  const parsed = (url: string) => {
    const { href, origin: own, protocol, host, pathname, search } = new URL(url)
    return { href, origin: own, protocol, host, pathname, search }
  }

  it('is read without a parser as the parser reads it', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_~.-]{0,6}$/)
    const query = fc.stringMatching(/^(?:\?[ -~\u00e9]{0,12})?$/)
    const scheme = fc.constantFrom('https', 'http')
    const host = fc.constantFrom('shop.example.com', 'SHOP.example.com', 'other.example.com')
    const port = fc.constantFrom('', ':443', ':80', ':8443')
    fc.assert(
      fc.property(scheme, host, port, fc.array(segment), query, (...[by, at, on, path, asked]) => {
        const url = `${by}://${at}${on}/${path.join('/')}${asked}`
        const quick = canonicalUrl(url, { sites })
        const slow = canonicalUrl(url)
        expect(quick).toEqual(slow)
        if (quick.ok) expect(quick.value).toEqual(parsed(url))
      }),
      { numRuns: 2000 },
    )
  })

  it('is that of a host which the request names twice the same way', () => {
    const url = 'https://shop.example.com/a'
    expect(canonicalUrl(url, { sites, host: 'shop.example.com' })).toMatchObject({ ok: true })
    expect(canonicalUrl(url, { sites, host: 'other.example.com' })).toMatchObject({
      denial: { reason: 'url_ambiguous', flaw: 'host' },
    })
  })
})

describe('a path that an origin might read in another way', () => {
  const attacks: Record<string, string> = {
    '/public/../api': 'dot_segment',
    '/public/./api': 'dot_segment',
    '/public/..': 'dot_segment',
    '/public/%2e%2e/api': 'encoded_dot',
    '/public/%2E./api': 'encoded_dot',
    '/public/..%2fapi': 'encoded_slash',
    '/public/..%5capi': 'encoded_backslash',
    '/public/..;/api': 'path_parameter',
    '/api;x=1/orders': 'path_parameter',
    '/api%3bx': 'path_parameter',
    '//api': 'empty_segment',
    '/public//api': 'empty_segment',
    '/api//': 'empty_segment',
    '/public\\..\\api': 'backslash',
    '\\api': 'relative',
    '/public/%252e%252e/api': 'double_encoding',
    '/api%00.html': 'control',
    '/api%0d%0aX:1': 'control',
    '/api%7f': 'control',
    '/api%3fx': 'encoded_delimiter',
    '/api%23x': 'encoded_delimiter',
    '/%61pi': 'encoded_unreserved',
    '/api/%7euser': 'encoded_unreserved',
    '/api%': 'escape',
    '/api%2': 'escape',
    '/api%zz': 'escape',
    '/api%u002f': 'escape',
    '/api%c0%af': 'utf8',
    '/api%e0%80%af': 'utf8',
    '/api%ff': 'utf8',
    '/api%ed%a0%80': 'utf8',
    '/api%EF%BC%8F': 'lookalike',
    '/api%E2%80%AE': 'control',
    '/api%C2%85': 'control',
    '/api.': 'trailing_dot_or_space',
    '/api%20/x': 'trailing_dot_or_space',
    '/%20api': 'leading_space',
    '/a%E2%84%80b': 'lookalike',
    '/api%E3%80%80': 'lookalike',
    '/api%CD%BEx': 'lookalike',
    '/api%E2%80%A6': 'lookalike',
    '/ap%C2%ADi': 'control',
    '/a?b\tc': 'query',
    '/a?b\u00e9': 'query',
    '/api[1]': 'character',
    '/api|x': 'character',
    '/api x': 'character',
    '/apï': 'character',
    '/api\tx': 'character',
    '/api#fragment': 'fragment',
    '/api?x#fragment': 'fragment',
  }

  it.each(Object.entries(attacks))('is refused: %j is %s', (path, flaw) => {
    expect(flawOf('/public/api')).toBeUndefined()
    expect(flawOf(path)).toBe(flaw)
  })

  it('is refused when it hides behind credentials', () => {
    expect(canonicalUrl('https://shop.example.com@evil.example/')).toEqual({
      ok: false,
      denial: { reason: 'url_ambiguous', flaw: 'userinfo' },
    })
  })

  it('is refused when it is longer than any honest one', () => {
    expect(flawOf(`/${'a'.repeat(8000)}`)).toBeUndefined()
    expect(flawOf(`/${'a'.repeat(8192)}`)).toBe('length')
  })
})

it('refuses a path with an encoded slash', () => {
  expect(flawOf('/api/orders/7')).toBeUndefined()
  expect(flawOf('/api/orders%2f7')).toBe('encoded_slash')
  expect(flawOf('/api/orders%2F7')).toBe('encoded_slash')
})

it('reads a path as the platform does, so that what is judged is what is forwarded', () => {
  const piece = fc.constantFrom(...'/.%2eEfFcC5;\\?#ab~-_ \t'.split(''), '%2e', '%2f', '..', '//')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join('')}`
      const url = canonicalUrl(origin + path)
      if (!url.ok) return
      const written = path.split('?')[0]!
      expect(url.value.pathname).toBe(written)
      // Decoding once, and once more, finds no segment that was not there
      const decoded = decodeURIComponent(written)
      expect(decoded.split('/')).toHaveLength(written.split('/').length)
      expect(new URL(decoded.replaceAll(' ', '_'), origin).pathname.split('/')).toHaveLength(
        written.split('/').length,
      )
    }),
    { numRuns: 3000 },
  )
})

it('lets no escape lead around the rule of a protected path', () => {
  const { routes } = siteOf()
  const ruleOf = (path: string) => {
    const match = routes.match(path, 'GET')
    return match.kind === 'route' ? match.route.path : match.kind
  }
  expect(ruleOf('/api/orders')).toBe('/api/*')
  // An origin reads all of these as /api/orders
  for (const path of ['/%61pi/orders', '/a%70i/orders', '/%61%70%69/orders', '/ap%69']) {
    const rule = pathFlaw(path) === undefined ? ruleOf(path) : 'refused'
    expect(['refused', '/api/*'], path).toContain(rule)
  }
})
