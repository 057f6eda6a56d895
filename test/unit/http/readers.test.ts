/** What origins make of a path that passed: models of common readers, none of which may meet another route. */
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { canonicalUrl } from '../../../src/http/canonical-url.ts'
import { readers } from '../world/readers.ts'
import { siteOf } from '../world/vars.ts'

const upstream = { url: 'https://app.internal.example' }
const routes = [
  { path: '/*', access: 'public', upstream, path_parameters: true },
  { path: '/api/*', access: 'session', upstream, path_parameters: true },
  { path: '/api/orders', access: 'session', upstream },
  { path: '/api/orders/:id', access: 'session', upstream, path_parameters: true },
  { path: '/public/:name', access: 'public', upstream },
  { path: '/public/me', access: 'session', upstream },
  { path: '/a/*', access: 'session', upstream, path_parameters: true },
  { path: '/k/*', access: 'session', upstream },
]
const site = siteOf({ site: { routes } })
const sites = new Map([['shop.example.com', site]])
const origin = 'https://shop.example.com'

/** The route that a path as some reader has it belongs to. */
function routeOf(path: string): string {
  const written = path
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%3B', ';'))
    .join('/')
  const match = site.routes.match(written, 'GET')
  return match.kind === 'route' ? match.route.path : match.kind
}

const words = [
  ...[
    'api',
    'API',
    'Api',
    '%61pi',
    '%EF%BD%81pi',
    'orders',
    'public',
    'me',
    'ME',
    'k',
    '%E2%84%AA',
  ],
  ...['..', '.', '%2e%2e', '%2e.', '%2f', '%5c', '%252e', '%252f', '%00', '%0a', '%20', '%7f', '.'],
  ...[
    ';',
    ';x=1',
    ';x=1',
    ';y',
    ';/',
    '%3b',
    '%3f',
    '%23',
    '%c0%af',
    '%ff',
    '%E2%84%80',
    '%EF%BC%8F',
    '%CD%BE',
  ],
  ...[
    '%E2%80%A6',
    '%C2%AD',
    '%E3%80%80',
    'é',
    '%C3%A9',
    '7',
    'a.b',
    '~',
    '+',
    ':',
    '@',
    '=',
    '/',
    '//',
  ],
  ...['\\', '?', '#', ' ', '\t', '%', '%zz', 'auth', 'AUTH'],
]
const word = fc.constantFrom(...words)
const joint = fc.constantFrom('/', '/', '/', '')
const path = fc.array(fc.tuple(joint, word), { minLength: 1, maxLength: 6 }).map(
  (pieces) =>
    `/${pieces
      .map(([glue, piece]) => glue + piece)
      .join('')
      .replace(/^\//, '')}`,
)
// Most origins decode before anything else
const reading = fc
  .tuple(
    fc.boolean(),
    fc.uniqueArray(fc.constantFrom(...Object.keys(readers)), { minLength: 1, maxLength: 5 }),
  )
  .map(([decodes, names]) => (decodes ? ['decodes once', ...names] : names))

it('judges what is forwarded, whichever way an origin reads it', () => {
  let [passed, parameters] = [0, 0]
  fc.assert(
    fc.property(path, reading, (written, names) => {
      const url = canonicalUrl(origin + written, { sites })
      if (!url.ok) return
      const { pathname } = url.value
      // The very text that was looked at goes out
      expect(pathname).toBe(written.split('?')[0])
      const judged = site.routes.match(pathname, 'GET')
      if (judged.kind !== 'route') return
      passed += 1
      if (pathname.includes(';')) parameters += 1
      const read = names.reduce((text, name) => readers[name]!(text), pathname)
      expect(routeOf(read), `${names.join(', ')}: ${pathname} -> ${read}`).toBe(judged.route.path)
    }),
    { numRuns: 15_000 },
  )
  expect(passed).toBeGreaterThan(300)
  expect(parameters).toBeGreaterThan(5)
})

it('judges what is forwarded for plain text of any kind', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 5 }), { maxLength: 4 }),
      reading,
      (segments, names) => {
        const url = canonicalUrl(`${origin}/${segments.map(encodeURIComponent).join('/')}`, {
          sites,
        })
        if (!url.ok) return
        const judged = site.routes.match(url.value.pathname, 'GET')
        if (judged.kind !== 'route') return
        const read = names.reduce((text, name) => readers[name]!(text), url.value.pathname)
        expect(routeOf(read), read).toBe(judged.route.path)
      },
    ),
    { numRuns: 5000 },
  )
})

it('lets parameters through where the route says so, and the path without them is the same route’s', () => {
  const flawOf = (written: string) => {
    const url = canonicalUrl(origin + written, { sites })
    return url.ok ? undefined : url.denial
  }
  for (const honest of ['/api/x;v=1', '/api/orders/7;jsessionid=A1', '/b;b=c?d;e'])
    expect(flawOf(honest), honest).toBeUndefined()
  const refused = { reason: 'url_ambiguous', flaw: 'path_parameter' }
  const attacks = [
    ...[
      '/api;v=1/x',
      '/api/;/x',
      '/public/me;x',
      '/public/you;x',
      '/api/orders;x',
      '/;x',
      '/api/;x',
    ],
    ...['/API/x;v', '/auth;x', '/auth/login;x', '/api/x%3bv=1', '/a;b/c'],
  ]
  for (const attack of attacks) expect(flawOf(attack), attack).toEqual(refused)
  expect(flawOf('/api/..;x')).toMatchObject({ flaw: 'dot_segment' })
  expect(flawOf('/api/x;v=%2e%2e')).toMatchObject({ flaw: 'encoded_dot' })
  expect(flawOf('/api/x;..')).toMatchObject({ flaw: 'trailing_dot_or_space' })
  // Without a site that says so, none passes
  expect(canonicalUrl(`${origin}/api/x;v=1`)).toMatchObject({ denial: refused })
})

it('takes no request whose Host header names another host than its address', () => {
  const flawOf = (host: string) => {
    const url = canonicalUrl(`${origin}/x`, { host })
    return url.ok ? undefined : url.denial.reason === 'url_ambiguous' && url.denial.flaw
  }
  for (const host of ['shop.example.com', 'SHOP.example.com', 'shop.example.com:443'])
    expect(flawOf(host), host).toBeUndefined()
  const others = [
    ...[
      'evil.example',
      'shop.example.com.evil.example',
      'evil@shop.example.com',
      'shop.example.com:8443',
    ],
    ...[
      'shop.example.com, evil.example',
      'shop.example.com/x',
      ' ',
      '',
      'shop.example.com#',
      '[::1]',
    ],
  ]
  for (const host of others) expect(flawOf(host), host).toBe('host')
})
