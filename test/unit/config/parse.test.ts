import { describe, expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'

import { parseConfig } from '../../../src/config/parse.ts'
import {
  otherSealKey,
  sealKey,
  siteOf,
  varsOf,
  writtenProvider,
  writtenSite,
} from '../world/vars.ts'

type Changes = Parameters<typeof varsOf>[0]

function problemsOf(env: Record<string, unknown>): Record<string, string> {
  const parsed = parseConfig(env)
  if (parsed.ok) return {}
  return Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

const pathsOf = (changes: Changes) => Object.keys(problemsOf(varsOf(changes)))
const route = (changes: Record<string, unknown>) => ({
  path: '/*',
  access: 'session',
  upstream: { url: 'https://app.internal.example' },
  ...changes,
})
const routes = (...some: Record<string, unknown>[]) => ({ site: { routes: some.map(route) } })

describe('a good configuration', () => {
  it('is parsed with its defaults', () => {
    const site = siteOf()
    expect(site).toMatchObject({
      id: 'shop',
      basePath: '/auth',
      development: false,
      session: { access: 300, idle: 1800, absolute: 43_200, grace: 30 },
      login: { lifetime: 600, returnTo: '/' },
      assertion: { lifetime: 120, issuer: 'https://shop.example.com' },
    })
    expect(site.provider).toMatchObject({ idTokenAlgorithm: 'RS256', insecure: false, timeout: 5 })
  })

  it('is the wrangler.toml that users edit', () => {
    const path = `${import.meta.dirname}/../../../wrangler.toml`
    const { vars } = unstable_readConfig({ config: path })
    expect(problemsOf({ ...vars, SEAL_KEYS: sealKey, MAIN_CLIENT_SECRET: 'secret' })).toEqual({})
  })

  it('may be a development site on loopback, over http throughout', () => {
    const site = siteOf({
      provider: { issuer: 'http://localhost:9000' },
      site: {
        hosts: ['localhost:8787', '127.0.0.1:8787', '[::1]:8787'],
        development: true,
        cookies: { secure: false },
        routes: [route({ upstream: { url: 'http://127.0.0.1:3000' } })],
      },
    })
    expect(site.assertion.issuer).toBe('http://localhost:8787')
    expect(site.cookies.attributes).toBe('Path=/; HttpOnly; SameSite=Lax')
  })

  it('never prints a secret', () => {
    const parsed = parseConfig(varsOf())
    expect(JSON.stringify(parsed)).not.toContain('the client secret')
  })
})

describe('a bad configuration', () => {
  it('has every problem told at once, each with its path', () => {
    const problems = problemsOf({
      PROVIDERS: [{ ...writtenProvider, id: 'Main', client_auth: 'jwt', secret: 'x' }],
      SITES: [
        { ...writtenSite, hosts: [], sesion: {}, session: { idle: '1 hour' } },
        { ...writtenSite, routes: [route({ path: 'x', methods: ['get'], access: 'open' })] },
      ],
      SEAL_KEYS: 'short',
    })
    expect(Object.keys(problems).toSorted()).toEqual([
      'PROVIDERS[0].client_auth',
      'PROVIDERS[0].id',
      'PROVIDERS[0].secret',
      'SEAL_KEYS[0]',
      'SITES[0].hosts',
      'SITES[0].sesion',
      'SITES[0].session.idle',
      'SITES[1].routes[0].access',
      'SITES[1].routes[0].methods[0]',
      'SITES[1].routes[0].path',
    ])
    expect(problems['SITES[0].sesion']).toContain('is not a key that Sallyport knows')
  })

  it.each([{}, { PROVIDERS: 1, SITES: null }, { PROVIDERS: [], SITES: [[]] }])(
    'never throws: %j',
    (env) => {
      expect(parseConfig(env).ok).toBe(false)
    },
  )

  it('does not take a key of Object.prototype for one of its own', () => {
    expect(pathsOf({ site: { constructor: 1, toString: 1 } })).toEqual([
      'SITES[0].constructor',
      'SITES[0].toString',
    ])
  })
})

describe('the rules that concern several keys', () => {
  const cases: Record<string, [Changes, string]> = {
    'SEAL_KEYS has a key': [{ env: { SEAL_KEYS: '' } }, 'SEAL_KEYS'],
    'no seal key stands twice': [{ env: { SEAL_KEYS: `${sealKey},${sealKey}` } }, 'SEAL_KEYS'],
    'an issuer is https': [
      { provider: { issuer: 'http://id.example.com' } },
      'PROVIDERS[0].issuer',
    ],
    'openid is among the scopes': [{ provider: { scopes: ['email'] } }, 'PROVIDERS[0].scopes'],
    'private_key goes with private_key_jwt': [
      { provider: { private_key: { secret: 'MAIN_CLIENT_SECRET' } } },
      'PROVIDERS[0].private_key',
    ],
    'client_secret does not go with private_key_jwt': [
      { provider: { client_auth: 'private_key_jwt', private_key: { secret: 'SEAL_KEYS' } } },
      'PROVIDERS[0].client_secret',
    ],
    'client_secret does not go with none': [
      { provider: { client_auth: 'none' } },
      'PROVIDERS[0].client_secret',
    ],
    'a named secret is set': [
      { env: { MAIN_CLIENT_SECRET: undefined } },
      'PROVIDERS[0].client_secret',
    ],
    'a needed secret is named': [
      { provider: { client_secret: undefined, client_auth: 'private_key_jwt' } },
      'PROVIDERS[0].client_secret',
    ],
    'a site has a provider': [{ site: { provider: 'nobody' } }, 'SITES[0].provider'],
    'idle is twice access or more': [
      { site: { session: { idle: '599s' } } },
      'SITES[0].session.idle',
    ],
    'absolute is idle or more': [
      { site: { session: { absolute: '29m' } } },
      'SITES[0].session.absolute',
    ],
    'grace is less than access': [
      { site: { session: { access: '30s' } } },
      'SITES[0].session.grace',
    ],
    'development is on loopback': [{ site: { development: true } }, 'SITES[0].development'],
    'cookies are secure': [{ site: { cookies: { secure: false } } }, 'SITES[0].cookies.secure'],
    'a plain http provider is for development': [
      { provider: { issuer: 'http://localhost:9000' } },
      'SITES[0].provider',
    ],
    'no route lies under base_path': [routes({ path: '/auth/*' }), 'SITES[0].routes[0].path'],
    'an assertion has somebody to assert': [
      routes({ access: 'public', forward: { assertion: { audience: 'a' } } }),
      'SITES[0].routes[0].forward',
    ],
    'a pattern is one that can match': [routes({ path: '/*/x' }), 'SITES[0].routes[0].path'],
    'two routes have no pattern in common': [routes({}, {}), 'SITES[0].routes[1].path'],
    'an upstream is one thing': [
      routes({ upstream: { url: 'https://a.example', service: 'B' } }),
      'SITES[0].routes[0].upstream',
    ],
    'an upstream is something': [routes({ upstream: {} }), 'SITES[0].routes[0].upstream'],
    'an upstream URL has no credentials': [
      routes({ upstream: { url: 'https://user@a.example' } }),
      'SITES[0].routes[0].upstream.url',
    ],
    'an upstream is https': [
      routes({ upstream: { url: 'http://localhost:3000' } }),
      'SITES[0].routes[0].upstream.url',
    ],
    'an upstream is not this site': [
      routes({ upstream: { url: 'https://shop.example.com' } }),
      'SITES[0].routes[0].upstream.url',
    ],
    'a binding exists': [
      routes({ upstream: { service: 'API' } }),
      'SITES[0].routes[0].upstream.service',
    ],
  }

  it.each(Object.entries(cases))('%s', (_rule, [changes, path]) => {
    expect(pathsOf(changes)).toContain(path)
  })

  it('no two providers, sites or hosts have one name', () => {
    const problems = problemsOf({
      ...varsOf(),
      PROVIDERS: [writtenProvider, writtenProvider],
      SITES: [writtenSite, writtenSite],
      SEAL_KEYS: `${sealKey}, ${otherSealKey}`,
    })
    expect(Object.keys(problems)).toEqual(['PROVIDERS[1].id', 'SITES[1].id', 'SITES[1].hosts'])
  })

  it('refuses extra parameters that would take the place of its own', () => {
    expect(pathsOf({ provider: { parameters: { audience: 'shop', resource: 'x' } } })).toEqual([])
    for (const name of ['redirect_uri', 'state', 'nonce', 'code_challenge', 'scope', 'request']) {
      expect(pathsOf({ provider: { parameters: { [name]: 'x' } } })).toEqual([
        `PROVIDERS[0].parameters.${name}`,
      ])
    }
  })
})

it('gives its cookies names that no sibling domain, plain page or script can set', () => {
  const { cookies } = siteOf()
  for (const name of [cookies.access, cookies.refresh, cookies.login]) {
    expect(name).toMatch(/^__Host-Http-/)
  }
  expect(cookies.attributes).toBe('Path=/; Secure; HttpOnly; SameSite=Lax')
  expect(siteOf({ site: { cookies: { same_site: 'strict' } } }).cookies.attributes).toContain(
    'SameSite=Strict',
  )
})

it('names two routes that match the same paths, of which neither is more specific, if their rules differ', () => {
  const [mine, posts] = [{ path: '/users/me/:what' }, { path: '/users/:id/posts' }]
  expect(pathsOf(routes(mine, posts))).toEqual([])
  const open = { ...posts, access: 'public' }
  for (const both of [routes(mine, open), routes(open, mine)]) {
    const mend = problemsOf(varsOf(both))['SITES[0].routes']
    expect(mend).toContain('"/users/me/:what"')
    expect(mend).toContain('"/users/:id/posts"')
    expect(mend).toContain('match /users/me/posts')
  }
  expect(pathsOf(routes(mine, { ...posts, revocation: { strict: true } }))).toHaveLength(1)
  expect(pathsOf(routes(mine, open, { path: '/users/me/posts' }))).toEqual([])
})

it('reserves its own paths, so that no route has them in any spelling', () => {
  const { routes: table } = siteOf()
  expect(table.match('/other', 'GET').kind).toBe('route')
  for (const path of ['/auth', '/auth/x', '/.well-known/jwks.json/', '/.well-known/jwks.json'])
    expect(table.match(path, 'GET').kind, path).toBe('none')
  for (const path of ['/Auth', '/AUTH/login', '/.Well-Known/jwks.json'])
    expect(table.match(path, 'GET').kind, path).toBe('ambiguous')
})

describe('cors', () => {
  const of = (cors: unknown, more: Record<string, unknown> = {}) =>
    pathsOf(routes({ cors, ...more }))
  const at = (key: string) => [`SITES[0].routes[0].cors.${key}`]
  const app = 'https://app.example.com'

  it('names exact origins', () => {
    expect(of({ origins: [app, 'https://app.example.com:8443'], credentials: true })).toEqual([])
    const bad = [
      ...['https://app.example.com/', 'https://App.example.com', 'https://app.example.com:443'],
      ...[
        'http://app.example.com',
        'http://localhost:3000',
        'app.example.com',
        'null',
        'https://*.example.com',
      ],
    ]
    for (const origin of bad) expect(of({ origins: [origin] }), origin).toEqual(at('origins[0]'))
    expect(of({ origins: [] })).toEqual(at('origins'))
    expect(of({})).toEqual(at('origins'))
  })

  it('is for everybody only where nobody’s session can be meant', () => {
    const open = { access: 'public' }
    expect(of({ origins: ['*'] }, open)).toEqual([])
    expect(of({ origins: ['*'] })).toEqual(at('origins'))
    expect(of({ origins: ['*'] }, { access: { any: ['anonymous', 'session'] } })).toEqual(
      at('origins'),
    )
    expect(of({ origins: ['*'], credentials: true }, open)).toEqual(at('credentials'))
    expect(of({ origins: ['*', app] }, open)).toEqual(at('origins'))
  })

  it('names methods that the route has', () => {
    const methods = ['GET', 'PUT']
    expect(of({ origins: [app], methods: ['PUT'] }, { methods })).toEqual([])
    expect(of({ origins: [app], methods: ['DELETE'] }, { methods })).toEqual(at('methods'))
    expect(of({ origins: [app], headers: ['*'] })).toEqual(at('headers[0]'))
  })
})

it('does not isolate a route that every page may read', () => {
  const open = { access: 'public', isolation: 'same_site' }
  expect(pathsOf(routes({ ...open, cors: { origins: ['https://app.example.com'] } }))).toEqual([])
  const both = routes({ ...open, cors: { origins: ['*'] } })
  expect(pathsOf(both)).toEqual(['SITES[0].routes[0].isolation'])
})

describe('page_headers', () => {
  const of = (headers: Record<string, unknown>) => pathsOf({ site: { page_headers: headers } })
  const at = (key: string) => [`SITES[0].page_headers.${key}`]

  it('are what a browser understands', () => {
    const good = {
      content_security_policy: "script-src 'nonce-{nonce}'",
      frame_ancestors: ['self'],
    }
    expect(of(good)).toEqual([])
    expect(of({ strict_transport_security: 'max-age=1; includeSubDomains; preload' })).toEqual([])
    expect(of({ strict_transport_security: 'forever' })).toEqual(at('strict_transport_security'))
    expect(of({ frame_ancestors: ['none', 'self'] })).toEqual(at('frame_ancestors'))
    expect(of({ frame_ancestors: ['http://a.example'] })).toEqual(at('frame_ancestors[0]'))
    expect(of({ permissions_policy: 'camera=()\r\nx: y' })).toEqual(at('permissions_policy'))
    for (const policy of ["frame-ancestors 'self'", "a; Frame-Ancestors 'self'", 'a, b', 'a;', 'ü'])
      expect(of({ content_security_policy: policy }), policy).toEqual(at('content_security_policy'))
  })

  it('pin https nowhere in development', () => {
    const headersOf = (more: Record<string, unknown>) =>
      siteOf({ site: { page_headers: {}, ...more } }).routes.all[0]!.pageHeaders!.always
    expect(headersOf({}).get('strict-transport-security')).toBe('max-age=31536000')
    const local = { hosts: ['localhost:8787'], development: true }
    expect(headersOf(local).get('strict-transport-security')).toBeUndefined()
  })
})

describe('revocation', () => {
  const bearer = { any: ['bearer'], audience: 'api' }
  const issuers = { ISSUERS: [{ id: 'as', issuer: 'https://as.example', algorithms: ['ES256'] }] }
  const withRoute = (revocation: unknown) => ({
    ...routes({ access: bearer, revocation }),
    env: issuers,
  })

  it('has a bound of ten seconds, and is closed when unsure', () => {
    const { revocation } = siteOf({ ...routes({ access: bearer }), env: issuers }).routes.all[0]!
    expect(revocation).toEqual({
      bound: 10,
      whenUnsure: 'closed',
      strict: false,
      watchConnections: true,
    })
    expect(siteOf().longest).toEqual({ edge: 300, session: 43_200 })
  })

  it('has a bound within limits, and is never strict and open at once', () => {
    expect(pathsOf(withRoute({ bound: '2s', when_unsure: 'open' }))).toEqual([])
    expect(pathsOf(withRoute({ bound: '1s' }))).toEqual(['SITES[0].routes[0].revocation.bound'])
    expect(pathsOf(withRoute({ strict: true }))).toEqual([])
    expect(pathsOf(withRoute({ strict: true, when_unsure: 'open' }))).toEqual([
      'SITES[0].routes[0].revocation.when_unsure',
    ])
    const sharded = (shards: unknown) => pathsOf({ env: { REVOCATION: { shards } } })
    expect(sharded(64)).toEqual([])
    for (const shards of [0, 65, 1.5, '2']) expect(sharded(shards)).toEqual(['REVOCATION.shards'])
  })

  it('takes for operators only tokens that are asked for something', () => {
    const operators = (operator: unknown) => pathsOf({ site: { operator }, env: issuers })
    const good = { any: ['machine'], audience: 'operator', scopes: ['marks'] }
    expect(operators(good)).toEqual([])
    expect(operators({ ...good, any: ['session', 'machine'] })).toEqual(['SITES[0].operator.any'])
    expect(operators({ any: ['machine'], audience: 'operator' })).toEqual(['SITES[0].operator'])
    expect(operators({ any: ['machine'], scopes: ['marks'] })).toEqual([
      'SITES[0].operator.audience',
    ])
    const [first] = issuers.ISSUERS
    const second = { ...first, id: 'other', issuer: 'https://other.example' }
    const several = { site: { operator: good }, env: { ISSUERS: [first, second] } }
    expect(pathsOf(several)).toEqual(['SITES[0].operator.issuers'])
  })

  it('hears events of an issuer that signs', () => {
    const events = (issuer: string) =>
      pathsOf({ site: { events: { issuer, audience: 'shop' } }, env: issuers })
    expect(events('as')).toEqual([])
    expect(events('nobody')).toEqual(['SITES[0].events.issuer'])
  })
})
