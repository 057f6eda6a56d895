import { expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { siteOf, varsOf, writtenRoutes } from '../world/vars.ts'

const route = (forward: unknown, more: object = {}) => ({
  ...writtenRoutes[0],
  access: 'session',
  forward,
  ...more,
})

function problemsOf(forward: unknown, more: object = {}, site: object = {}): unknown {
  const parsed = parseConfig(varsOf({ site: { routes: [route(forward, more)], ...site } }))
  return parsed.ok ? [] : parsed.problems.map(({ path, mend }) => [path, mend])
}

function routeWith(forward: unknown) {
  return siteOf({ site: { routes: [route(forward)] } }).routes.match('/api/x', 'GET')
}

it('is an assertion, the caller’s token, one in exchange for it, or the site’s own', () => {
  expect(routeWith('none')).toMatchObject({ route: { forward: { kind: 'none' } } })
  expect(routeWith('access_token')).toMatchObject({ route: { forward: { kind: 'access_token' } } })
  expect(routeWith({ exchange: { audience: 'orders' } })).toMatchObject({
    route: { forward: { kind: 'exchange', target: { audience: 'orders', scopes: [] } } },
  })
  expect(routeWith({ client_credentials: {} })).toMatchObject({
    route: { forward: { kind: 'client_credentials', target: { scopes: [] } } },
  })
})

it('is one thing', () => {
  const one = 'must have exactly one of assertion, exchange, client_credentials'
  const path = 'SITES[0].routes[0].forward'
  expect(problemsOf({})).toEqual([[path, one]])
  const two = { assertion: { audience: 'a' }, exchange: { audience: 'b' } }
  expect(problemsOf(two)).toEqual([[path, one]])
  expect(problemsOf({ exchange: {} })).toEqual([
    [`${path}.exchange`, 'must name an audience, a resource or scopes'],
  ])
})

it('is bound to a key as the provider’s `dpop` says, unless it is downgraded here', () => {
  expect(routeWith({ exchange: { audience: 'orders', downgrade: 'bearer' } })).toMatchObject({
    route: { forward: { target: { downgrade: 'bearer' } } },
  })
  expect(problemsOf({ exchange: { audience: 'orders', downgrade: 'none' } })).toHaveLength(1)
  expect(problemsOf({ assertion: { audience: 'orders', downgrade: 'bearer' } })).toHaveLength(1)
})

it('is nothing that a proxy cannot prove', () => {
  const site = { routes: [], proxies: [{ kind: 'caddy', secret: { secret: 'PROXY' } }] }
  const problems = (forward: unknown, dpop: boolean) => {
    const routes = [route(forward, { upstream: { proxy: true } })]
    const env = { PROXY: 'a-secret-of-the-proxy-and-us-alone' }
    const parsed = parseConfig(varsOf({ provider: { dpop }, site: { ...site, routes }, env }))
    return parsed.ok ? [] : parsed.problems.map(({ path, mend }) => `${path} ${mend}`)
  }
  const refused =
    'SITES[0].routes[0].forward is a token bound to our key (dpop), which a proxy cannot prove: ' +
    'forward an assertion, or downgrade'
  for (const forward of [
    'access_token',
    { exchange: { audience: 'orders' } },
    { client_credentials: {} },
  ]) {
    expect(problems(forward, false)).toEqual([])
    expect(problems(forward, true)).toEqual([refused])
  }
  for (const forward of [
    'none',
    { assertion: { audience: 'orders' } },
    { exchange: { audience: 'orders', downgrade: 'bearer' } },
  ])
    expect(problems(forward, true)).toEqual([])
})

it('tells of nobody where nobody is known, and lends the site’s token to nobody', () => {
  const path = 'SITES[0].routes[0].forward'
  for (const forward of ['access_token', { assertion: { audience: 'a' } }])
    expect(problemsOf(forward, { access: 'public' })).toEqual([
      [path, 'has nobody to tell of: the route knows no caller'],
    ])
  const both = { access: { any: ['anonymous', 'session'] } }
  expect(problemsOf({ client_credentials: {} }, both)).toEqual([
    [path, "would lend the site's own token to everybody: leave out anonymous"],
  ])
  expect(problemsOf('access_token', both)).toEqual([])
})
